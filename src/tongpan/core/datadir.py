"""The data directory: made private to its owner before anything is put into it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from tongpan.core.config import Config
from tongpan.core.errors import Refusal

PRIVATE = 0o700
# When root runs Tongpan, PostgreSQL runs as another user and must be able to walk through, not look around.
PASSABLE = 0o711


def locks_dir(config: Config) -> Path:
    """The folder of the files that processes of one installation lock against each other."""
    return config.data_dir / "locks"


def prepare_data_dir(config: Config) -> None:
    """Make the data directory and its private folders where they are missing; existing modes stay.

    Raises Refusal("datadir.unusable") when a folder cannot be made or written.
    """
    _make(config.data_dir, PASSABLE if os.geteuid() == 0 else PRIVATE)
    for folder in (
        config.lake_dir,
        config.uploads_dir,
        config.secrets_dir,
        config.logs_dir,
        config.data_dir / "static",
        locks_dir(config),
    ):
        _make(folder, PRIVATE)


def _make(folder: Path, mode: int) -> None:
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(mode)
    except OSError as error:
        raise Refusal(
            "datadir.unusable",
            f"The folder {folder} cannot be made: {error.strerror}. "
            "Set TONGPAN_DATA_DIR to a folder that you may write to.",
        ) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refusal(
            "datadir.unusable",
            f"The folder {folder} belongs to {user_name(folder.stat().st_uid)} and you may not write to it. "
            "Run Tongpan as that user, or set TONGPAN_DATA_DIR to a folder of your own.",
        )


def user_name(uid: int) -> str:
    """The name of a user of this machine, or its number when it has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
