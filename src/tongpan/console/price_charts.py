"""The chart of a SKU's prices over time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from tongpan.console import formats
from tongpan.console.cards import Chart, Unit
from tongpan.core.money import exponent, to_decimal
from tongpan.pricing.pages import Step


def price_chart(steps: Sequence[Step], currency: str, now: datetime) -> Chart | None:
    """A stepped line for each list that had a price, and the cost; None when nothing had one."""
    if not steps:
        return None
    digits = exponent(currency)
    labels = sorted({step.label for step in steps}, key=lambda label: (label == "cost", label))
    moments = sorted({at for step in steps for at in (step.at, step.until) if at is not None} | {now})
    series = []
    for label in labels:
        mine = [step for step in steps if step.label == label]
        values = []
        for at in moments:
            held = [s for s in mine if (s.at is None or s.at <= at) and (s.until is None or at < s.until)]
            values.append(float(to_decimal(held[0].amount_minor, currency)) if held else None)
        name = _("Cost") if label == "cost" else label
        series.append({"type": "line", "step": "end", "name": name, "data": values, "symbolSize": 6})
    option: dict[str, Any] = {
        "legend": {},
        "xAxis": {"type": "category", "data": [formats.stamp(at) for at in moments]},
        "yAxis": {"type": "value", "scale": True},
        "series": series,
    }
    rows = [
        (
            _("Cost") if step.label == "cost" else step.label,
            formats.money(step.amount_minor, currency),
            formats.stamp(step.at) if step.at else "—",
            formats.stamp(step.until) if step.until else "—",
        )
        for step in steps
    ]
    return Chart(
        "prices",
        _("Prices over time"),
        "line",
        option,
        Unit("money", currency, digits),
        (_("List"), _("Price"), _("From"), _("Until")),
        rows,
    )
