"""A lake of its own for every test."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def lake_dir(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """The folder of this test's lake."""
    settings.CONFIG = replace(settings.CONFIG, data_dir=tmp_path)
    yield tmp_path / "lake"
