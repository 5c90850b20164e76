"""Reads of prices seen, of competitors, of price wars and of complaints."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.pricing.patrol.judging import Rival, Standard, Suggestion, suggest
from tongpan.pricing.patrol.models import Observation, PriceComplaint, PriceWar
from tongpan.pricing.patrol.queries.rules import rules_in_force
from tongpan.pricing.queries import price_book


@dataclass(frozen=True, slots=True)
class ObservationFilter:
    """finding: one, "any" for all that break a rule, "none" for those that do not; dealer, channel, sku: codes."""

    finding: str = ""
    seller_class: str = ""
    channel: str = ""
    dealer: str = ""
    sku: str = ""
    text: str = ""
    since: datetime | None = None


def select_observations(wanted: ObservationFilter) -> QuerySet[Observation]:
    """The prices seen that ``wanted`` describes. text: beginning of a SKU, part of a seller or observer."""
    rows = Observation.objects.select_related("sku", "channel", "shop", "dealer")
    if wanted.finding == "any":
        rows = rows.exclude(finding="")
    elif wanted.finding:
        rows = rows.filter(finding="" if wanted.finding == "none" else wanted.finding)
    for name, value in (
        ("seller_class", wanted.seller_class),
        ("channel__code", wanted.channel),
        ("dealer__code", wanted.dealer),
        ("sku__code", wanted.sku),
    ):
        if value:
            rows = rows.filter(**{name: value})
    if wanted.since:
        rows = rows.filter(observed_at__gte=wanted.since)
    if text := wanted.text.strip():
        rows = rows.filter(Q(sku__code__startswith=text) | Q(seller__icontains=text) | Q(observer__icontains=text))
    return rows


def select_wars(*, is_open: bool | None = None) -> QuerySet[PriceWar]:
    """Alarms of price wars; None for all."""
    rows = PriceWar.objects.select_related("sku")
    return rows if is_open is None else rows.filter(closed_at__isnull=is_open)


def currencies_of(observation_ids: Collection[int]) -> dict[int, str]:
    """observation -> the currency in which its price was seen. One statement."""
    return dict(Observation.objects.filter(pk__in=observation_ids).values_list("pk", "currency"))


def select_complaints(*, conflict: str = "", text: str = "") -> QuerySet[PriceComplaint]:
    """Complaints; conflict: "violation", "channels", "none" or "" for all. text: number, order or SKU."""
    rows = PriceComplaint.objects.select_related("sku", "channel", "other_channel", "observation", "case")
    if conflict:
        rows = rows.filter(conflict="" if conflict == "none" else conflict)
    if text := text.strip():
        rows = rows.filter(Q(external_id=text) | Q(order_number=text) | Q(sku__code__startswith=text))
    return rows


class Competing(NamedTuple):
    """One SKU on one of our channels against its competitors there. seen: how many offers count."""

    sku: str
    sku_name: str
    channel: str
    currency: str
    ours_minor: int
    seen: int
    newest: datetime
    suggestion: Suggestion

    @property
    def gap(self) -> float:
        """Their price against ours, in percent."""
        return self.suggestion.gap_bp / 100


def competing(now: datetime, *, text: str = "") -> list[Competing]:
    """Every SKU and channel with competitors' prices and one of ours in the price book, the widest gap first.

    Of each offer (seller and channel) the newest price counts that is not too old. Nine statements.
    """
    _, rules = rules_in_force()
    rows = fetch_all(
        """SELECT DISTINCT ON (s.code, c.code, o.seller) s.code, s.name, c.code, o.currency, o.seller,
             o.effective_minor, o.id, o.observed_at
           FROM patrol_observation o JOIN catalog_sku s ON s.id = o.sku_id
           JOIN channels_channel c ON c.id = o.channel_id
           WHERE o.seller_class = 'competitor' AND o.observed_at > %(since)s AND o.observed_at <= %(now)s
             AND (%(text)s = '' OR starts_with(s.code, %(text)s))
           ORDER BY s.code, c.code, o.seller, o.observed_at DESC, o.id DESC""",
        {"since": now - timedelta(days=rules.competitor_days), "now": now, "text": text.replace("\x00", "")},
    )
    if not rows:
        return []
    offers: dict[tuple[str, str, str, str], list[tuple[Rival, datetime]]] = {}
    for sku, name, channel, currency, seller, effective, observation, at in rows:
        rival = Rival(seller, channel, effective, observation)
        offers.setdefault((sku, name, channel, currency), []).append((rival, at))
    book = price_book({key[0] for key in offers}, {key[2] for key in offers}, now)
    found = []
    for (sku, name, channel, currency), seen in offers.items():
        ours = book.price(sku, channel)
        if ours is None or ours.currency != currency:
            continue
        band = book.band(sku, channel)
        standard = Standard(
            guide=book.guide(sku, currency),
            low=band[0] if band else None,
            high=band[1] if band else None,
            floor=book.floor(sku, "", currency),
            net=book.least_net(sku, "", currency),
            cost=book.cost(sku, currency),
        )
        said = suggest(ours.amount_minor, standard, [rival for rival, _ in seen], rules)
        if said is not None:
            newest = max(at for _, at in seen)
            found.append(Competing(sku, name, channel, currency, ours.amount_minor, len(seen), newest, said))
    return sorted(found, key=lambda row: (-abs(row.suggestion.gap_bp), row.sku, row.channel))
