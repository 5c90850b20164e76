"""Where the files of the lake lie, and how a file becomes durable before anything refers to it."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from tongpan.core.late import Late

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Late("duckdb")

DUCKDB_THREADS = 2
WRITER_MEMORY = "512MB"
# compressed_materialization: DuckDB 2.0.0 packs a sum into too few bits when it follows a LEFT JOIN with a filtered
# table without rows, and the query fails with "can't be cast because the value is out of range".
# window_self_join: a total over groups becomes a join of the groups with themselves, and the fact is read twice.
DISABLED_OPTIMIZERS = "compressed_materialization,window_self_join"
# Flushes wait for the disk, not for a core.
FLUSHERS = 8


def lake_dir() -> Path:
    """The folder of the lake of this installation."""
    return settings.CONFIG.lake_dir


def scratch_dir() -> Path:
    """Where the writer keeps half-made files; nothing in it survives a sweep."""
    return _made(lake_dir() / ".scratch")


def spill_dir(pid: int) -> Path:
    """Where DuckDB of process ``pid`` puts what does not fit into its memory."""
    return _made(lake_dir() / ".spill") / str(pid)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def connect(memory_limit: str) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB that loads nothing from the network and spills only into the lake's own folder."""
    connection = duckdb.connect(
        ":memory:",
        config={
            "threads": DUCKDB_THREADS,
            "memory_limit": memory_limit,
            "temp_directory": str(spill_dir(os.getpid())),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "disabled_optimizers": DISABLED_OPTIMIZERS,
        },
    )
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def quote(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of its own for half-made files; removed afterwards with all that is in it."""
    with tempfile.TemporaryDirectory(dir=scratch_dir()) as name:
        yield Path(name)


def publish(drafts: Sequence[tuple[str, str, Path]]) -> list[tuple[str, int, str]]:
    """Give whole scratch files their durable names in the lake; ``drafts`` are (table, partition, file).

    Every file is flushed to disk before it gets its name, and the folders after: a name that exists is a whole
    file, also after a power cut. Names are never used twice. Returns (path within the lake, bytes, SHA-256) each.
    """
    with ThreadPoolExecutor(FLUSHERS) as pool:
        contents = list(pool.map(_flush_file, [draft for _, _, draft in drafts]))
    published = []
    for (table, partition, draft), (size, digest) in zip(drafts, contents, strict=True):
        folder = lake_dir() / table
        if not folder.exists():
            folder.mkdir(parents=True, exist_ok=True)
            _flush_folder(folder.parent)
        final = folder / f"{partition}.{secrets.token_hex(8)}.parquet"
        draft.rename(final)
        published.append((str(final.relative_to(lake_dir())), size, digest))
    for table in {table for table, _, _ in drafts}:
        _flush_folder(lake_dir() / table)
    return published


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _flush_file(path: Path) -> tuple[int, str]:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
        return os.fstat(handle.fileno()).st_size, hashlib.file_digest(handle, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
