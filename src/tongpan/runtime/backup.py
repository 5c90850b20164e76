"""A backup that another machine, another server or a newer version can be started from.

It holds a dump of the database, the keys without which its personal data cannot be read, and uploaded files. The lake
is not in it: it is computed from the database and written anew.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection

from tongpan import __version__
from tongpan.core.clock import utc_now
from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.core.postgres.binaries import find_binaries
from tongpan.runtime import migrations
from tongpan.runtime.lake import rebuild_lake

ABOUT = "backup.json"
DUMP = "database.dump"
SECRETS = "secrets"
UPLOADS = "uploads"


@dataclass(frozen=True, slots=True)
class Backup:
    """size: bytes of all its files."""

    folder: Path
    version: str
    made_at: str
    size: int


def back_up(config: Config, folder: Path) -> Backup:
    """Write a backup into ``folder``, which must be new or empty; Tongpan may run meanwhile.

    The dump is one snapshot of the database. The keys are copied after it, so that those it needs are there.
    Raises Refusal: "backup.target" or "backup.dump".
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Refusal("backup.target", f"{folder} is not an empty folder. Name one that does not exist yet.")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Refusal("backup.target", f"{folder} cannot be made: {error.strerror}.") from error
    _run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={folder / DUMP}")
    _copy(config.secrets_dir, folder / SECRETS)
    _copy(config.uploads_dir, folder / UPLOADS)
    about = {"version": __version__, "made_at": utc_now().isoformat(timespec="seconds")}
    # Last: a folder without it is no backup.
    (folder / ABOUT).write_text(json.dumps(about, indent=2) + "\n")
    return _described(folder)


def restore(config: Config, folder: Path) -> Backup:
    """Fill the empty database and data directory of ``config`` from a backup, and bring them up to this version.

    The database changes as a whole or not at all. Raises Refusal: "restore.source" when ``folder`` holds no backup,
    "restore.target" when there is data already, "backup.dump" when the database refuses the dump.
    """
    if not (folder / ABOUT).is_file() or not (folder / DUMP).is_file():
        raise Refusal("restore.source", f"{folder} holds no complete backup of Tongpan.")
    if connection.introspection.table_names():
        raise Refusal(
            "restore.target",
            f"The database of {config.data_dir} is not empty, and a restore overwrites nothing. Set TONGPAN_DATA_DIR "
            "to a new folder, or TONGPAN_DATABASE_URL to an empty database.",
        )
    dump = str((folder / DUMP).resolve())
    _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", dump)
    _copy(folder / SECRETS, config.secrets_dir)
    _copy(folder / UPLOADS, config.uploads_dir)
    migrations.migrate()
    rebuild_lake()
    return _described(folder)


def _described(folder: Path) -> Backup:
    about = json.loads((folder / ABOUT).read_text())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Backup(folder, about["version"], about["made_at"], size)


def _copy(source: Path, target: Path) -> None:
    """Copy a private folder; what the target has under another name stays."""
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def _run(tool: str, *arguments: str) -> None:
    """Run a PostgreSQL tool on the database of the Django connection, without showing its password to anybody."""
    at: dict[str, Any] = connection.get_connection_params()
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
    environment |= {variable: str(at[name]) for name, variable in names.items() if at.get(name)}
    done = subprocess.run(  # noqa: S603
        [_program(tool), f"--dbname={at['dbname']}", "--no-password", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal("backup.dump", f"{tool} failed: {done.stderr.strip() or f'exit code {done.returncode}'}")


def _program(tool: str) -> str:
    """A tool can read dumps and servers of its own and of older versions, so the newest one serves."""
    path = Path(find_binaries().tool(tool))
    if not path.exists():
        raise Refusal("backup.dump", f"{path} is missing. Install PostgreSQL's client programs.")
    return str(path)
