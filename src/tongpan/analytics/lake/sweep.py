"""Deletes files that no reader can still be using, and files that never became current."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from tongpan.analytics.lake import files, manifest
from tongpan.core.bulk import execute, fetch_all

GRACE = timedelta(hours=1)
"""How long a replaced file stays for queries that began before."""


@dataclass(frozen=True, slots=True)
class Swept:
    replaced: int
    orphans: int


def sweep(now: datetime, grace: timedelta = GRACE) -> Swept:
    """Delete files replaced longer than ``grace`` ago, and every file that the manifest does not name.

    Takes the writer's lock: while it is held no write is under way, so a file that the manifest does not name
    was left behind by one that died. A crash in the middle leaves rows of replaced files that are gone; nobody
    reads those, and the next sweep deletes them.
    """
    with transaction.atomic():
        manifest.lock_writer()
        old = fetch_all(f"SELECT path FROM {manifest.TABLE} WHERE superseded_at <= %s", [now - grace])
        for (path,) in old:
            (files.lake_dir() / path).unlink(missing_ok=True)
        execute(f"DELETE FROM {manifest.TABLE} WHERE superseded_at <= %s", [now - grace])
        known = {row[0] for row in fetch_all(f"SELECT path FROM {manifest.TABLE}")}
        orphans = [
            path
            for path in files.lake_dir().glob("*/*.parquet")
            if str(path.relative_to(files.lake_dir())) not in known
        ]
        for path in orphans:
            path.unlink()
        for folder in files.scratch_dir().iterdir():
            shutil.rmtree(folder)
        _remove_dead_spills()
    return Swept(replaced=len(old), orphans=len(orphans))


def _remove_dead_spills() -> None:
    root = files.spill_dir(0).parent
    for folder in root.iterdir():
        if folder.name.isdecimal() and not _is_alive(int(folder.name)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
