"""Where the embedded server keeps its files and its socket: pure path rules, shared by server and clients."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tongpan.core.config import Config

# A Unix socket address holds at most 107 bytes on Linux (103 on macOS), "/.s.PGSQL.5432" included.
MAX_SOCKET_DIR = 85
# Not the temporary folder of the environment: two processes of one installation must agree on it.
SHORT_SOCKET_ROOT = Path("/tmp")  # noqa: S108
DATABASE = "tongpan"
USER = "tongpan"
PORT = "5432"


def cluster_dir(config: Config) -> Path:
    """The folder of the database files; a symbolic link where root keeps them elsewhere (``placement``)."""
    return config.data_dir / "postgres"


def socket_dir(config: Config) -> Path:
    """The folder of the server's socket: inside the data directory, or a short one where that cannot be.

    It cannot be when the path is too long for a socket, or has a comma, which separates hosts for every client.
    """
    inside = config.data_dir / "run"
    if len(str(inside).encode()) <= MAX_SOCKET_DIR and "," not in str(inside):
        return inside
    digest = hashlib.sha256(str(config.data_dir).encode()).hexdigest()[:16]
    return SHORT_SOCKET_ROOT / f"tongpan-{digest}"


def django_database(config: Config) -> dict[str, Any]:
    """Django's DATABASES entry for ``config``: the given URL, or the embedded server's socket.

    Raises ValueError when the URL is not one of PostgreSQL.
    """
    common: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
    if config.is_embedded:
        return common | {"NAME": DATABASE, "USER": USER, "HOST": str(socket_dir(config)), "PORT": PORT}
    url = urlsplit(config.database_url)
    if url.scheme not in ("postgres", "postgresql") or not url.path.strip("/"):
        raise ValueError(
            "TONGPAN_DATABASE_URL must look like postgresql://user:password@host:5432/database; "
            f"its scheme is {url.scheme!r}."
        )
    query = dict(parse_qsl(url.query))
    return common | {
        "NAME": unquote(url.path.lstrip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", unquote(url.hostname or "")),
        "PORT": str(url.port or query.pop("port", "")),
        "OPTIONS": query,
    }
