"""One child process: started, its lines collected, started again when it dies, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from tongpan.runtime.lifeline import SUPERVISOR
from tongpan.runtime.logstream import LogStream

SOURCE_ROOT = Path(__file__).resolve().parents[2]
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A child that ran this long had started well: the next failure begins a new series.
STEADY_SECONDS = 60.0


class Child:
    """``tongpan NAME`` as a child process in a process group of its own. Not thread-safe: one thread drives it."""

    def __init__(self, name: str, log: LogStream, start_at: float = 0.0) -> None:
        """start_at: not before this ``time.monotonic()``."""
        self.name = name
        self.failures = 0
        self._log = log
        self._process: subprocess.Popen[str] | None = None
        self._pump: threading.Thread | None = None
        self._started_at = 0.0
        self._restart_at = start_at

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it. It gets no terminal: Ctrl-C is for the supervisor, which stops children in order."""
        path = os.pathsep.join([str(SOURCE_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "tongpan", self.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            env=os.environ | {SUPERVISOR: str(os.getpid()), "PYTHONUNBUFFERED": "1", "PYTHONPATH": path},
        )
        self._started_at = time.monotonic()
        self._pump = threading.Thread(target=self._collect, args=(self._process,), daemon=True)
        self._pump.start()

    def look(self, now: float) -> None:
        """See to it that it runs. now: ``time.monotonic()``."""
        if self._process is None:
            if now >= self._restart_at:
                self.start()
            return
        status = self._process.poll()
        if status is None:
            if self.failures and now - self._started_at > STEADY_SECONDS:
                self.failures = 0
            return
        self.kill()
        self._process = None
        delay = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**self.failures)
        self.failures += 1
        self._restart_at = now + delay
        self._log.say(f"{self.name} ended unexpectedly ({_reason(status)}); starting it again in {delay:g} s")

    def stop(self, seconds: float) -> None:
        """Ask it to end, wait up to ``seconds``, then kill it and what it started."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._log.say(f"{self.name} did not end within {seconds:g} s and was killed")
        self.kill()
        self._process.wait()
        if self._pump:
            self._pump.join(2)
        self._process = None

    def kill(self) -> None:
        """Kill it and whatever it started itself: they are one process group, which has the child's number."""
        if self._process:
            with suppress(ProcessLookupError, PermissionError):  # gone already; macOS says the second
                os.killpg(self._process.pid, signal.SIGKILL)

    def _collect(self, process: subprocess.Popen[str]) -> None:
        if process.stdout:
            for line in process.stdout:
                if line.strip():
                    self._log.write(self.name, line.rstrip())


def _reason(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit code {status}"
