"""The period of a figures page, and the two periods it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.analytics.engine.calendar import previous_range

Grain = Literal["day", "week", "month"]
PRESETS: tuple[tuple[str, int, str | Promise], ...] = (
    ("7d", 7, _("7 days")),
    ("30d", 30, _("30 days")),
    ("90d", 90, _("90 days")),
    ("365d", 365, _("365 days")),
)
DEFAULT = "30d"
_YEAR_OF_WEEKS = 364


@dataclass(frozen=True, slots=True)
class Period:
    """[date_from, date_to) with the preset it came from, "" for chosen days."""

    date_from: date
    date_to: date
    preset: str = ""

    @property
    def last_day(self) -> date:
        return self.date_to - timedelta(days=1)

    @property
    def days(self) -> int:
        return (self.date_to - self.date_from).days

    @property
    def grain(self) -> Grain:
        """The step of a chart over the period: some thirty points, not three hundred."""
        if self.days <= 45:
            return "day"
        return "week" if self.days <= 200 else "month"

    def previous(self) -> Period:
        """As long a period right before; whole months before whole months."""
        return Period(*previous_range(self.date_from, self.date_to))

    def same_weekdays(self) -> Period:
        """The nearest earlier period with the same weekdays that does not overlap; when that is the previous one,
        the same weekdays a year ago."""
        weeks = -(-self.days // 7) * 7
        before = self._back(weeks)
        return self._back(_YEAR_OF_WEEKS) if before == self.previous() else before

    def _back(self, days: int) -> Period:
        return Period(self.date_from - timedelta(days=days), self.date_to - timedelta(days=days))


def last_complete_end(history: tuple[date, date] | None, today: date) -> date:
    """Where presets end (exclusive): after the last day that has orders, today left out because it still grows.

    On the first day of all, today counts: there is nothing else to show.
    """
    if history is None:
        return today
    return min(history[1], today) if history[0] < today else history[1]


def period_of(
    preset: str, day_from: date | None, day_to: date | None, history: tuple[date, date] | None, today: date
) -> Period:
    """The period that an address asks for. Chosen days win over a preset; the last of them is included.

    One chosen day alone runs to the end, or from the beginning, of what there is.
    """
    end = last_complete_end(history, today)
    if day_from or day_to:
        until = day_to + timedelta(days=1) if day_to else end
        since = day_from or (history[0] if history else until - timedelta(days=1))
        return Period(min(since, until - timedelta(days=1)), until)
    days = {key: length for key, length, _label in PRESETS}
    key = preset if preset in days else DEFAULT
    return Period(end - timedelta(days=days[key]), end, key)
