"""A backup holds everything that cannot be computed, and a new installation goes on from it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.installation import Installation, migrated_installation, new_installation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def source() -> Iterator[Installation]:
    """An installation with a user, an upload and a backup in ``backup`` beside its data."""
    with migrated_installation() as made:
        done = made.run("user", "create", "li", "--role", "administrator")
        assert done.returncode == 0, done.stderr
        (made.data_dir / "uploads" / "orders.csv").write_text("id\n1\n")
        done = made.run("backup", str(made.data_dir.with_name("backup")), "--json")
        assert done.returncode == 0, done.stderr
        yield made


@pytest.fixture
def backup(source: Installation) -> Path:
    return source.data_dir.with_name("backup")


def test_a_new_installation_goes_on_from_it(source: Installation, backup: Path) -> None:
    with new_installation() as target:
        # when
        done = target.run("restore", str(backup))

        # then
        assert done.returncode == 0, done.stderr
        assert target.json("user", "list") == source.json("user", "list")
        for name in ("secrets", "uploads"):
            ours = {path.name: path.read_bytes() for path in (target.data_dir / name).iterdir()}
            assert ours == {path.name: path.read_bytes() for path in (source.data_dir / name).iterdir()}
        assert target.json("reconcile")["clean"] is True
        checks = json.loads(target.run("doctor", "--json").stdout)["checks"]
        assert [c["sentence"] for c in checks if c["level"] == "wrong" and c["check"] != "charts"] == []

        # when it is restored a second time, then nothing is overwritten
        again = target.run("restore", str(backup))
        assert again.returncode == 1
        assert "a restore overwrites nothing" in again.stderr


def test_it_is_closed_to_others(backup: Path) -> None:
    assert backup.stat().st_mode & 0o077 == 0
    assert (backup / "secrets").stat().st_mode & 0o077 == 0


def test_a_folder_that_is_in_use_is_refused_and_left_alone(source: Installation, backup: Path) -> None:
    before = sorted(path.name for path in backup.iterdir())
    done = source.run("backup", str(backup))
    assert done.returncode == 1
    assert "is not an empty folder" in done.stderr
    assert sorted(path.name for path in backup.iterdir()) == before


def test_a_folder_without_a_complete_backup_is_refused_and_nothing_is_restored(tmp_path: Path) -> None:
    (tmp_path / "database.dump").write_bytes(b"")
    with new_installation() as target:
        done = target.run("restore", str(tmp_path))
        assert done.returncode == 1
        assert "holds no complete backup" in done.stderr


def test_a_damaged_dump_is_refused_in_the_tools_own_words_and_leaves_the_database_empty(
    backup: Path, tmp_path: Path
) -> None:
    # given a dump that was cut short
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    dump = (backup / "database.dump").read_bytes()
    (damaged / "database.dump").write_bytes(dump[: len(dump) // 2])
    (damaged / "backup.json").write_bytes((backup / "backup.json").read_bytes())

    with new_installation() as target:
        # when
        done = target.run("restore", str(damaged))

        # then
        assert done.returncode == 1
        assert "pg_restore failed" in done.stderr
        assert target.run("restore", str(backup)).returncode == 0
