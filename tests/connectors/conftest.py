"""Small fictional files and a way to run the importer without a database."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def take(tmp_path: Path):
    """Reads, stages and assembles a file of orders; nothing is stored."""
    from tests.support.taking import take_file

    def run(path: Path, *arguments, **named):
        return take_file(path, tmp_path / "staging", *arguments, **named)

    return run


@pytest.fixture
def write(tmp_path: Path):
    """Writes a file of the given name from text (in an encoding) or bytes."""

    def run(name: str, content: str | bytes, encoding: str = "utf-8") -> Path:
        path = tmp_path / "given" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return run


@pytest.fixture
def run(db: None):
    """Imports a file for good: ``run(path, "shop", format_name=…)`` gives the result."""
    from tests.support.company import ACTOR, NOW

    from tongpan.connectors.actions import import_path

    def run(path: Path, shop_code: str = "shop-1", **how):
        return import_path(path, shop_code=shop_code, actor=ACTOR, now=NOW, **how)

    return run
