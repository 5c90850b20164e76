"""The postmaster of one cluster: is the process that its pid file names really it, and stopping it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A live postmaster. cluster: its folder, links resolved."""

    pid: int
    cluster: Path

    def stop(self) -> None:
        """Ask for a fast shutdown: sessions are ended, transactions rolled back, everything written out."""
        try:
            os.kill(self.pid, signal.SIGINT)
        except ProcessLookupError:
            return

    def wait(self, seconds: float) -> bool:
        """Wait until it is gone. Returns False when it is still there after ``seconds``."""
        deadline = time.monotonic() + seconds
        while is_postmaster(self.pid, self.cluster):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def find_postmaster(cluster: Path) -> Postmaster | None:
    """The live postmaster of ``cluster``, or None.

    A pid file outlives ``kill -9`` and a reboot, after which its number may belong to any other process, or
    to a zombie that nobody collects (in a container): neither is a postmaster, though both have that pid.
    """
    try:
        pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return Postmaster(pid, cluster) if is_postmaster(pid, cluster) else None


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether ``pid`` is a live process that works in ``cluster``."""
    if sys.platform == "linux":
        try:
            return (Path("/proc") / str(pid) / "cwd").readlink() == cluster
        except OSError:
            return False
    shown = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(shown) and not shown.startswith("Z") and f"-D {cluster}" in shown
