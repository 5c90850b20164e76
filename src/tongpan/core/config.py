"""Where this installation lives and listens: read from the environment, once."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 8600


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of one installation.

    data_dir: the folder of the database, the lake, uploads, keys and logs.
    database_url: a PostgreSQL URL, or "" when Tongpan runs its own server in ``data_dir``.
    """

    data_dir: Path
    database_url: str
    host: str
    port: int

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"

    @property
    def uploads_dir(self) -> Path:
        return self.data_dir / "uploads"

    @property
    def secrets_dir(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def is_embedded(self) -> bool:
        """True when Tongpan starts and stops its own PostgreSQL."""
        return not self.database_url


def load_config() -> Config:
    """Read ``TONGPAN_DATA_DIR``, ``TONGPAN_DATABASE_URL``, ``TONGPAN_HOST`` and ``TONGPAN_PORT``.

    The default data directory is ``.data`` in the working directory. Raises ValueError with a sentence
    when the port is not a number from 1 to 65535.
    """
    port_text = os.environ.get("TONGPAN_PORT", str(DEFAULT_PORT))
    if not port_text.isdecimal() or not 1 <= int(port_text) <= 65535:
        raise ValueError(f"TONGPAN_PORT is {port_text!r}; it must be a number from 1 to 65535.")
    return Config(
        data_dir=Path(os.environ.get("TONGPAN_DATA_DIR", ".data")).expanduser().absolute(),
        database_url=os.environ.get("TONGPAN_DATABASE_URL", ""),
        host=os.environ.get("TONGPAN_HOST", "127.0.0.1"),
        port=int(port_text),
    )
