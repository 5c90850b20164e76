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
    # The vault keeps its keys: other tests may have left customers sealed with them.
    settings.CONFIG.secrets_dir.mkdir(parents=True, exist_ok=True)
    (tmp_path / "secrets").symlink_to(settings.CONFIG.secrets_dir)
    settings.CONFIG = replace(settings.CONFIG, data_dir=tmp_path)
    yield tmp_path / "lake"
