"""A whole installation for a test: its own data directory, its own PostgreSQL, the real command line."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UCI = Path(__file__).parents[2] / "src" / "tongpan" / "demo" / "data" / "online_retail.csv.gz"


@dataclass
class Installation:
    data_dir: Path
    environment: dict[str, str]

    def run(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tongpan", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def json(self, *arguments: str, timeout: float = 300) -> Any:
        done = self.run(*arguments, "--json", timeout=timeout)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tongpan", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_installation(folder: Path) -> Installation:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TONGPAN_")}
    environment |= {"TONGPAN_DATA_DIR": str(folder), "TONGPAN_PORT": str(free_port())}
    return Installation(folder, environment)


@contextmanager
def new_installation() -> Iterator[Installation]:
    """An installation in a folder of its own that does not exist yet; removed afterwards.

    Not in pytest's own temporary folder: that is closed to the user whom root's PostgreSQL runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix="tongpan-installation-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield make_installation(folder / "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def migrated_installation() -> Iterator[Installation]:
    """As ``new_installation``, with its database made and its tables up to date already."""
    with new_installation() as made:
        # a copy keeps the owner of the database's files, who is another user than root
        subprocess.run(["cp", "-a", str(_migrated()), str(made.data_dir)], check=True)
        (made.data_dir / "logs" / "postgres").unlink(missing_ok=True)
        yield made


def _migrated() -> Path:
    """The data directory that this run makes once, whichever of its processes needs it first."""
    folder = Path(os.environ["TONGPAN_TEST_RUN_DIR"]) / "migrated"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = make_installation(folder.with_name("migrating"))
            done = making.run("migrate")
            assert done.returncode == 0, done.stderr
            making.data_dir.rename(folder)
    return folder
