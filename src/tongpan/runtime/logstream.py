"""One readable stream of what all processes say, and a file for each of them."""

from __future__ import annotations

import logging
import os
import sys
import threading
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE_BYTES = 10 * 1024 * 1024
OLD_FILES = 5
COLOURS = {"web": 36, "worker": 35, "readers": 34, "postgres": 33, "tongpan": 32}
NAME_WIDTH = 8


class LogStream:
    """Writes "time name | line" to stdout and "time line" to ``folder/name.log``, from any thread.

    Standard output is looked up for every line, so that a progress bar which stands in for it keeps its place.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The machine's own zone: loading Django changes the zone of the process to that of the business.
        self._zone = datetime.now().astimezone().tzinfo
        self._files: dict[str, logging.Handler] = {}
        self._lock = threading.Lock()
        self._is_stdout_open = True
        self._is_colourful = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def write(self, name: str, line: str) -> None:
        """Write one line that the process ``name`` said."""
        now = datetime.now(self._zone)
        with self._lock:
            record = logging.makeLogRecord({"msg": f"{now.isoformat(timespec='seconds')} {line}"})
            self._file(name).emit(record)
            label = f"{now:%H:%M:%S} {name:<{NAME_WIDTH}}|"
            if self._is_colourful:
                label = f"\x1b[{COLOURS.get(name, 37)}m{label}\x1b[0m"
            self._print(f"{label} {line}")

    def say(self, line: str) -> None:
        """Write one line of the supervisor itself."""
        self.write("tongpan", line)

    def close(self) -> None:
        with self._lock:
            for handler in self._files.values():
                handler.close()
            self._files.clear()

    def _file(self, name: str) -> logging.Handler:
        if name not in self._files:
            self._files[name] = RotatingFileHandler(
                self._folder / f"{name}.log", maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8"
            )
        return self._files[name]

    def _print(self, text: str) -> None:
        if not self._is_stdout_open:
            return
        try:
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):  # the reader of our pipe went away; the files go on
            self._is_stdout_open = False
