"""How every process of Tongpan logs: one line per event on stderr, "LEVEL who: what key=value".

Time is added by whoever collects the lines (``tongpan up``, journald, a container), so it is not in them.
"""

from __future__ import annotations

import logging.config
from collections.abc import MutableMapping
from typing import Any

import structlog

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        # Each job says for itself what it did; the queue need only say what failed.
        "procrastinate": {"level": "WARNING"},
    },
}


def configure(logging_settings: dict[str, Any]) -> None:
    """Apply ``logging_settings`` and let structlog write through them. Django calls it (``LOGGING_CONFIG``)."""
    logging.config.dictConfig(logging_settings)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            _as_line,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _as_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> tuple[tuple[str, str], dict[str, Any]]:
    """structlog's last step: the event's text, then its values as key=value; a traceback goes below the line."""
    text = str(event.pop("event"))
    passed_on = {name: event.pop(name) for name in ("exc_info", "stack_info") if name in event}
    return ("%s", " ".join([text, *(f"{name}={value}" for name, value in event.items())])), passed_on
