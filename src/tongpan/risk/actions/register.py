"""The register of serials and batches that went to dealers, and where they turned up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all
from tongpan.core.races import run_in_transaction
from tongpan.network.geography import locate
from tongpan.risk.models import CodeKind, SightingKind

_MOST_UNITS = 10_000_000


@dataclass(frozen=True, slots=True)
class CodeDoc:
    """Goods with a serial number, or of a batch, that went to a dealer. Natural key: all but SKU, qty and reference."""

    kind: str
    code: str
    sku: str
    dealer: str
    shipped_at: datetime
    qty: int = 1
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SightingDoc:
    """A code that was scanned, returned or registered at a place. Natural key: kind, code, what, seen_at."""

    kind: str
    code: str
    what: str
    province: str
    seen_at: datetime
    city: str = ""
    source: str = ""


class RegisterOutcome(NamedTuple):
    """state: "accepted" | "unchanged" | "refused"."""

    state: str
    code: str = ""
    reason: str = ""


def register_codes(docs: Sequence[CodeDoc], *, actor: str, now: datetime) -> list[RegisterOutcome]:
    """Register what went to dealers; the outcome of each, at the same position. Three statements.

    The same shipment twice is unchanged; it is never changed.
    """

    def work() -> list[RegisterOutcome]:
        skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [_codes(d.sku for d in docs)]))
        dealers = dict(
            fetch_all(
                "SELECT code, id FROM network_node WHERE kind = 'dealer' AND code = ANY(%s)",
                [_codes(d.dealer for d in docs)],
            )
        )
        said = [_code_problem(doc, skus, dealers, now) for doc in docs]
        good = [doc for doc, problem in zip(docs, said, strict=True) if problem is None]
        made = fetch_all(
            """INSERT INTO risk_code (kind, code, sku_id, dealer_id, qty, shipped_at, reference, recorded_by)
               SELECT DISTINCT ON (kind, code, dealer_id, shipped_at) kind, code, sku_id, dealer_id, qty, shipped_at,
                 reference, %s
               FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::int[], %s::timestamptz[], %s::text[])
                 WITH ORDINALITY AS k(kind, code, sku_id, dealer_id, qty, shipped_at, reference, n)
               ORDER BY kind, code, dealer_id, shipped_at, n
               ON CONFLICT DO NOTHING RETURNING kind, code, dealer_id, shipped_at""",
            [
                actor,
                [d.kind for d in good],
                [d.code for d in good],
                [skus[d.sku] for d in good],
                [dealers[d.dealer] for d in good],
                [d.qty for d in good],
                [d.shipped_at for d in good],
                [d.reference for d in good],
            ],
        )
        fresh = {tuple(row) for row in made}
        return [
            RegisterOutcome("refused", *problem)
            if problem
            else _first(fresh, (doc.kind, doc.code, dealers[doc.dealer], doc.shipped_at))
            for doc, problem in zip(docs, said, strict=True)
        ]

    return run_in_transaction(work)


def record_sightings(docs: Sequence[SightingDoc], *, actor: str, now: datetime) -> list[RegisterOutcome]:
    """Record where codes turned up; the outcome of each, at the same position. One statement.

    The same sighting twice is unchanged. A code that is not registered yet is kept: its shipment may come later.
    """

    def work() -> list[RegisterOutcome]:
        said = [_sighting_problem(doc, now) for doc in docs]
        good = [doc for doc, problem in zip(docs, said, strict=True) if problem is None]
        made = fetch_all(
            """INSERT INTO risk_sighting (kind, code, what, province, city, seen_at, source, recorded_by)
               SELECT DISTINCT ON (kind, code, what, seen_at) kind, code, what, province, city, seen_at, source, %s
               FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
                 WITH ORDINALITY AS k(kind, code, what, province, city, seen_at, source, n)
               ORDER BY kind, code, what, seen_at, n
               ON CONFLICT DO NOTHING RETURNING kind, code, what, seen_at""",
            [
                actor,
                [d.kind for d in good],
                [d.code for d in good],
                [d.what for d in good],
                [_province(d) for d in good],
                [d.city for d in good],
                [d.seen_at for d in good],
                [d.source for d in good],
            ],
        )
        fresh = {tuple(row) for row in made}
        return [
            RegisterOutcome("refused", *problem)
            if problem
            else _first(fresh, (doc.kind, doc.code, doc.what, doc.seen_at))
            for doc, problem in zip(docs, said, strict=True)
        ]

    return run_in_transaction(work)


def _first(fresh: set[tuple[object, ...]], key: tuple[object, ...]) -> RegisterOutcome:
    """Accepted for the first document of a new row, unchanged for those that say it again."""
    if key in fresh:
        fresh.discard(key)
        return RegisterOutcome("accepted")
    return RegisterOutcome("unchanged")


def _codes(given: object) -> list[str]:
    return sorted({code for code in given if "\x00" not in code})  # type: ignore[attr-defined]


def _province(doc: SightingDoc) -> str:
    place = locate(doc.province, doc.city) or locate(doc.province, "")
    return place.province if place else doc.province


def _code_problem(doc: CodeDoc, skus: dict[str, int], dealers: dict[str, int], now: datetime) -> tuple[str, str] | None:
    if said := _name_problem(doc.kind, doc.code, doc.shipped_at, now):
        return said
    if doc.sku not in skus:
        return "code.sku", f"There is no SKU {doc.sku[:120]!r}."
    if doc.dealer not in dealers:
        return "code.dealer", f"There is no node {doc.dealer[:60]!r} of kind dealer."
    if not 0 < doc.qty <= _MOST_UNITS or (doc.kind == "serial" and doc.qty != 1):
        return "code.units", "A serial number is one unit, a batch one or more."
    if len(doc.reference) > 120 or "\x00" in doc.reference:
        return "code.reference", "The document's number has at most 120 characters."
    return None


def _sighting_problem(doc: SightingDoc, now: datetime) -> tuple[str, str] | None:
    if said := _name_problem(doc.kind, doc.code, doc.seen_at, now):
        return said
    if doc.what not in SightingKind.values:
        return "sighting.what", f"{doc.what[:40]!r} is not one of {', '.join(SightingKind.values)}."
    if not 0 < len(doc.province) <= 60 or len(doc.city) > 60 or len(doc.source) > 80:
        return "sighting.place", "Say in which province it turned up, in at most 60 characters."
    if "\x00" in doc.province + doc.city + doc.source:
        return "sighting.place", "The place or source has a character that cannot be stored."
    return None


def _name_problem(kind: str, code: str, at: datetime, now: datetime) -> tuple[str, str] | None:
    if kind not in CodeKind.values:
        return "code.kind", f"{kind[:40]!r} is not one of {', '.join(CodeKind.values)}."
    if not 0 < len(code.strip()) <= 80 or "\x00" in code:
        return "code.code", "A serial number or batch has 1 to 80 characters."
    if at.utcoffset() is None or at > now or at.year < 2000:
        return "code.time", f"It cannot have been at {at.isoformat()}."
    return None
