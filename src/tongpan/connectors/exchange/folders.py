"""The folders of a partner, and moving files between them so that no file is ever half there."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tongpan.core.config import load_config

NAMES = ("inbox", "working", "done", "failed", "outbox")
STABLE_SECONDS = 10.0
_PARTIAL = (".part", ".partial", ".tmp", ".filepart", ".crdownload", ".upload", ".swp")


def home(code: str) -> Path:
    """The folder of the partner called ``code``."""
    return load_config().data_dir / "exchange" / code


def prepare(code: str) -> Path:
    """Make the partner's folders; the folder that holds them."""
    for name in NAMES:
        (home(code) / name).mkdir(parents=True, exist_ok=True)
    return home(code)


def ready(code: str, *, now: float | None = None) -> list[Path]:
    """The files of the inbox that nobody writes to any more, oldest first.

    Left alone: names that begin with a dot or end as unfinished transfers do, links, folders, and what was changed
    less than ``STABLE_SECONDS`` ago. now: seconds since 1970.
    """
    at = time.time() if now is None else now
    found = []
    for path in (home(code) / "inbox").iterdir():
        if path.name.startswith(".") or path.suffix.lower() in _PARTIAL or path.is_symlink() or not path.is_file():
            continue
        with suppress(FileNotFoundError):
            changed = path.stat().st_mtime
            if at - changed >= STABLE_SECONDS:
                found.append((changed, path.name, path))
    return [path for _, _, path in sorted(found)]


def pick_up(path: Path) -> Path | None:
    """Move a file from the inbox to the working folder; None when another process was first."""
    target = _free(path.parent.parent / "working" / path.name)
    try:
        path.rename(target)
    except FileNotFoundError:
        return None
    return target


def working(code: str) -> list[Path]:
    """What was picked up and, after a process was killed, perhaps not finished; error files of that run are removed."""
    folder = home(code) / "working"
    for path in folder.iterdir():
        if path.name.endswith(".errors.csv") or path.name.startswith("."):
            path.unlink(missing_ok=True)
    return sorted(path for path in folder.iterdir() if path.is_file())


def put_away(path: Path, folder: str, at: datetime) -> Path:
    """Move a finished file to ``folder``, under its name with the time before it."""
    stamp = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    target = _free(path.parent.parent / folder / f"{stamp}-{path.name}")
    path.rename(target)
    return target


def write_whole(path: Path, content: bytes) -> None:
    """Let ``content`` appear as ``path`` all at once, on disk before it has its name; not readable by everybody."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as stream:
        part.chmod(0o640)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def digest(path: Path) -> bytes:
    """SHA-256 of the content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()


def _free(path: Path) -> Path:
    number = 1
    found = path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
