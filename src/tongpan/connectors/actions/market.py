"""Rows of files about the market: prices seen, serials and batches that went to dealers, and where they turned up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tongpan.channels.models import Channel
from tongpan.core.errors import Refusal
from tongpan.core.money import exponent, to_minor
from tongpan.pricing.patrol.actions import ObservationDoc, observe
from tongpan.pricing.patrol.wording import read_components
from tongpan.risk.actions import CodeDoc, SightingDoc, record_sightings, register_codes

Fields = Mapping[str, Any]


class Told(NamedTuple):
    """What became of one row."""

    state: str
    reason: str = ""


def post_prices_seen(rows: Sequence[Fields], *, actor: str, now: datetime) -> list[Told]:
    """Take in prices seen, one a row; the outcome of each, at the same position.

    A row without a currency is in that of its channel; one without an observer was seen by whoever imports it.
    """
    currencies = dict(Channel.objects.values_list("code", "currency"))
    docs: list[ObservationDoc | Told] = []
    for row in rows:
        try:
            docs.append(_doc(row, currencies, actor))
        except Refusal as refusal:
            docs.append(Told("refused", refusal.sentence))
    outcomes = iter(observe([doc for doc in docs if isinstance(doc, ObservationDoc)], actor=actor, now=now))
    return [doc if isinstance(doc, Told) else _told(next(outcomes)) for doc in docs]


def _doc(row: Fields, currencies: Mapping[str, str], actor: str) -> ObservationDoc:
    currency = row["currency"] or currencies.get(row["channel"], "CNY")
    listed = row["listed"]
    if -int(listed.normalize().as_tuple().exponent) > exponent(currency):
        raise Refusal("observation.amount", f"{listed} has more decimals than {currency}.")
    return ObservationDoc(
        sku=row["sku"],
        channel=row["channel"],
        seller_class=row["seller_class"],
        listed_minor=to_minor(listed, currency),
        currency=currency,
        observed_at=row["at"],
        observer=row["observer"] or actor,
        source="file",
        seller=row["seller"],
        shop=row["shop"],
        dealer=row["dealer"],
        components=read_components(row["discounts"], currency),
        units=row["units"] or 1,
        goods_name=row["goods"],
        region=row["region"],
        url=row["url"],
        evidence_ref=row["evidence"],
        evidence_hash=row["hash"].lower(),
        is_simulated=bool(row["is_simulated"]),
    )


def post_codes(rows: Sequence[Fields], *, actor: str, now: datetime) -> list[Told]:
    """Register what went to dealers, one shipment of a code a row."""
    docs = [
        CodeDoc(r["kind"] or "serial", r["code"], r["sku"], r["dealer"], r["at"], r["qty"] or 1, r["document"])
        for r in rows
    ]
    return [_told(one) for one in register_codes(docs, actor=actor, now=now)]


def post_sightings(rows: Sequence[Fields], *, actor: str, now: datetime) -> list[Told]:
    """Record where codes turned up, one sighting a row."""
    docs = [
        SightingDoc(r["kind"] or "serial", r["code"], r["what"], r["province"], r["at"], r["city"], r["source"])
        for r in rows
    ]
    return [_told(one) for one in record_sightings(docs, actor=actor, now=now)]


def _told(outcome: Any) -> Told:
    return Told(outcome.state, outcome.reason)
