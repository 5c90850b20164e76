"""Opening hours as people write them: "mon-fri 09:00-12:00,13:00-21:00; sat 10:00-18:00". Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, time

from tongpan.core.errors import Refusal
from tongpan.network.hours import Opening

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_CHINESE = {f"{week}{day}": number for week in ("周", "星期") for number, day in enumerate("一二三四五六日")}
_NUMBERS = {name: number for number, name in enumerate(WEEKDAYS)} | _CHINESE | {"周天": 6, "星期天": 6}
_SPAN = re.compile(r"(\d{1,2}):(\d\d)\s*[-–~]\s*(\d{1,2}):(\d\d)")


def read_openings(text: str) -> tuple[Opening, ...]:
    """ "09:00-12:00, 13:00-21:00" as openings; "" has none. 24:00 is midnight. Raises Refusal hours.text."""
    return tuple(_opening(part) for part in re.split(r"[,，、]", text) if part.strip())


def write_openings(openings: Sequence[Opening]) -> str:
    """The text that ``read_openings`` reads."""
    return ", ".join(f"{_time(opens)}-{'24:00' if closes == time(0) else _time(closes)}" for opens, closes in openings)


def read_week(text: str) -> tuple[tuple[int, time, time], ...]:
    """ "mon-fri 09:00-21:00; sat,sun 10:00-18:00" as (weekday, opens, closes). Raises Refusal hours.text."""
    week = []
    for part in filter(None, map(str.strip, re.split(r"[;；\n]", text))):
        days, _, openings = part.partition(" ")
        if not openings.strip():
            raise Refusal("hours.text", f"{part!r} is no opening; write it as: mon-fri 09:00-21:00; sat 10:00-18:00.")
        week += [(day, *opening) for day in _days(days) for opening in read_openings(openings)]
    return tuple(sorted(week))


def write_week(week: Sequence[tuple[int, time, time]]) -> str:
    """The text that ``read_week`` reads."""
    by_day: dict[int, list[Opening]] = {}
    for day, opens, closes in week:
        by_day.setdefault(day, []).append((opens, closes))
    return "; ".join(f"{WEEKDAYS[day]} {write_openings(spans)}" for day, spans in sorted(by_day.items()))


def read_special(text: str) -> tuple[tuple[date, time | None, time | None], ...]:
    """ "2026-10-01 closed; 2026-10-02 12:00-16:00" as (day, opens, closes). Raises Refusal hours.text."""
    special: list[tuple[date, time | None, time | None]] = []
    for part in filter(None, map(str.strip, re.split(r"[;；\n]", text))):
        named, _, rest = part.partition(" ")
        try:
            day = date.fromisoformat(named)
        except ValueError:
            raise Refusal("hours.text", f"{named!r} is no day; write it as: 2026-10-01 closed.") from None
        if rest.strip() in ("closed", "休息", "关闭", ""):
            special.append((day, None, None))
        else:
            special += [(day, *opening) for opening in read_openings(rest)]
    return tuple(special)


def write_special(special: Sequence[tuple[date, time | None, time | None]]) -> str:
    """The text that ``read_special`` reads, one day a line."""
    lines = []
    for day, opens, closes in special:
        closed = opens is None or closes is None
        lines.append(f"{day} closed" if closed else f"{day} {write_openings([(opens, closes)])}")  # type: ignore[list-item]
    return "\n".join(lines)


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in re.split(r"[,，、]", text.lower()):
        first, dash, last = re.sub("[–~至]", "-", part).partition("-")
        start, end = _NUMBERS.get(first), _NUMBERS.get(last if dash else first)
        if start is None or end is None:
            raise Refusal("hours.text", f"{part!r} is no weekday; write it as: mon, mon-fri, 周一 or 周一-周五.")
        days += [(start + step) % 7 for step in range((end - start) % 7 + 1)]
    return days


def _opening(text: str) -> Opening:
    found = _SPAN.fullmatch(text.strip())
    numbers = [int(part) for part in found.groups()] if found else []
    if not numbers or numbers[0] > 23 or numbers[2] > 24 or numbers[1] > 59 or numbers[3] > 59:
        raise Refusal("hours.text", f"{text.strip()!r} is no opening; write it as 09:00-21:00.")
    if numbers[2] == 24 and numbers[3]:
        raise Refusal("hours.text", f"{text.strip()!r} ends after midnight; write 24:00 or the time of the next day.")
    return time(numbers[0], numbers[1]), time(numbers[2] % 24, numbers[3])


def _time(at: time) -> str:
    return f"{at:%H:%M}"
