"""Complaints of buyers about prices, each with the conflict of prices that it points to (PRI-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol.models import PriceComplaint
from tongpan.pricing.queries import price_book

LOOK_BACK_DAYS = 30
_MOST_MINOR = 10**12


@dataclass(frozen=True, slots=True)
class ComplaintDoc:
    """What a buyer said. paid_minor: what the buyer paid for a unit; other_minor, other_channel: what was seen
    elsewhere. Natural key: (channel, external_id)."""

    channel: str
    external_id: str
    sku: str
    text: str
    said_at: datetime
    order_number: str = ""
    paid_minor: int | None = None
    other_minor: int | None = None
    other_channel: str = ""


class ComplaintOutcome(NamedTuple):
    """state: "accepted" | "unchanged" | "refused". conflict: see ``register_complaints``."""

    state: str
    id: int | None = None
    conflict: str = ""
    code: str = ""
    reason: str = ""


def register_complaints(docs: Sequence[ComplaintDoc], *, actor: str, now: datetime) -> list[ComplaintOutcome]:
    """Register complaints with the conflict that each points to; the outcome of each, at the same position.

    conflict "violation": a price that broke a rule was seen of the SKU (on the other channel, if one is named) within
    30 days before; the lowest one and the case that it is evidence of are linked. "channels": two of our own channels
    ask different prices outside the band. "": none was found. The number of statements is constant, but for the price
    books: one of two channels for each new complaint that names another channel and of which no such price was seen.
    """
    return run_in_transaction(lambda: _register(docs, actor, now), constraints=("complaint_once",))


def _register(docs: Sequence[ComplaintDoc], actor: str, now: datetime) -> list[ComplaintOutcome]:
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [_codes(docs, "sku")]))
    channels = {
        code: (channel_id, currency)
        for code, channel_id, currency in fetch_all("SELECT code, id, currency FROM channels_channel", [])
    }
    stored = {
        (channel, external_id): (complaint_id, conflict)
        for channel, external_id, complaint_id, conflict in fetch_all(
            """SELECT c.code, p.external_id, p.id, p.conflict FROM patrol_complaint p
               JOIN channels_channel c ON c.id = p.channel_id WHERE p.external_id = ANY(%s)""",
            [_codes(docs, "external_id")],
        )
    }
    broken = _broken(docs, skus, channels)
    outcomes: list[ComplaintOutcome | None] = []
    rows: list[tuple[int, PriceComplaint]] = []
    for position, doc in enumerate(docs):
        if said := _problem(doc, skus, channels, now):
            outcomes.append(ComplaintOutcome("refused", code=said[0], reason=said[1]))
        elif (doc.channel, doc.external_id) in stored:
            outcomes.append(ComplaintOutcome("unchanged", *stored[doc.channel, doc.external_id]))
        else:
            observation, case = broken.get(position, (None, None))
            row = _row(doc, skus, channels, actor)
            row.observation_id, row.case_id = observation, case
            row.conflict = "violation" if observation else "channels" if _differs(doc, now) else ""
            rows.append((position, row))
            stored[doc.channel, doc.external_id] = (0, row.conflict)
            outcomes.append(None)
    made = PriceComplaint.objects.bulk_create(row for _, row in rows)
    for (position, _), row in zip(rows, made, strict=True):
        outcomes[position] = ComplaintOutcome("accepted", row.pk, row.conflict)
    return [outcome for outcome in outcomes if outcome is not None]


def _codes(docs: Sequence[ComplaintDoc], name: str) -> list[str]:
    return sorted({code for doc in docs if "\x00" not in (code := getattr(doc, name))})


def _problem(
    doc: ComplaintDoc, skus: dict[str, int], channels: dict[str, tuple[int, str]], now: datetime
) -> tuple[str, str] | None:
    if doc.sku not in skus:
        return "complaint.sku", f"There is no SKU {doc.sku[:120]!r}."
    for code in (doc.channel, doc.other_channel):
        if code and code not in channels:
            return "complaint.channel", f"There is no channel {code[:60]!r}."
    if not 0 < len(doc.external_id.strip()) <= 120 or "\x00" in doc.external_id + doc.text + doc.order_number:
        return "complaint.number", "A complaint has a number of 1 to 120 characters."
    if not 0 < len(doc.text.strip()) <= 4000 or len(doc.order_number) > 120:
        return "complaint.text", "A complaint says something, in at most 4,000 characters."
    if doc.said_at.utcoffset() is None or doc.said_at > now or doc.said_at.year < 2000:
        return "complaint.time", f"Nobody can have complained at {doc.said_at.isoformat()}."
    if any(minor is not None and not 0 < minor <= _MOST_MINOR for minor in (doc.paid_minor, doc.other_minor)):
        return "complaint.amount", "A price of a complaint is above zero."
    return None


def _broken(
    docs: Sequence[ComplaintDoc], skus: dict[str, int], channels: dict[str, tuple[int, str]]
) -> dict[int, tuple[int, int | None]]:
    """position -> (the lowest price seen that broke a rule, the case that it is evidence of). One statement."""
    asked = [
        (n, skus[d.sku], channels.get(d.other_channel, (0,))[0], d.said_at) for n, d in enumerate(docs) if d.sku in skus
    ]
    if not asked:
        return {}
    rows = fetch_all(
        """SELECT k.position, o.id, e.case_id
           FROM unnest(%s::int[], %s::bigint[], %s::bigint[], %s::timestamptz[]) AS k(position, sku_id, channel_id, at)
           CROSS JOIN LATERAL (
             SELECT o.id FROM patrol_observation o
             WHERE o.sku_id = k.sku_id AND o.finding <> '' AND (k.channel_id = 0 OR o.channel_id = k.channel_id)
               AND o.observed_at <= k.at AND o.observed_at > k.at - make_interval(days => %s)
             ORDER BY o.effective_minor, o.id LIMIT 1) o
           LEFT JOIN LATERAL (
             SELECT max(case_id) AS case_id FROM patrol_evidence WHERE observation_id = o.id) e ON true""",
        [*map(list, zip(*asked, strict=True)), LOOK_BACK_DAYS],
    )
    return {position: (observation, case) for position, observation, case in rows}


def _differs(doc: ComplaintDoc, now: datetime) -> bool:
    """Whether the channels' own prices differ by more than the band of the complaint's channel allows."""
    if not doc.other_channel or doc.other_channel == doc.channel:
        return False
    book = price_book([doc.sku], [doc.channel, doc.other_channel], min(doc.said_at, now))
    here, there = (book.price(doc.sku, code) for code in (doc.channel, doc.other_channel))
    if here is None or there is None or here.currency != there.currency:
        return False
    low, high = book.band_of(doc.channel).limits(here.amount_minor)
    return not low <= there.amount_minor <= high


def _row(doc: ComplaintDoc, skus: dict[str, int], channels: dict[str, tuple[int, str]], actor: str) -> PriceComplaint:
    given: dict[str, Any] = {
        "channel_id": channels[doc.channel][0],
        "external_id": doc.external_id,
        "sku_id": skus[doc.sku],
        "order_number": doc.order_number,
        "text": doc.text.strip(),
        "said_at": doc.said_at,
        "currency": channels[doc.channel][1],
        "paid_minor": doc.paid_minor,
        "other_minor": doc.other_minor,
        "other_channel_id": channels[doc.other_channel][0] if doc.other_channel else None,
        "recorded_by": actor,
    }
    return PriceComplaint(**given)
