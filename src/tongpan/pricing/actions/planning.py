"""What a request to change prices would do: every row judged by what is in force. Nothing is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all, texts, whole_numbers
from tongpan.core.money import to_decimal
from tongpan.pricing.engine import PriceBook
from tongpan.pricing.engine.changes import APPROVE, REFUSE, Finding, Proposal, judge, outcome_of
from tongpan.pricing.engine.splicing import Piece, Span, Splice, amount_at, holds, overlap, splice
from tongpan.pricing.queries import price_book

MAX_MINOR = 10**14
_NO_SPANS: list[Span] = []


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A price to be in force in ``[starts_at, ends_at)``; amount_minor None ends the price there.

    list_code: of an existing list, "guide", or the code of a channel. starts_at None: now. ends_at None: until
    changed. amount_minor: of one unit, in minor units of the list's currency.
    """

    list_code: str
    sku_code: str
    amount_minor: int | None
    min_qty: int = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(slots=True)
class PlannedRow:
    """A row, what it was judged by and what the rules say. outcome: of ``pricing.models.Outcome``."""

    number: int
    change: PriceChange
    starts_at: datetime
    currency: str = "CNY"
    list_id: int | None = None
    sku_id: int | None = None
    before_minor: int | None = None
    guide_minor: int | None = None
    low_minor: int | None = None
    high_minor: int | None = None
    floor_minor: int | None = None
    cost_minor: int | None = None
    outcome: str = "refused"
    findings: list[Finding] = field(default_factory=list)

    @property
    def piece(self) -> Piece:
        return Piece(self.change.amount_minor, self.starts_at, self.change.ends_at, self.number)


class _List(NamedTuple):
    id: int
    code: str
    kind: str
    currency: str
    channel: str
    region: str
    starts: datetime | None
    ends: datetime | None


Key = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """rows: at the position of their changes. spans: what is in force, by (list, SKU, min_qty)."""

    rows: list[PlannedRow]
    spans: dict[Key, list[Span]]

    def splices(self) -> dict[Key, Splice]:
        """What the rows that are applied do to the entries."""
        pieces: defaultdict[Key, list[Piece]] = defaultdict(list)
        for row in self.rows:
            if row.outcome == "applied" and row.list_id is not None and row.sku_id is not None:
                pieces[row.list_id, row.sku_id, row.change.min_qty].append(row.piece)
        return {key: splice(self.spans.get(key, _NO_SPANS), wanted) for key, wanted in pieces.items()}


def plan_changes(
    changes: Sequence[PriceChange], *, now: datetime, is_approved: bool = False, must_wait: bool = False
) -> Plan:
    """Judge ``changes`` by what is in force now. Ten statements, whatever their number; nothing is locked.

    Guide prices are judged first, and the others against those of them that would count. is_approved: another person
    said yes; what needs approval passes, what is refused does not.
    """
    lists = _lists({change.list_code for change in changes})
    skus = dict(
        fetch_all(
            "SELECT code, id FROM catalog_sku WHERE code = ANY(%s::text[])",
            [texts(sorted({change.sku_code.replace("\x00", "") for change in changes}))],
        )
    )
    rows = [
        PlannedRow(number, change, max(change.starts_at or now, now) if is_approved else change.starts_at or now)
        for number, change in enumerate(changes, 1)
    ]
    book = price_book({row.change.sku_code for row in rows}, None, now)
    guide_lists = {of.currency: of.id for of in lists.values() if of.kind == "guide"}
    spans = _spans(rows, lists, skus, guide_lists)
    known = _Known(lists, skus, spans, now)
    pending = [row for row in rows if _has_form(row, known)]
    ordered = sorted(pending, key=lambda row: lists[row.change.list_code].kind != "guide")
    new_guides: dict[tuple[str, str], list[Piece]] = {}
    judged = _Judge(book, lists, spans, guide_lists, new_guides, is_approved=is_approved)
    for row in ordered:
        judged.judge(row)
        if must_wait and row.outcome == "applied":
            row.outcome = "pending"
            row.findings.append(Finding("proposal", APPROVE, "It is a proposal; another person decides."))
    return Plan(rows, spans)


def _lists(codes: set[str]) -> dict[str, _List]:
    """The lists of ``codes``, those that a request would make included (ids below one), and all of guide prices."""
    return {
        row[1]: _List(*row)
        for row in fetch_all(
            """SELECT l.id, l.code, l.kind, l.currency, coalesce(c.code, ''), l.region, lower(l.valid), upper(l.valid)
               FROM pricing_pricelist l LEFT JOIN channels_channel c ON c.id = l.channel_id
               WHERE l.kind = 'guide' OR l.code = ANY(%(codes)s)
               UNION ALL
               SELECT -c.id, c.code, 'channel', c.currency, c.code, '', NULL, NULL FROM channels_channel c
               WHERE c.code = ANY(%(codes)s) AND NOT EXISTS (SELECT FROM pricing_pricelist l WHERE l.code = c.code)
               UNION ALL
               SELECT 0, 'guide', 'guide', 'CNY', '', '', NULL, NULL
               WHERE NOT EXISTS (SELECT FROM pricing_pricelist l WHERE l.code = 'guide')""",
            {"codes": sorted(code.replace("\x00", "") for code in codes)},
        )
    }


def _spans(
    rows: Sequence[PlannedRow], lists: dict[str, _List], skus: dict[str, int], guides: dict[str, int]
) -> dict[Key, list[Span]]:
    """The entries of the rows' lists and SKUs, and of guide prices, that end after the first of the rows begins."""
    if not rows:
        return {}
    wanted = {lists[row.change.list_code].id for row in rows if row.change.list_code in lists} | set(guides.values())
    spans: defaultdict[Key, list[Span]] = defaultdict(list)
    for list_id, sku_id, min_qty, *span in fetch_all(
        """SELECT price_list_id, sku_id, min_qty, id, amount_minor, lower(valid), upper(valid)
           FROM pricing_priceentry
           WHERE sku_id = ANY(%s::bigint[]) AND price_list_id = ANY(%s::bigint[]) AND NOT isempty(valid)
             AND (upper(valid) IS NULL OR upper(valid) > %s)
           ORDER BY sku_id, price_list_id, min_qty, lower(valid) NULLS FIRST""",
        [whole_numbers(sorted(skus.values())), whole_numbers(sorted(wanted)), min(row.starts_at for row in rows)],
    ):
        spans[list_id, sku_id, min_qty].append(Span(*span))
    return spans


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rows are held against before any rule. seen: the pieces of the rows before."""

    lists: dict[str, _List]
    skus: dict[str, int]
    spans: dict[Key, list[Span]]
    now: datetime
    seen: defaultdict[Key, list[Piece]] = field(default_factory=lambda: defaultdict(list))


def _has_form(row: PlannedRow, known: _Known) -> bool:
    """Whether the row is to be judged by the rules; if not, it is refused with the reason, or in force already."""
    change = row.change
    of, sku_id = known.lists.get(change.list_code), known.skus.get(change.sku_code)
    if of is None:
        return _refuse(row, "list", f"There is no price list {change.list_code!r}.")
    row.list_id, row.currency = of.id, of.currency
    if sku_id is None:
        return _refuse(row, "sku", f"There is no SKU {change.sku_code!r}.")
    row.sku_id = sku_id
    if change.amount_minor is not None and not 0 < change.amount_minor <= MAX_MINOR:
        return _refuse(row, "amount", "A price must be a positive amount.")
    if not 1 <= change.min_qty <= 10_000_000 or (of.kind == "guide" and change.min_qty != 1):
        return _refuse(row, "min_qty", "A step begins at 1 to 10,000,000 units; guide prices have one step.")
    if change.ends_at is not None and change.ends_at <= row.starts_at:
        return _refuse(row, "period", "The price would end before it begins.")
    if (of.ends is not None and row.starts_at >= of.ends) or (
        of.starts is not None and change.ends_at is not None and change.ends_at <= of.starts
    ):
        return _refuse(row, "list_period", f"It lies outside the period of list {of.code}.")
    key = (of.id, sku_id, change.min_qty)
    if any(overlap(row.starts_at, change.ends_at, other.start, other.end) for other in known.seen[key]):
        return _refuse(row, "twice", "Another row sets the same price for a part of the same time.")
    held = known.spans.get(key, _NO_SPANS)
    if row.starts_at < known.now and any(
        (span.start is None or span.start < known.now) and (span.end is None or span.end > row.starts_at)
        for span in held
    ):
        return _refuse(row, "past", "A price counted then already; what is past cannot change.")
    known.seen[key].append(row.piece)
    row.before_minor = amount_at(held, row.starts_at)
    if holds(held, row.piece):
        row.outcome = "unchanged"
        return False
    return True


def _refuse(row: PlannedRow, code: str, sentence: str) -> bool:
    row.findings = [Finding(code, REFUSE, sentence)]
    row.outcome = "refused"
    return False


@dataclass(frozen=True, slots=True)
class _Judge:
    book: PriceBook
    lists: dict[str, _List]
    spans: dict[Key, list[Span]]
    guides: dict[str, int]
    new_guides: dict[tuple[str, str], list[Piece]]
    is_approved: bool

    def judge(self, row: PlannedRow) -> None:
        of, sku, amount = self.lists[row.change.list_code], row.change.sku_code, row.change.amount_minor
        row.guide_minor = self._guide(row, of)
        row.cost_minor = self.book.cost(sku, of.currency)
        row.floor_minor = self.book.floor(sku, of.region, of.currency)
        if row.guide_minor is not None and of.kind != "guide":
            row.low_minor, row.high_minor = self._band(of, row.guide_minor)
        if amount is None:
            row.outcome = "applied"
            return
        proposal = Proposal(
            of.kind,
            amount,
            row.guide_minor,
            row.low_minor,
            row.high_minor,
            row.floor_minor,
            row.cost_minor,
            {} if of.region else self._region_floors(sku, of.currency, amount),
            self._outside(sku, of.currency, amount) if of.kind == "guide" else (),
        )
        row.findings = judge(proposal, self.book.settings, _shower(of.currency))
        outcome = outcome_of(row.findings)
        row.outcome = "applied" if outcome == "pending" and self.is_approved else outcome
        if of.kind == "guide" and row.outcome == "applied":
            self.new_guides.setdefault((sku, of.currency), []).append(row.piece)

    def _guide(self, row: PlannedRow, of: _List) -> int | None:
        if of.kind != "guide":
            for piece in self.new_guides.get((row.change.sku_code, of.currency), ()):
                if piece.start <= row.starts_at and (piece.end is None or row.starts_at < piece.end):
                    return piece.amount_minor
        guide = self.guides.get(of.currency)
        if guide is None or row.sku_id is None:
            return None
        return amount_at(self.spans.get((guide, row.sku_id, 1), _NO_SPANS), row.starts_at)

    def _band(self, of: _List, guide_minor: int) -> tuple[int, int]:
        """Of the list's channel; of a list for all channels what is inside the band of every one of them."""
        if of.channel:
            return self.book.band_of(of.channel).limits(guide_minor)
        bands = {self.book.band_of(code) for code, money in self.book.currencies.items() if money == of.currency}
        limits = [band.limits(guide_minor) for band in bands or {self.book.settings.band}]
        return max(low for low, _ in limits), min(high for _, high in limits)

    def _region_floors(self, sku: str, currency: str, amount: int) -> dict[str, int]:
        if not self.book.floors:
            return {}
        return {
            region: floor.floor_minor
            for region, floor in self.book.region_floors(sku, currency).items()
            if amount < floor.floor_minor
        }

    def _outside(self, sku: str, currency: str, guide_minor: int) -> list[str]:
        """The channels whose own list price would be outside the band of a new guide price."""
        found = []
        for channel, money in self.book.currencies.items():
            price = self.book.price(sku, channel) if money == currency else None
            if price is None or price.kind == "guide":
                continue
            low, high = self.book.band_of(channel).limits(guide_minor)
            if not low <= price.amount_minor <= high:
                found.append(channel)
        return found


def _shower(currency: str) -> Callable[[int], str]:
    return lambda minor: f"{to_decimal(minor, currency)} {currency}"
