"""A fresh installation in a temporary folder, run by the real command line."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    data_dir: Path
    port: int

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGPAN_")}
        return kept | {"TONGPAN_DATA_DIR": str(self.data_dir), "TONGPAN_PORT": str(self.port)}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def fresh_place() -> Iterator[Place]:
    folder = Path(tempfile.mkdtemp(prefix="tongpan-bench-", dir="/tmp"))
    folder.chmod(0o711)  # the database of a root user runs as another one
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    try:
        yield Place(folder / "data", port)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(place: Place, command: str) -> Iterator[tuple[float, list[str]]]:
    """``tongpan COMMAND`` until the block ends: (seconds until it was ready, the lines it printed by then)."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tongpan", command],
        env=place.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    try:
        if process.stdout is None:
            raise RuntimeError("the command has no output")
        for line in process.stdout:
            lines.append(line.rstrip())
            if "sign in as" in line or (command == "up" and "ready:" in line):
                break
        else:
            raise RuntimeError("tongpan did not come up:\n" + "\n".join(lines[-20:]))
        yield time.monotonic() - started, lines
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
