"""The figures of the overview: cards with two comparisons, and charts. Every number is the catalogue's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tongpan.analytics.queries import MetricResult, Row, labels, metric, metrics_many, order_funnel, series
from tongpan.analytics.queries.funnel import DEFINITION
from tongpan.console import cards, formats
from tongpan.console.periods import Period

CARDS = (
    "gmv",
    "orders",
    "buyers",
    "aov",
    "units",
    "new_buyers",
    "repurchase_rate",
    "return_rate",
    "on_time_rate",
)
TOP_GOODS = 10
_RATE_DIGITS = 1


def _language() -> str:
    return get_language() or ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the page shows: a period, of one channel ("" for all)."""

    period: Period
    channel: str

    def asked(self, period: Period | None = None) -> dict[str, Any]:
        """The arguments that metric queries take."""
        chosen = period or self.period
        filters = {"channel": self.channel} if self.channel else None
        return {"date_from": chosen.date_from, "date_to": chosen.date_to, "filters": filters}


def _amount(row: Row | None) -> Decimal | None:
    """The value of a row as an exact number."""
    return None if row is None or row.value is None else Decimal(str(row.value))


def _of_currency(result: MetricResult, currency: str | None) -> Row | None:
    """The row of a result without groups; with several currencies, the one of ``currency``."""
    return next((row for row in result.rows if row.currency == currency), None)


def _text(result: MetricResult, row: Row) -> str:
    if row.value is None:
        return formats.NOTHING
    if result.unit == "money" and row.currency:
        return formats.money(row.minor, row.currency)
    if result.unit == "percent":
        return formats.percent(Decimal(str(row.value)), _RATE_DIGITS)
    return formats.number(Decimal(str(row.value)))


def key_figures(scope: Scope, *, simulated: Sequence[str] = ()) -> list[cards.Kpi]:
    """A card for each metric; money in several currencies has a card for each. simulated: keys made up by the demo."""
    now = metrics_many(CARDS, **scope.asked())
    before = metrics_many(CARDS, **scope.asked(scope.period.previous()))
    weekdays = metrics_many(CARDS, **scope.asked(scope.period.same_weekdays()))
    made = []
    for key in CARDS:
        result = now[key]
        for row in sorted(result.rows, key=lambda one: -(one.denominator or one.numerator or 0)):
            made.append(_card(result, row, before[key], weekdays[key], is_simulated=key in simulated))
    return made if scope.channel else [*made, *_greatest_share(scope, is_simulated="gmv_share" in simulated)]


def _greatest_share(scope: Scope, *, is_simulated: bool) -> list[cards.Kpi]:
    """The channel with the greatest share of GMV, its share and how it moved."""
    now = metric("gmv_share", by=("channel",), **scope.asked())
    if not now.rows:
        return []
    row = max(now.rows, key=lambda one: (one.value or 0, str(one.dimensions["channel"])))
    code = str(row.dimensions["channel"])
    changes = []
    for label, period in (
        (_("vs. period before"), scope.period.previous()),
        (_("vs. same weekdays"), scope.period.same_weekdays()),
    ):
        rows = metric("gmv_share", by=("channel",), **scope.asked(period)).rows
        same = next((one for one in rows if one.dimensions["channel"] == code and one.currency == row.currency), None)
        changes.append(cards.delta(label, _amount(row), _amount(same), more_is_good=None, in_points=True))
    card = _card(now, row, now, now, is_simulated=is_simulated)
    names = labels("channel", [code])
    return [replace(card, deltas=changes, note=names[code].in_language(_language()) if code in names else code)]


def _card(
    result: MetricResult, row: Row, before: MetricResult, weekdays: MetricResult, *, is_simulated: bool
) -> cards.Kpi:
    is_good = {"up": True, "down": False}.get(result.metric.direction)
    value = _amount(row)
    in_points = result.unit == "percent"
    changes = [
        cards.delta(
            label,
            value,
            _amount(_of_currency(other, row.currency)),
            more_is_good=is_good,
            in_points=in_points,
        )
        for label, other in ((_("vs. period before"), before), (_("vs. same weekdays"), weekdays))
    ]
    several = len({one.currency for one in result.rows}) > 1
    name = result.metric.name.in_language(_language())
    return cards.Kpi(
        key=f"{result.metric.key}-{row.currency or 'all'}",
        label=f"{name} ({row.currency})" if several else name,
        value=_text(result, row),
        definition=result.definition.in_language(_language()),
        fresh_at=result.freshness.changed_at,
        deltas=changes,
        is_simulated=is_simulated,
    )


def gmv_by_channel(scope: Scope) -> cards.Chart:
    """GMV over time, stacked by channel, the greatest channel first."""
    period = scope.period
    found = series("gmv", period.grain, by=("channel",), **scope.asked())
    names = labels("channel", [str(group[0]) for group in found])
    ordered = sorted(found.items(), key=lambda one: -sum(point.minor or 0 for point in one[1]))
    lines = [
        cards.Series(
            _channel_name(group, names), [None if point.value is None else Decimal(point.value) for point in points]
        )
        for group, points in ordered
    ]
    steps = [point.period for point in next(iter(found.values()), [])]
    return cards.over_time(
        "gmv-by-channel",
        _("GMV by channel"),
        axis_title={"day": _("Day"), "week": _("Week"), "month": _("Month")}[period.grain],
        categories=steps,
        series=lines,
        unit=_money_unit("gmv", scope),
        stacked=True,
        height=320,
    )


def _channel_name(group: Sequence[str | None], names: dict[str, Any]) -> str:
    """The channel's name; with several currencies, with its currency."""
    code = str(group[0])
    name = names[code].in_language(_language()) if code in names else code
    return f"{name} ({group[1]})" if len(group) > 1 else name


def _money_unit(key: str, scope: Scope) -> cards.Unit:
    return cards.Unit("money", metric(key, **scope.asked()).currency or "", 2)


def top_goods(scope: Scope) -> cards.Chart:
    """The SKUs with the greatest sales, each a link to its page."""
    result = metric("gmv", by=("sku",), order="-value", limit=TOP_GOODS + 1, **scope.asked())
    # Charges and orders without lines have no SKU: they are no goods.
    rows = [row for row in result.rows if row.dimensions["sku"]][:TOP_GOODS]
    names = labels("sku", [str(row.dimensions["sku"]) for row in rows])
    codes = [str(row.dimensions["sku"]) for row in rows]
    return cards.ranking(
        "top-goods",
        _("Top goods by GMV"),
        axis_title=_("SKU"),
        names=[f"{names[code].zh} · {code}" if code in names else code for code in codes],
        one=cards.Series(_("GMV"), [_amount(row) for row in rows]),
        unit=cards.Unit("money", result.currency or "", 2),
        links=[reverse("console:sku", args=[code]) for code in codes],
        height=340,
    )


@dataclass(frozen=True, slots=True)
class FunnelView:
    chart: cards.Chart
    definition: str
    cancelled: int


def funnel(scope: Scope) -> FunnelView:
    """How far the orders of the period have come."""
    found = order_funnel(
        date_from=scope.period.date_from,
        date_to=scope.period.date_to,
        channels=[scope.channel] if scope.channel else [],
    )
    steps = [
        (_("Placed"), found.placed),
        (_("Paid"), found.paid),
        (_("Dispatched"), found.dispatched),
        (_("Delivered"), found.delivered),
    ]
    rated, last = [], None
    for name, value in steps:
        rated.append((name, value, formats.percent(Decimal(value) / last) if last else ""))
        last = value
    chart = cards.funnel("order-funnel", _("Order funnel"), _("Step"), rated, cards.Unit(), height=260)
    return FunnelView(chart, DEFINITION.in_language(_language()), found.cancelled)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """One channel of the table: its figures and the change of its GMV. share: of all GMV in its currency."""

    code: str
    name: str
    currency: str
    gmv_minor: int
    share: Decimal | None
    orders: int
    buyers: int
    change: cards.Delta


def channel_table(scope: Scope) -> list[ChannelRow]:
    """Every channel with sales in the period, the greatest first."""
    keys = ("gmv", "orders", "buyers")
    now = metrics_many(keys, by=("channel",), **scope.asked())
    before = metric("gmv", by=("channel",), **scope.asked(scope.period.previous()))
    earlier = {(row.dimensions["channel"], row.currency): row for row in before.rows}
    counts = {key: {row.dimensions["channel"]: row for row in now[key].rows} for key in ("orders", "buyers")}
    totals: dict[str | None, int] = {}
    for row in now["gmv"].rows:
        totals[row.currency] = totals.get(row.currency, 0) + (row.minor or 0)
    names = labels("channel", [str(row.dimensions["channel"]) for row in now["gmv"].rows])
    made = []
    for row in now["gmv"].rows:
        code = str(row.dimensions["channel"])
        total = totals[row.currency]
        made.append(
            ChannelRow(
                code,
                names[code].in_language(_language()) if code in names else code,
                row.currency or "",
                row.minor or 0,
                Decimal(row.minor or 0) / total if total else None,
                _count(counts["orders"], code),
                _count(counts["buyers"], code),
                cards.delta("", _amount(row), _amount(earlier.get((code, row.currency)))),
            )
        )
    return sorted(made, key=lambda one: -one.gmv_minor)


def _count(rows: dict[str | None, Row], code: str) -> int:
    row = rows.get(code)
    return int(row.value) if row is not None and row.value is not None else 0
