"""What a count may say, when somebody else must look at it, and how good the book was. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from tongpan.inventory.engine.stock import BUCKETS, MAX_QTY, has_no_text

KINDS = ("full", "cycle")
MAX_LINES = 20_000


@dataclass(frozen=True, slots=True)
class SheetDoc:
    """A count that shall be made; (source, number) is its natural key.

    kind "full": everything that the book holds at the node. "cycle": the saleable stock of ``sku_codes``.
    """

    source: str
    number: str
    node_code: str
    kind: str
    sku_codes: Sequence[str] = ()
    is_blind: bool = False
    note: str = ""
    is_simulated: bool = False


class Found(NamedTuple):
    """Units that somebody found. is_more: besides what was found before, on another shelf, instead of in its place.

    key: names the entry, so that a repeated one counts once; needed for is_more.
    """

    sku_code: str
    qty: int
    bucket: str = "saleable"
    is_more: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class CountOutcome:
    """What became of one request. unchanged: it had been done before."""

    state: Literal["accepted", "unchanged", "refused"]
    sheet_id: int | None = None
    reason: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class CountRules:
    """tolerance_units, tolerance_percent: a count whose units off are within both needs no second person.

    accuracy: "units" (1 − Σ|counted − book| / Σ book) or "lines" (the share of SKUs whose book was right).
    days_a, days_b, days_c: after how many days a SKU of that class shall be counted again.
    """

    tolerance_units: int = 5
    tolerance_percent: Decimal = Decimal(2)
    accuracy: str = "units"
    target_percent: Decimal = Decimal(98)
    days_a: int = 30
    days_b: int = 90
    days_c: int = 180

    def as_json(self) -> dict[str, Any]:
        return {
            "tolerance_units": self.tolerance_units,
            "tolerance_percent": str(self.tolerance_percent),
            "accuracy": self.accuracy,
            "target_percent": str(self.target_percent),
            "days_a": self.days_a,
            "days_b": self.days_b,
            "days_c": self.days_c,
        }


def rules_of(stored: Mapping[str, Any] | None) -> CountRules:
    """The rules that are stored, the default where nothing is."""
    given = dict(stored or {})
    for name in ("tolerance_percent", "target_percent"):
        if name in given:
            given[name] = Decimal(given[name])
    return CountRules(**given)


def rules_problem(rules: CountRules) -> str:
    """Why ``rules`` cannot be, or ""."""
    if rules.tolerance_units < 0 or not 0 <= rules.tolerance_percent <= 100:
        return "A tolerance is no less than 0, and no more than 100 percent."
    if rules.accuracy not in ("units", "lines"):
        return "The accuracy of the book is measured by units or by lines."
    if not 0 <= rules.target_percent <= 100:
        return "The target lies between 0 and 100 percent."
    if not 0 < rules.days_a <= rules.days_b <= rules.days_c <= 3650:
        return "Goods of class A are counted at least as often as B, and B as C; at most every 3650 days."
    return ""


def sheet_refusal(doc: SheetDoc, places: Mapping[str, bool], known: Collection[str]) -> CountOutcome | None:
    """Why a sheet cannot be opened, or None. places: whether a node tracks stock, by code; known: SKU codes."""

    def refused(code: str, reason: str) -> CountOutcome:
        return CountOutcome("refused", code=code, reason=reason)

    if has_no_text(doc.source, doc.number, doc.note, *doc.sku_codes):
        return refused("count.text", "A text of it holds a NUL byte or half a character; send it as proper Unicode.")
    if not doc.number or len(doc.number) > 120 or len(doc.source) > 60:
        return refused("count.number", f"The number {doc.number[:40]!r} is empty or longer than 120 characters.")
    if doc.kind not in KINDS:
        return refused("count.kind", f"There is no count of kind {doc.kind!r}; use one of {', '.join(KINDS)}.")
    if doc.node_code not in places:
        return refused("node.unknown", f"There is no node {doc.node_code!r}; create it first.")
    if not places[doc.node_code]:
        return refused("node.untracked", f"Node {doc.node_code} keeps no stock of ours; there is nothing to count.")
    if doc.kind == "cycle" and not doc.sku_codes:
        return refused("count.empty", "A cycle count needs the SKUs that shall be counted.")
    if len(doc.sku_codes) > MAX_LINES:
        return refused("count.lines", f"A count has at most {MAX_LINES:,} lines; make several.")
    if unknown := next((code for code in doc.sku_codes if code not in known), ""):
        return refused("sku.unknown", f"There is no SKU {unknown!r}.")
    return None


def found_refusal(found: Found, known: Collection[str], sheet_id: int) -> CountOutcome | None:
    """Why an entry cannot be taken, or None."""
    if found.sku_code not in known:
        return CountOutcome("refused", sheet_id, f"There is no SKU {found.sku_code!r}.", "sku.unknown")
    if found.bucket not in BUCKETS:
        return CountOutcome("refused", sheet_id, f"There is no bucket {found.bucket!r}.", "stock.bucket")
    if not 0 <= found.qty <= MAX_QTY:
        return CountOutcome("refused", sheet_id, f"SKU {found.sku_code} cannot be counted as {found.qty}.", "count.qty")
    if (found.is_more and not found.key) or len(found.key) > 120 or has_no_text(found.key):
        return CountOutcome("refused", sheet_id, "An entry that adds needs a key of 1 to 120 characters.", "count.key")
    return None


class CountedLine(NamedTuple):
    line_no: int
    sku_id: int
    sku_code: str
    bucket: str
    counted: int | None
    expected: int | None

    @property
    def variance(self) -> int:
        return 0 if self.counted is None else self.counted - (self.expected or 0)


def needs_approval(lines: Sequence[CountedLine], rules: CountRules) -> bool:
    """True when more units are off than the rules forgive."""
    off = sum(abs(line.variance) for line in lines)
    book = sum(line.expected or 0 for line in lines if line.counted is not None)
    return off > rules.tolerance_units or off * 100 > rules.tolerance_percent * book


def bookable(variance: int, on_hand: int, allocated: int, available: int | None) -> int:
    """How much of ``variance`` can be booked: never below what is pinned here or promised from the pool.

    available: of the pool, or None where the bucket is not part of it.
    """
    free = on_hand - allocated
    return max(variance, -(free if available is None else min(free, available)))


def accuracy(lines: int, exact: int, book: int, off: int, mode: str) -> Decimal | None:
    """How right the book was, from 0 to 1; None when nothing was counted.

    mode "lines": exact / lines. "units": 1 − off / book, never below 0; a book of nothing was right when nothing was
    found.
    """
    if not lines:
        return None
    if mode == "lines":
        return Decimal(exact) / lines
    if not book:
        return Decimal(0 if off else 1)
    return max(Decimal(0), 1 - Decimal(off) / book)
