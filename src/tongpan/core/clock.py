"""Time is timezone-aware and passed in. Business days are days of a channel's own zone."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, available_timezones

DEFAULT_ZONE = "Asia/Shanghai"


def utc_now() -> datetime:
    """The present instant. Faces and readers call it and pass the value down; engines never do."""
    return datetime.now(UTC)


@functools.cache
def zone(name: str) -> ZoneInfo:
    """The IANA zone ``name``. Raises zoneinfo.ZoneInfoNotFoundError when there is none."""
    return ZoneInfo(name)


@functools.cache
def zone_names() -> frozenset[str]:
    """Every IANA zone that this machine knows; kept, because listing them walks hundreds of files."""
    return frozenset(available_timezones())


def business_day(at: datetime, zone_name: str) -> date:
    """The calendar day of the aware instant ``at`` in ``zone_name``."""
    return at.astimezone(zone(zone_name)).date()
