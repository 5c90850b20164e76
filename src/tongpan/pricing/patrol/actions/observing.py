"""Taking in prices that were seen: each once, judged by the rules and the price book of its moment, never changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tongpan.core.bulk import as_json, copy_rows, fetch_all, next_ids
from tongpan.core.races import run_in_transaction
from tongpan.pricing.engine import PriceBook
from tongpan.pricing.patrol.actions.casework import open_cases
from tongpan.pricing.patrol.actions.opening import NewCase
from tongpan.pricing.patrol.effective import Component, Effective, Worth, effective_price, problem_of
from tongpan.pricing.patrol.judging import Standard, Verdict, judge
from tongpan.pricing.patrol.models import SellerClass
from tongpan.pricing.patrol.queries.rules import rules_in_force
from tongpan.pricing.queries import price_book

_MOST_MINOR = 10**12
_LENGTHS = {"seller": 120, "goods_name": 300, "region": 60, "url": 500, "evidence_ref": 500, "observer": 150}
_HASH = re.compile(r"[0-9a-f]{64}")
_AHEAD = timedelta(minutes=10)
_COLUMNS = (
    "id", "natural_key", "digest", "sku_id", "channel_id", "shop_id", "dealer_id", "seller", "seller_class",
    "goods_name", "region", "url", "currency", "units", "listed_minor", "components", "parts", "effective_minor",
    "standard", "finding", "findings", "deviation_bp", "rules_version", "evidence_ref", "evidence_hash", "observed_at",
    "observer", "source", "is_simulated",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ObservationDoc:
    """A price as it was seen; see models.Observation. Codes name SKU, channel, shop and dealer.

    Two sightings are the same one when SKU, channel, seller, address and moment are.
    """

    sku: str
    channel: str
    seller_class: str
    listed_minor: int
    currency: str
    observed_at: datetime
    observer: str
    source: str
    seller: str = ""
    shop: str = ""
    dealer: str = ""
    components: tuple[Component, ...] = ()
    units: int = 1
    goods_name: str = ""
    region: str = ""
    url: str = ""
    evidence_ref: str = ""
    evidence_hash: str = ""
    is_simulated: bool = False


class ObservationOutcome(NamedTuple):
    """state: "accepted" | "unchanged" | "refused". finding: the worst, "" for none."""

    state: str
    id: int | None = None
    effective_minor: int | None = None
    finding: str = ""
    code: str = ""
    reason: str = ""


class _Known(NamedTuple):
    skus: Mapping[str, int]
    channels: Mapping[str, tuple[int, str]]
    shops: Mapping[str, tuple[int, int, str, str]]
    dealers: Mapping[str, tuple[int, str]]
    serving: Mapping[int, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class _Ready:
    """A document that fits: its ids, who sells, and what it is told apart by."""

    doc: ObservationDoc
    sku_id: int
    channel_id: int
    shop_id: int | None
    dealer_id: int | None
    dealer_code: str
    seller: str
    key: bytes
    digest: bytes


def observe(docs: Sequence[ObservationDoc], *, actor: str, now: datetime) -> list[ObservationOutcome]:
    """Take in ``docs``; the outcome of each, at the same position.

    The number of statements does not depend on the number of documents, but on the hours in which they were seen: each
    hour has a price book of its own.

    What was seen before is unchanged; another price under the same natural key is refused, because what was seen is
    never changed. What breaks the rules opens a case, or is evidence in the one that is open, where the rules say so.
    """
    return run_in_transaction(lambda: _observe(docs, actor, now), constraints=("patrol_observation_natural_key_key",))


def _observe(docs: Sequence[ObservationDoc], actor: str, now: datetime) -> list[ObservationOutcome]:
    known = _known(docs)
    outcomes: list[ObservationOutcome | None] = [None] * len(docs)
    ready: dict[bytes, tuple[int, _Ready]] = {}
    again: list[tuple[int, _Ready]] = []
    for position, doc in enumerate(docs):
        if said := _problem(doc, known, now):
            outcomes[position] = ObservationOutcome("refused", code=said[0], reason=said[1])
            continue
        one = _resolve(doc, known)
        if one.key in ready:
            again.append((position, one))
        else:
            ready[one.key] = (position, one)
    stored = {
        bytes(key): (found_id, bytes(digest), effective, finding)
        for key, found_id, digest, effective, finding in fetch_all(
            """SELECT natural_key, id, digest, effective_minor, finding FROM patrol_observation
               WHERE natural_key = ANY(%s)""",
            [list(ready)],
        )
    }
    fresh = [(position, one) for key, (position, one) in ready.items() if key not in stored]
    made = _write([one for _, one in fresh], actor, now) if fresh else []
    for (position, one), outcome in zip(fresh, made, strict=True):
        outcomes[position] = outcome
        stored[one.key] = (outcome.id or 0, one.digest, outcome.effective_minor, outcome.finding)
    for position, one in [*ready.values(), *again]:
        if outcomes[position] is None:
            found_id, digest, effective, finding = stored[one.key]
            outcomes[position] = (
                ObservationOutcome("unchanged", found_id, effective, finding)
                if digest == one.digest
                else ObservationOutcome(
                    "refused",
                    found_id,
                    code="observation.changed",
                    reason="Another price was noted for this SKU, channel, seller, address and moment; what was seen "
                    "is never changed. Note it with a moment of its own.",
                )
            )
    return [outcome for outcome in outcomes if outcome is not None]


def _known(docs: Sequence[ObservationDoc]) -> _Known:
    def codes(name: str) -> list[str]:
        return sorted({code for doc in docs if (code := getattr(doc, name)) and "\x00" not in code})

    shops = {
        code: (shop_id, channel_id, name, channel)
        for code, shop_id, channel_id, name, channel in fetch_all(
            """SELECT s.code, s.id, s.channel_id, s.name, c.code FROM channels_shop s
               JOIN channels_channel c ON c.id = s.channel_id WHERE s.code = ANY(%s)""",
            [codes("shop")],
        )
    }
    return _Known(
        dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [codes("sku")])),
        {
            code: (channel_id, currency)
            for code, channel_id, currency in fetch_all(
                "SELECT code, id, currency FROM channels_channel WHERE code = ANY(%s)", [codes("channel")]
            )
        },
        shops,
        {
            code: (node_id, name)
            for code, node_id, name in fetch_all(
                "SELECT code, id, name FROM network_node WHERE kind = 'dealer' AND code = ANY(%s)", [codes("dealer")]
            )
        },
        # A dealer's shop is served by it alone: then what is seen there is the dealer's.
        {
            shop_id: (node_id, code)
            for shop_id, node_id, code in fetch_all(
                """SELECT v.shop_id, min(n.id), min(n.code) FROM network_service v
                   JOIN network_node n ON n.id = v.node_id JOIN channels_shop s ON s.id = v.shop_id
                   WHERE n.kind = 'dealer' AND s.kind = 'dealer' AND v.shop_id = ANY(%s)
                   GROUP BY v.shop_id HAVING count(*) = 1""",
                [[shop_id for shop_id, *_ in shops.values()]],
            )
        },
    )


def _problem(doc: ObservationDoc, known: _Known, now: datetime) -> tuple[str, str] | None:  # noqa: PLR0912
    """(code, sentence) why ``doc`` cannot be taken in."""
    if doc.sku not in known.skus:
        return "observation.sku", f"There is no SKU {doc.sku[:120]!r}."
    if doc.channel not in known.channels:
        return "observation.channel", f"There is no channel {doc.channel[:60]!r}."
    if doc.seller_class not in SellerClass.values:
        return "observation.seller_class", f"{doc.seller_class[:40]!r} is not one of {', '.join(SellerClass.values)}."
    if doc.currency != known.channels[doc.channel][1]:
        return (
            "observation.currency",
            f"Channel {doc.channel} sells in {known.channels[doc.channel][1]}, not in {doc.currency[:3]}.",
        )
    if doc.shop and doc.shop not in known.shops:
        return "observation.shop", f"There is no shop {doc.shop[:60]!r}."
    if doc.shop and known.shops[doc.shop][3] != doc.channel:
        return "observation.shop", f"Shop {doc.shop} is not on channel {doc.channel}."
    if doc.dealer and doc.dealer not in known.dealers:
        return "observation.dealer", f"There is no node {doc.dealer[:60]!r} of kind dealer."
    if doc.seller_class == "own" and not doc.shop:
        return "observation.shop", "A price of an own shop names the shop."
    if not (doc.shop or doc.dealer or doc.seller.strip()):
        return "observation.seller", "Say who sells: a shop, a dealer, or the seller's name."
    for name, most in _LENGTHS.items():
        text = getattr(doc, name)
        if len(text) > most or "\x00" in text:
            return "observation.text", f"Its {name} has more than {most} characters or one that cannot be stored."
    if doc.evidence_hash and not _HASH.fullmatch(doc.evidence_hash):
        return "observation.hash", "The hash of the evidence is 64 characters of SHA-256 in hexadecimal."
    if not 0 < doc.listed_minor <= _MOST_MINOR or not 0 < doc.units <= 10_000:
        return "observation.amount", "The listed price must be above zero, and the units from 1 to 10,000."
    if doc.observed_at.utcoffset() is None or doc.observed_at > now + _AHEAD or doc.observed_at.year < 2000:
        return "observation.time", f"The price cannot have been seen at {doc.observed_at.isoformat()}."
    if not doc.observer.strip():
        return "observation.observer", "Say who saw the price."
    for component in doc.components:
        if said := problem_of(component):
            return "observation.discounts", f"A discount {said}."
    return None


def _resolve(doc: ObservationDoc, known: _Known) -> _Ready:
    shop = known.shops.get(doc.shop)
    dealer = known.dealers.get(doc.dealer)
    node: tuple[int, str] | None = (dealer[0], doc.dealer) if dealer else known.serving.get(shop[0]) if shop else None
    seller = doc.seller.strip() or (shop[2] if shop else dealer[1] if dealer else "")
    who = doc.shop or doc.dealer or seller
    key = json.dumps([doc.sku, doc.channel, doc.seller_class, who, doc.url, doc.observed_at.timestamp()])
    told = json.dumps(
        [
            [asdict(one) for one in doc.components],
            *(doc.listed_minor, doc.units, doc.region, doc.evidence_ref, doc.evidence_hash, doc.goods_name),
        ],
        sort_keys=True,
    )
    return _Ready(
        doc,
        known.skus[doc.sku],
        known.channels[doc.channel][0],
        shop[0] if shop else None,
        node[0] if node else None,
        node[1] if node else "",
        seller,
        hashlib.blake2b(key.encode(), digest_size=16).digest(),
        hashlib.blake2b(told.encode(), digest_size=16).digest(),
    )


def _write(ready: Sequence[_Ready], actor: str, now: datetime) -> list[ObservationOutcome]:
    version, rules = rules_in_force()
    gifts = {part.gift_sku for one in ready for part in one.doc.components if part.gift_sku}
    # Prices are judged by the book of the day, as far as it is kept: today's for what was seen today.
    books = {
        day: price_book({one.doc.sku for one in ready} | gifts, {one.doc.channel for one in ready}, day)
        for day in sorted({_moment(one.doc.observed_at, now) for one in ready})
    }
    rows, outcomes, cases = [], [], []
    for observation_id, one in zip(next_ids("patrol_observation", len(ready)), ready, strict=True):
        doc, book = one.doc, books[_moment(one.doc.observed_at, now)]
        effective = effective_price(
            doc.listed_minor, doc.components, rules, units=doc.units, gifts=_worths(book, gifts, doc.currency)
        )
        standard = _standard(book, doc)
        verdict = judge(doc.listed_minor, effective.unit_minor, standard, rules)
        is_rival = doc.seller_class == SellerClass.COMPETITOR
        if is_rival:
            verdict = Verdict((), verdict.deviation_bp)
        rows.append(_row(observation_id, one, effective, standard, verdict, version))
        outcomes.append(ObservationOutcome("accepted", observation_id, effective.unit_minor, verdict.code))
        if verdict.code in rules.opens:
            cases.append(_case(observation_id, one, verdict.code))
    copy_rows("patrol_observation", _COLUMNS, rows)
    if cases:
        open_cases(cases, rules=rules, actor=actor, now=now)
    return outcomes


def _moment(observed_at: datetime, now: datetime) -> datetime:
    """The moment whose price book judges: the end of the hour, or now. A file of a day needs 24 books at most."""
    return min(now, observed_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1, microseconds=-1))


def _worths(book: PriceBook, gifts: set[str], currency: str) -> dict[str, Worth]:
    return {sku: Worth(book.cost(sku, currency), book.guide(sku, currency)) for sku in gifts}


def _standard(book: PriceBook, doc: ObservationDoc) -> Standard:
    band = book.band(doc.sku, doc.channel)
    price = book.price(doc.sku, doc.channel, region=doc.region)
    return Standard(
        guide=book.guide(doc.sku, doc.currency),
        low=band[0] if band else None,
        high=band[1] if band else None,
        floor=book.floor(doc.sku, doc.region, doc.currency),
        net=book.least_net(doc.sku, doc.region, doc.currency),
        cost=book.cost(doc.sku, doc.currency),
        price=price.amount_minor if price else None,
        band_on_net=book.settings.band_applies_to == "net",
    )


def _row(  # noqa: PLR0917 - what one row is made of
    observation_id: int, one: _Ready, effective: Effective, standard: Standard, verdict: Verdict, version: int
) -> tuple[Any, ...]:
    doc = one.doc
    return (
        observation_id, one.key, one.digest, one.sku_id, one.channel_id, one.shop_id, one.dealer_id, one.seller,
        doc.seller_class, doc.goods_name, doc.region, doc.url, doc.currency, doc.units, doc.listed_minor,
        as_json([asdict(part) for part in doc.components]), as_json([asdict(part) for part in effective.parts]),
        effective.unit_minor, as_json(asdict(standard)), verdict.code,
        as_json([asdict(found) for found in verdict.findings]), verdict.deviation_bp, version, doc.evidence_ref,
        doc.evidence_hash, doc.observed_at, doc.observer, doc.source, doc.is_simulated,
    )  # fmt: skip


def _case(observation_id: int, one: _Ready, finding: str) -> NewCase:
    doc = one.doc
    party = (
        f"dealer:{one.dealer_code}"
        if one.dealer_code
        else f"shop:{doc.shop}"
        if doc.shop
        else f"seller:{doc.channel}:{one.seller}"
    )
    return NewCase(
        kind="price",
        party=party,
        party_name=one.seller,
        dealer_id=one.dealer_id,
        shop_id=one.shop_id,
        sku_id=one.sku_id,
        channel_id=one.channel_id,
        finding=finding,
        currency=doc.currency,
        observation_id=observation_id,
        is_simulated=doc.is_simulated,
    )
