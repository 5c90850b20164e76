"""An installation of its own for a test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.support.installation import Installation, new_installation

from tongpan.core.config import Config, load_config


@pytest.fixture
def installation() -> Iterator[Installation]:
    with new_installation() as made:
        yield made


@pytest.fixture
def config(installation: Installation) -> Config:
    return replace(load_config(), data_dir=installation.data_dir, database_url="")
