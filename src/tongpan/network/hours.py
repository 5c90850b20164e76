"""When a place is open: week, special days and time zone. Pure.

A day's openings are those that begin on it; one that closes at or before it opens ends on the next day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tongpan.core.clock import DEFAULT_ZONE, zone

Opening = tuple[time, time]
"""(opens, closes), local times."""
WHOLE_DAY: Opening = (time(0), time(0))
LONGEST_DAYS = 370
"""How far ahead an opening is looked for: longer than a year, so a place that opens once a year is found."""
_Span = tuple[datetime, datetime]
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """The opening hours of one place.

    week: weekday (0 = Monday) -> its openings; a weekday that is absent is closed. An empty week is one without
    hours: the place is always open. special: day -> what counts in place of the week, () for closed.
    """

    week: Mapping[int, tuple[Opening, ...]] = field(default_factory=dict)
    special: Mapping[date, tuple[Opening, ...]] = field(default_factory=dict)
    zone_name: str = DEFAULT_ZONE
    _spans: dict[date, tuple[_Span, ...]] = field(default_factory=dict, repr=False, compare=False)

    def openings(self, day: date) -> tuple[Opening, ...]:
        """The openings that begin on the local ``day``."""
        if day in self.special:
            return self.special[day]
        return self.week.get(day.weekday(), ()) if self.week else (WHOLE_DAY,)

    def is_open(self, at: datetime) -> bool:
        """True when the place is open at the aware instant ``at``; the closing instant itself is closed."""
        day = self.local_day(at)
        return any(start <= at < end for d in (day - _DAY, day) for start, end in self._of(d))

    def next_open(self, at: datetime) -> datetime | None:
        """``at`` when the place is open then, else when it opens next (UTC); None when not within LONGEST_DAYS."""
        for start, end in self._from(at, LONGEST_DAYS):
            if end > at:
                return max(start, at.astimezone(UTC))
        return None

    def add_open_minutes(self, at: datetime, minutes: int) -> datetime:
        """The instant (UTC) by which the place has been open for ``minutes`` since ``at``.

        Zero minutes: ``at`` itself. A place that is not open for as long within LONGEST_DAYS: the end of these days.
        """
        if minutes <= 0:
            return at.astimezone(UTC)
        wanted, begin = timedelta(minutes=minutes), at.astimezone(UTC)
        for start, end in self._from(at, LONGEST_DAYS):
            first = max(start, begin)
            if end - first >= wanted:
                return first + wanted
            wanted -= max(end - first, timedelta())
        return begin + LONGEST_DAYS * _DAY

    def open_minutes_between(self, a: datetime, b: datetime) -> int:
        """Whole minutes within [a, b) at which the place was open; 0 when b is not after a."""
        if b <= a:
            return 0
        total = timedelta()
        for start, end in self._from(a, (self.local_day(b) - self.local_day(a)).days):
            total += max(min(end, b) - max(start, a), timedelta())
        return total // timedelta(minutes=1)

    def working_day(self, at: datetime, cut_off: time | None = None) -> date:
        """The local day for which work that comes in at ``at`` counts.

        It is the day of ``at``, the next one from ``cut_off`` (local time) on, and then the first on which the
        place opens; where none is within LONGEST_DAYS, the day without regard to openings.
        """
        local = at.astimezone(zone(self.zone_name))
        first = local.date() + _DAY if cut_off is not None and local.time() >= cut_off else local.date()
        days = (first + _DAY * number for number in range(LONGEST_DAYS))
        return next((day for day in days if self.openings(day)), first)

    def local_day(self, at: datetime) -> date:
        """The calendar day of ``at`` where the place is."""
        return at.astimezone(zone(self.zone_name)).date()

    def _from(self, at: datetime, days: int) -> Iterator[_Span]:
        """The spans of the day before ``at`` to ``days`` after it, in order and without overlap."""
        first, reached = self.local_day(at) - _DAY, datetime.min.replace(tzinfo=UTC)
        for number in range(days + 2):
            for start, end in self._of(first + _DAY * number):
                if end > reached:
                    yield max(start, reached), end
                    reached = end

    def _of(self, day: date) -> tuple[_Span, ...]:
        found = self._spans.get(day)
        if found is None:
            here = zone(self.zone_name)
            spans = []
            for opens, closes in self.openings(day):
                start = datetime.combine(day, opens, here).astimezone(UTC)
                end = datetime.combine(day if closes > opens else day + _DAY, closes, here).astimezone(UTC)
                if end > start:  # an hour that the clock skips is no opening
                    spans.append((start, end))
            found = self._spans[day] = tuple(sorted(spans))
        return found
