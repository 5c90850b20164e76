"""Which orders count for the working day that a node is in. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from tongpan.core.clock import zone
from tongpan.network.engine import Hours

_DAY = timedelta(days=1)
_LOOK_BACK = 370


def counting_from(now: datetime, hours: Hours, cut_off: time | None) -> datetime:
    """The instant (UTC) from which on orders counted for the working day that an order of ``now`` counts for.

    Working days are ``Hours.working_day``: an order that comes in after the cut-off, or on a day without opening,
    counts for the next day that has one. So they count from the cut-off of the last working day before it on, or
    from its midnight when there is no cut-off.
    """
    day = hours.working_day(now, cut_off)
    before = next((day - _DAY * back for back in range(1, _LOOK_BACK) if hours.openings(day - _DAY * back)), day - _DAY)
    return _end_of(before, hours, cut_off)


def _end_of(day: date, hours: Hours, cut_off: time | None) -> datetime:
    here = zone(hours.zone_name)
    if cut_off is not None:
        return datetime.combine(day, cut_off, here).astimezone(UTC)
    return datetime.combine(day + _DAY, time(0), here).astimezone(UTC)
