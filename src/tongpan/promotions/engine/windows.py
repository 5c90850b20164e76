"""When a rule is open: instants, hours of weekdays, dates; read, written and asked for in the zone of the window.

A date without a time is a whole day: as an end it means 24:00, the first instant that is out.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tongpan.core.clock import zone, zone_names
from tongpan.promotions.engine.reading import Reader, shown
from tongpan.promotions.engine.rules import Hours, Weekly, Window

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")


def read_window(reader: Reader, raw: Any, at: str, default_zone: str) -> Window:
    """The window that ``raw`` describes; dates and times without an offset are those of its zone."""
    words = reader.words(raw, at, ("starts_at", "ends_at", "weekly", "dates", "zone"))
    name = read_zone(reader, words.get("zone"), f"{at}.zone", default_zone)
    starts = _instant(reader, words.get("starts_at"), f"{at}.starts_at", name, is_end=False)
    ends = _instant(reader, words.get("ends_at"), f"{at}.ends_at", name, is_end=True)
    if starts and ends and ends <= starts:
        reader.wrong(f"{at}.ends_at", "The end is not after the start.")
    weekly = tuple(
        _weekly(reader, one, f"{at}.weekly[{number}]")
        for number, one in enumerate(reader.entries(words.get("weekly"), f"{at}.weekly", "weekly times", most=50))
    )
    dates = tuple(
        found
        for number, one in enumerate(reader.entries(words.get("dates"), f"{at}.dates", "dates", most=1_000))
        if (found := _dated(reader, one, f"{at}.dates[{number}]"))
    )
    window = Window(starts, ends, weekly, dates, name)
    if dates and not weekly:
        for number, (day, hours) in enumerate(dates):
            opens = datetime.combine(day, time(), zone(name)) + timedelta(minutes=hours.from_minute)
            if (ends and opens >= ends) or (starts and opens + timedelta(days=1) <= starts):
                reader.wrong(f"{at}.dates[{number}]", "This date lies outside the start and the end of the window.")
    return window


def read_zone(reader: Reader, raw: Any, at: str, default: str) -> str:
    """The name of a zone of the IANA database."""
    if raw is None:
        return default
    if not isinstance(raw, str) or raw not in zone_names():
        reader.wrong(at, f"{shown(raw)} is no time zone; give a name such as Asia/Shanghai.")
        return default
    return raw


def _instant(reader: Reader, raw: Any, at: str, zone_name: str, *, is_end: bool) -> datetime | None:
    """An aware instant in the zone of the window; a date is its first instant, as an end that of the day after."""
    if raw is None:
        return None
    try:
        if isinstance(raw, str) and _DATE.fullmatch(raw):
            day = date.fromisoformat(raw) + (timedelta(days=1) if is_end else timedelta())
            return datetime.combine(day, time(), zone(zone_name))
        if isinstance(raw, str) and len(raw) > 10:
            found = datetime.fromisoformat(raw)
            found = found if found.tzinfo else found.replace(tzinfo=zone(zone_name))
            # Through UTC, so that an hour that a change of clocks leaves out becomes the real instant.
            return found.astimezone(UTC).astimezone(zone(zone_name))
    except (ValueError, OverflowError):
        pass
    reader.wrong(at, f"{shown(raw)} is neither a date (2026-06-18) nor a time (2026-06-18T20:00).")
    return None


def _weekly(reader: Reader, raw: Any, at: str) -> Weekly:
    words = reader.words(raw, at, ("days", "from", "to"), needed=("days",))
    days = reader.entries(words.get("days"), f"{at}.days", f"weekdays ({', '.join(DAYS)})", least=1, most=7)
    found = set()
    for one in days:
        if one in DAYS:
            found.add(DAYS.index(one) + 1)
        else:
            reader.wrong(f"{at}.days", f"{shown(one)} is not one of {', '.join(DAYS)}.")
    return Weekly(frozenset(found), _hours(reader, words.get("from"), words.get("to"), at))


def _dated(reader: Reader, raw: Any, at: str) -> tuple[date, Hours] | None:
    words = {"date": raw} if isinstance(raw, str) else reader.words(raw, at, ("date", "from", "to"), needed=("date",))
    text = words.get("date")
    try:
        if isinstance(text, str) and _DATE.fullmatch(text):
            return date.fromisoformat(text), _hours(reader, words.get("from"), words.get("to"), at)
    except ValueError:
        pass
    if text is not None:
        reader.wrong(at, f"{shown(text)} is not a date such as 2026-06-18.")
    return None


def _hours(reader: Reader, start: Any, end: Any, at: str) -> Hours:
    minutes = []
    for word, raw, default in (("from", start, 0), ("to", end, 1440)):
        if raw is None:
            minutes.append(default)
        elif isinstance(raw, str) and _CLOCK.fullmatch(raw):
            minutes.append(int(raw[:2]) * 60 + int(raw[3:]))
        else:
            reader.wrong(f"{at}.{word}", f"{shown(raw)} is not a time such as 20:00, or 24:00 for the end of the day.")
            minutes.append(default)
    if minutes[0] >= minutes[1]:
        reader.wrong(f"{at}.to", "The end is not after the start; hours past midnight are two entries.")
        return Hours()
    return Hours(minutes[0], minutes[1])


def write_window(window: Window) -> dict[str, Any]:
    """The document of ``window``: reading it again gives the same instants, however often that is done."""
    document: dict[str, Any] = {}
    if window.starts_at:
        document["starts_at"] = window.starts_at.isoformat()
    if window.ends_at:
        document["ends_at"] = window.ends_at.isoformat()
    if window.weekly:
        document["weekly"] = [
            {"days": [DAYS[day - 1] for day in sorted(one.days)], **_write_hours(one.hours)} for one in window.weekly
        ]
    if window.dates:
        document["dates"] = [
            {"date": day.isoformat(), **_write_hours(hours)} if hours != Hours() else day.isoformat()
            for day, hours in window.dates
        ]
    return document | {"zone": window.zone}


def _write_hours(hours: Hours) -> dict[str, str]:
    return {} if hours == Hours() else {"from": _clock(hours.from_minute), "to": _clock(hours.to_minute)}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def local_time(at: datetime, zone_name: str) -> tuple[date, int, int]:
    """The day, its number in the week (1 is Monday) and the minute of the day of ``at`` in a zone."""
    here = at.astimezone(zone(zone_name))
    return here.date(), here.isoweekday(), here.hour * 60 + here.minute


def is_in_hours(window: Window, local: tuple[date, int, int]) -> bool:
    """True when the weekly times or the dates of the window hold; one without any is always open."""
    if not window.weekly and not window.dates:
        return True
    day, weekday, minute = local
    return any(
        weekday in one.days and one.hours.from_minute <= minute < one.hours.to_minute for one in window.weekly
    ) or any(day == other and hours.from_minute <= minute < hours.to_minute for other, hours in window.dates)
