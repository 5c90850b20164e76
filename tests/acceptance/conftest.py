"""Fixtures of the whole-path cases."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.installation import Installation, make_installation


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    folder = Path(tempfile.mkdtemp(prefix="tongpan-acceptance-", dir="/tmp"))
    folder.chmod(0o711)
    yield make_installation(folder / "data")
    shutil.rmtree(folder, ignore_errors=True)
