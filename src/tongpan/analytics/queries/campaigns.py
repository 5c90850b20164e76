"""What a campaign brought (PRM-14, KPI-33), against the same weekdays before it.

The rule: a campaign's days so far are compared with the mean of the same weekdays of the four whole weeks before its
first day, on its channels (all, when it names none), in its currency. Cancelled and simulated orders count nowhere.
GMV is what orders come to with their charges. Margin is of the units whose cost is known. What offers cost is what
orders took off by the campaign's rules. ROI is incremental GMV over what the company itself bore (shop and brand).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.promotions.models import Campaign, RulebookVersion

WEEKS_BEFORE = 4
OURS = ("shop", "brand")


@dataclass(frozen=True, slots=True)
class Sold:
    """Orders, GMV and margin (minor units), units, and of how many of them the cost is known."""

    orders: int = 0
    gmv_minor: int = 0
    margin_minor: int = 0
    units: int = 0
    costed: int = 0

    def __add__(self, other: Sold) -> Sold:
        return Sold(
            self.orders + other.orders,
            self.gmv_minor + other.gmv_minor,
            self.margin_minor + other.margin_minor,
            self.units + other.units,
            self.costed + other.costed,
        )

    @property
    def average_minor(self) -> int | None:
        """The average order."""
        return round(Fraction(self.gmv_minor, self.orders)) if self.orders else None


NOTHING = Sold()


@dataclass(frozen=True, slots=True)
class Gain:
    """Days of a campaign beside the same weekdays before. base_orders, base_gmv_minor, base_margin_minor: means."""

    sold: Sold
    base_orders: Fraction
    base_gmv_minor: int
    base_margin_minor: int
    base_average_minor: int | None

    @property
    def orders(self) -> Fraction:
        """Incremental orders."""
        return self.sold.orders - self.base_orders

    @property
    def gmv_minor(self) -> int:
        """Incremental GMV."""
        return self.sold.gmv_minor - self.base_gmv_minor

    @property
    def margin_minor(self) -> int:
        """Incremental margin, of units whose cost is known."""
        return self.sold.margin_minor - self.base_margin_minor


@dataclass(frozen=True, slots=True)
class Step:
    """Something planned for a campaign and whether it was done. kind: announcement or rule; name: channel or code."""

    kind: str
    name: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """[first, end): the days counted so far. is_comparable: there were orders in the weeks before. weeks: by the
    Monday they begin with. costs: minor units by payer."""

    campaign: Campaign
    currency: str
    first: date
    end: date
    is_comparable: bool
    whole: Gain
    weeks: Mapping[date, Gain]
    costs: Mapping[str, int]
    steps: list[Step] = field(default_factory=list)

    @property
    def cost_minor(self) -> int:
        return sum(self.costs.values())

    @property
    def roi(self) -> Fraction | None:
        """Incremental GMV for each unit of money that the company bore; None when it bore none or nothing compares."""
        ours = sum(self.costs.get(payer, 0) for payer in OURS)
        return Fraction(self.whole.gmv_minor, ours) if ours and self.is_comparable else None


def gain_of(days: Mapping[date, Sold], first: date, start: date, end: date) -> Gain:
    """The days [start, end) of a campaign that began on ``first`` beside the same weekdays before it. Pure."""
    sold, base = NOTHING, NOTHING
    for at in range((end - start).days):
        day = start + timedelta(days=at)
        sold += days.get(day, NOTHING)
        monday = first - timedelta(days=7 * WEEKS_BEFORE)
        offset = (day - monday).days % 7
        for week in range(WEEKS_BEFORE):
            base += days.get(monday + timedelta(days=offset + 7 * week), NOTHING)
    return Gain(
        sold,
        Fraction(base.orders, WEEKS_BEFORE),
        round(Fraction(base.gmv_minor, WEEKS_BEFORE)),
        round(Fraction(base.margin_minor, WEEKS_BEFORE)),
        base.average_minor,
    )


def effect_of(campaign: Campaign, *, now: datetime, currency: str = "CNY") -> Effect:
    """What the campaign brought until ``now``. Five statements."""
    first = business_day(campaign.starts, DEFAULT_ZONE)
    last = business_day(min(campaign.ends - timedelta(microseconds=1), now), DEFAULT_ZONE)
    end = max(first, last + timedelta(days=1))
    before = first - timedelta(days=7 * WEEKS_BEFORE)
    days = _days(list(campaign.channels), currency, before, end)
    weeks: dict[date, Gain] = {}
    day = first
    while day < end:
        monday = day - timedelta(days=day.weekday())
        until = min(monday + timedelta(days=7), end)
        weeks[monday] = gain_of(days, first, day, until)
        day = until
    rules = _rules(campaign)
    return Effect(
        campaign,
        currency,
        first,
        end,
        any(day < first for day in days),
        gain_of(days, first, first, end),
        weeks,
        _costs(rules, currency, first, end),
        _steps(campaign, rules),
    )


def _days(channels: list[str], currency: str, first: date, end: date) -> dict[date, Sold]:
    rows = fetch_all(
        """SELECT o.business_date, count(*), sum(o.total_minor)::bigint, coalesce(sum(g.margin), 0)::bigint,
                  coalesce(sum(g.units), 0)::bigint, coalesce(sum(g.costed), 0)::bigint
           FROM orders_order o JOIN channels_channel h ON h.id = o.channel_id
           LEFT JOIN LATERAL (
             SELECT sum(l.amount_minor - l.qty * c.amount_minor) AS margin, sum(l.qty) AS units,
                    sum(l.qty) FILTER (WHERE c.id IS NOT NULL) AS costed
             FROM orders_orderline l LEFT JOIN pricing_skucost c
               ON c.sku_id = l.sku_id AND c.currency = o.currency AND c.valid @> o.placed_at
             WHERE l.order_id = o.id AND l.kind = 'goods') g ON true
           WHERE o.business_date >= %s AND o.business_date < %s AND o.status <> 'cancelled' AND NOT o.is_simulated
             AND o.currency = %s AND (%s OR h.code = ANY(%s::text[])) GROUP BY 1""",
        [first, end, currency, not channels, channels],
    )
    return {day: Sold(*rest) for day, *rest in rows}


def _rules(campaign: Campaign) -> dict[str, str]:
    """The rules that ever belonged to the campaign: the name that discounts show, by code."""
    found: dict[str, str] = {}
    for document in RulebookVersion.objects.order_by("version").values_list("document", flat=True):
        for rule in document.get("rules", []):
            if rule.get("campaign") == campaign.code:
                found[rule["code"]] = rule.get("name_zh") or rule.get("name_en") or rule["code"]
    return found


def _costs(rules: Mapping[str, str], currency: str, first: date, end: date) -> dict[str, int]:
    """What orders that used the rules took off by them, by payer. A share names its rule, or the coupon and the rule's
    name."""
    return dict(
        fetch_all(
            """SELECT d.payer, sum(d.amount_minor)::bigint
               FROM unnest(%s::text[], %s::text[]) AS r(code, name)
               JOIN promotions_usage u ON u.rule = r.code
               JOIN orders_order o ON o.id = u.order_id AND o.status <> 'cancelled' AND o.currency = %s
                AND o.business_date >= %s AND o.business_date < %s
               JOIN orders_orderline l ON l.order_id = o.id
               JOIN orders_discount d ON d.line_id = l.id AND (d.code = r.code OR d.name = r.name)
               GROUP BY 1 ORDER BY 1""",
            [list(rules), list(rules.values()), currency, first, end],
        )
    )


def _steps(campaign: Campaign, rules: Mapping[str, str]) -> list[Step]:
    announced = {one.channel for one in campaign.announcements.all() if one.announced_at}
    used = {
        rule
        for (rule,) in fetch_all(
            "SELECT DISTINCT rule FROM promotions_usage WHERE rule = ANY(%s::text[])", [list(rules)]
        )
    }
    return [
        *(Step("announcement", channel, channel in announced) for channel in campaign.channels),
        *(Step("rule", code, code in used) for code in sorted(rules)),
    ]
