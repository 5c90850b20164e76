"""Checks of the machine and of the data directory: need neither Django nor a database."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from tongpan.core.config import Config
from tongpan.core.datadir import user_name
from tongpan.core.errors import Refusal
from tongpan.core.postgres.binaries import find_binaries
from tongpan.core.postgres.cluster import cluster_major
from tongpan.core.postgres.location import cluster_dir
from tongpan.runtime.doctor.finding import Finding, note, ok, wrong
from tongpan.runtime.processes import answers, refuse_taken_port, running_pid, url

OLDEST_PYTHON = (3, 11)
NEWEST_TRIED_PYTHON = (3, 14)
LEAST_FREE_BYTES = 1_000_000_000
COMFORTABLE_FREE_BYTES = 5_000_000_000


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < OLDEST_PYTHON:
        return wrong("python", f"Python is {version}; Tongpan needs 3.11 or later.")
    if sys.version_info[:2] > NEWEST_TRIED_PYTHON:
        return note("python", f"Python is {version}, which is newer than what Tongpan was tried with (3.11 to 3.14).")
    return ok("python", f"Python is {version}.")


def data_directory(config: Config) -> Finding:
    folder = config.data_dir
    if not folder.exists():
        parent = next(parent for parent in folder.parents if parent.exists())
        if os.access(parent, os.W_OK | os.X_OK):
            return note("data_directory", f"{folder} does not exist yet; `tongpan up` makes it.")
        return wrong(
            "data_directory",
            f"{folder} does not exist, and you may not make it in {parent}. Set TONGPAN_DATA_DIR to another folder.",
        )
    if not folder.is_dir():
        return wrong("data_directory", f"{folder} is not a folder. Set TONGPAN_DATA_DIR to one.")
    closed = [path for path in (folder, *_own_folders(config)) if not os.access(path, os.W_OK | os.X_OK)]
    if closed:
        owner = user_name(closed[0].stat().st_uid)
        return wrong("data_directory", f"You may not write to {closed[0]}, which belongs to {owner}.")
    return ok("data_directory", f"{folder} is there and may be written to.")


def disk(config: Config) -> Finding:
    folder = next(path for path in (config.data_dir, *config.data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    sentence = f"{free / 1e9:,.1f} GB are free on the disk of {folder}."
    if free < LEAST_FREE_BYTES:
        return wrong("disk", f"Only {sentence} PostgreSQL stops when there is none left: free some, or move the data.")
    if free < COMFORTABLE_FREE_BYTES:
        return note("disk", f"Only {sentence}")
    return ok("disk", sentence)


def secrets(config: Config) -> Finding:
    """Keys are worth nothing when others may read them."""
    if not config.secrets_dir.exists():
        return note("secrets", f"{config.secrets_dir} does not exist yet; keys are made on first use.")
    for path in (config.secrets_dir, *sorted(config.secrets_dir.iterdir())):
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            return wrong("secrets", f"{path} is open to other users. Close it: chmod go= {path}")
        if not os.access(path, os.R_OK):
            return wrong("secrets", f"You may not read {path}. Run Tongpan as {user_name(path.stat().st_uid)}.")
    return ok("secrets", "The keys are readable by their owner only.")


def programs(config: Config) -> Iterator[Finding]:
    """The PostgreSQL programs that the embedded server would run with."""
    if not config.is_embedded:
        return
    try:
        major = cluster_major(cluster_dir(config))
        found = find_binaries(major)
    except Refusal as refusal:
        yield wrong("postgres.programs", refusal.sentence)
        return
    except PermissionError:
        yield wrong(
            "postgres.programs",
            f"You may not read the database in {cluster_dir(config)}. Run Tongpan as the user who made it.",
        )
        return
    yield ok("postgres.programs", f"PostgreSQL {found.version} is in {found.bin_dir} ({found.source}).")


def port(config: Config) -> Finding:
    pid = running_pid(config)
    if pid is not None:
        if answers(config):
            return ok("port", f"Tongpan runs (process {pid}) and answers at {url(config)}")
        return wrong(
            "port",
            f"Tongpan runs (process {pid}) but does not answer at {url(config)} If it was started with another "
            f"TONGPAN_PORT, set the same one here; else see {config.logs_dir / 'web.log'}.",
        )
    try:
        refuse_taken_port(config)
    except Refusal as refusal:
        return wrong("port", refusal.sentence)
    return ok("port", f"Tongpan does not run; port {config.port} on {config.host} is free for it.")


def charts() -> Finding:
    """The console draws with a file that is built in at installation and not part of the sources."""
    path = Path(__file__).resolve().parents[2] / "console" / "static" / "vendor" / "echarts.min.js"
    if path.is_file():
        return ok("charts", "The chart library is built in.")
    return wrong("charts", f"{path} is missing, so the console shows no charts. Run: make vendor")


def _own_folders(config: Config) -> list[Path]:
    wanted = (config.lake_dir, config.uploads_dir, config.secrets_dir, config.logs_dir)
    return [path for path in wanted if path.exists()]
