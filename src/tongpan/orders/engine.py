"""What the order hub decides without touching the database: canonical documents, digests, status, precedence."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any, Literal, NamedTuple

STATUS_RANK = {"placed": 0, "paid": 1, "cancelled": 2, "dispatched": 3, "delivered": 4, "completed": 5}
"""How far each status is. Goods that have left are further than a cancellation: that would be a return."""

CHARGE_CODE_LENGTH = 40
"""Of a longer charge code the beginning is kept."""


class LineDoc(NamedTuple):
    """One line as the channel gives it. (A named tuple: an import makes millions of them.)

    kind: "goods" take stock and code is a SKU code; "charge" takes none and code is the charge's code.
    qty: units, positive for goods (also in a return). amount_minor: signed minor units, the truth of money.
    unit_price: as given, for display. line_key: the channel's own id of the line, "" when it has none.
    product_code, category: "" when unknown; a new SKU becomes its own product.
    wanted_node: the code of the node that the channel says ships the line, "" when routing may choose.
    """

    kind: Literal["goods", "charge"]
    code: str
    name: str
    qty: int
    amount_minor: int
    unit_price: Decimal | None = None
    line_key: str = ""
    product_code: str = ""
    product_name: str = ""
    category: str = ""
    wanted_node: str = ""


@dataclass(frozen=True, slots=True)
class BuyerDoc:
    """Who bought. value identifies the buyer within scope: a shop's code, or "company" when it is the same
    number on every channel. name is personal data and is sealed on its way in."""

    kind: str
    scope: str
    value: str
    name: str = ""
    province: str = ""
    city: str = ""


@dataclass(frozen=True, slots=True)
class ShipTo:
    """Where the goods go. latitude and longitude are degrees or None when the place is not known.

    recipient, phone and address are personal data and are sealed on their way in.
    """

    province: str = ""
    city: str = ""
    latitude: float | None = None
    longitude: float | None = None
    recipient: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class PaymentDoc:
    seq: int
    method: str
    amount_minor: int
    paid_at: datetime | None = None


PAYERS = ("platform", "shop", "brand", "influencer", "dealer", "bank", "unknown")


@dataclass(frozen=True, slots=True)
class DiscountDoc:
    """A share of a discount and who bears it: it explains the price and changes no amount.

    payer: one of PAYERS. amount_minor: what the payer bears, above zero. line: the position in ``lines`` of the
    goods it was given for, or None for the whole order. code, name: the coupon or campaign, "" when unknown.
    """

    payer: str
    amount_minor: int
    line: int | None = None
    code: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class InvoiceDoc:
    """The invoice that the buyer asks for; personal data, sealed on its way in. kind: in the channel's words."""

    kind: str = ""
    title: str = ""
    tax_number: str = ""
    content: str = ""


DELIVERY_METHODS = ("ship", "pickup", "instant", "dealer")


class DeliveryDoc(NamedTuple):
    """How the goods reach the buyer. Without any field: they are sent, at any time.

    method: "ship", "pickup" (the buyer fetches them at ``node``), "instant" (within hours from near by) or "dealer"
    (a dealer brings them). node: the code of the node that the buyer chose, "" when routing may choose.
    slot_start, slot_end: the half-open time in which the buyer wants them, both or none. contactless: they are left
    at the door or in a locker. gift_wrap: the wrapping chosen, "" for none. gift_card: what the card says; personal
    data, sealed on its way in. fee_minor: what the buyer pays for it, a part of the charges; None when not said.
    """

    method: str = "ship"
    node: str = ""
    slot_start: datetime | None = None
    slot_end: datetime | None = None
    contactless: bool = False
    gift_wrap: str = ""
    gift_card: str = ""
    fee_minor: int | None = None


UNSAID = DeliveryDoc()
"""The delivery of a document that says nothing about it."""


@dataclass(frozen=True, slots=True)
class OrderDoc:
    """A sales order as a channel, a file or the API gives it. Times are aware; amounts are minor units."""

    shop_code: str
    external_id: str
    placed_at: datetime
    currency: str
    lines: Sequence[LineDoc]
    buyer: BuyerDoc | None = None
    ship_to: ShipTo = ShipTo()
    payments: Sequence[PaymentDoc] = ()
    version: datetime | None = None
    channel_status: str = ""
    paid_at: datetime | None = None
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None
    promised_at: datetime | None = None
    paid_minor: int | None = None
    refunded_minor: int = 0
    is_shipped: bool = False
    """The channel has already sent the goods, whether or not it says when."""
    is_simulated: bool = False
    total_minor: int | None = None
    """Only for sources without lines: the order's total; otherwise the sum of its lines."""
    discounts: Sequence[DiscountDoc] = ()
    invoice: InvoiceDoc | None = None
    buyer_note: str = ""
    seller_note: str = ""
    tags: Sequence[str] = ()
    is_status_known: bool = True
    """False when the channel's status is one that its mapping does not know: kept and shown, never dropped."""
    hold_until: datetime | None = None
    """An unpaid order of a channel of our own keeps its goods reserved until then."""
    delivery: DeliveryDoc = UNSAID
    raw: bytes = b""
    """The payload as it came, kept once by hash; no part of what the document says (``digest``)."""
    has_all_lines: bool = True
    """False for copies that may lack lines, such as the rows of a file: a line that is not in them is not gone."""

    @property
    def goods_minor(self) -> int:
        if not self.lines and self.total_minor is not None:
            return self.total_minor
        return sum(line.amount_minor for line in self.lines if line.kind == "goods")

    @property
    def charges_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines if line.kind == "charge")

    @property
    def units(self) -> int:
        return sum(line.qty for line in self.lines if line.kind == "goods")


@dataclass(frozen=True, slots=True)
class ReturnDoc:
    """Goods or money that came back. Amounts of its lines are ≤ 0; goods quantities are positive units.

    order_external_id: the order it belongs to in the same shop, "" when the source does not say.
    """

    shop_code: str
    external_id: str
    returned_at: datetime
    currency: str
    lines: Sequence[LineDoc]
    buyer: BuyerDoc | None = None
    order_external_id: str = ""
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class CorrectionDoc:
    """A correction of the books that is neither a sale nor a return (debt written off, and the like)."""

    shop_code: str
    external_id: str
    corrected_at: datetime
    currency: str
    lines: Sequence[LineDoc]
    is_simulated: bool = False


OutcomeState = Literal["accepted", "updated", "unchanged", "stale", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one document, at the same position as it was given.

    accepted: it is new and in. updated: a newer copy changed the stored one. unchanged: the same content was in
    already. stale: an older copy than the stored one; nothing was changed. refused: reason says why.
    """

    state: OutcomeState
    document_id: int | None = None
    reason: str = ""
    code: str = ""


def status_of(doc: OrderDoc) -> str:
    """The furthest status that the document's facts prove; a cancelled order that was shipped is not cancelled.

    The channel's own words (channel_status) never decide: mappings turn them into facts.
    """
    if doc.completed_at:
        return "completed"
    if doc.delivered_at:
        return "delivered"
    if doc.dispatched_at or doc.is_shipped:
        return "dispatched"
    if doc.cancelled_at:
        return "cancelled"
    if doc.paid_at:
        return "paid"
    return "placed"


def events_of(doc: OrderDoc) -> list[tuple[str, datetime]]:
    """The life of the order as (kind, instant) pairs that the document proves, in the order they happened."""
    facts = [
        ("placed", doc.placed_at),
        ("paid", doc.paid_at),
        ("dispatched", doc.dispatched_at),
        ("delivered", doc.delivered_at),
        ("completed", doc.completed_at),
        ("cancelled", doc.cancelled_at),
    ]
    return [(kind, at) for kind, at in facts if at is not None]


def digest(doc: OrderDoc | ReturnDoc | CorrectionDoc) -> bytes:
    """A 16-byte BLAKE2 of everything the document says; equal documents have equal digests on every machine.

    Fields that came to orders later count only where they say something, so that a document which does not use
    them keeps the digest it always had.
    """
    kind = type(doc)
    head = [_plain(value) for value in _HEAD_OF[kind](doc)]
    # Without a price the line is plain already; a named tuple would be spelt with its names.
    lines = [tuple(line) if line[5] is None else (*line[:5], line[5].normalize(), *line[6:]) for line in doc.lines]
    said: tuple[Any, ...] = (kind.__name__, head, lines)
    if isinstance(doc, OrderDoc):
        values = _LATER_OF(doc)
        if values != _SILENT:
            later = [(name, _plain(value)) for name, value in zip(_LATER, values, strict=True)]
            if later := [(name, value) for name, value in later if value != _LATER[name]]:
                said = (*said, later)
    return hashlib.blake2b(repr(said).encode(), digest_size=16).digest()


def _plain(value: Any) -> Any:
    """``value`` in the one spelling that all equal values share: instants in UTC, sequences as tuples."""
    kind = type(value)
    if kind in _ALREADY_PLAIN:
        return value
    if isinstance(value, datetime):
        return (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()
    if isinstance(value, (list, tuple)):
        return tuple([_plain(item) for item in value])
    if kind is PaymentDoc:
        return (value.seq, value.method, value.amount_minor, _plain(value.paid_at))
    return value


_ALREADY_PLAIN = frozenset({str, int, bool, type(None)})
_LATER: dict[str, Any] = {
    "discounts": (),
    "invoice": None,
    "buyer_note": "",
    "seller_note": "",
    "tags": (),
    "is_status_known": True,
    "hold_until": None,
    "delivery": UNSAID,
}
_NOT_HEAD = {"lines", "raw", "has_all_lines", *_LATER}
_HEAD_OF = {
    kind: attrgetter(*(f.name for f in fields(kind) if f.name not in _NOT_HEAD))
    for kind in (OrderDoc, ReturnDoc, CorrectionDoc)
}
_LATER_OF = attrgetter(*_LATER)
_SILENT = tuple(_LATER.values())

Precedence = Literal["unchanged", "stale", "newer", "superset", "conflict"]


class OwnLines(NamedTuple):
    """What the lines that people changed add up to; amounts in minor units. last_no: the highest line number."""

    goods_minor: int
    charges_minor: int
    units: int
    last_no: int


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """What intake needs to know of an order that is already in."""

    id: int
    version: datetime | None
    digest: bytes
    status: str
    line_contents: Sequence[tuple[str, str, int, int]] = field(default=())
    """(kind, code, qty, amount_minor) of each line."""
    superseded: bytes = b""
    """The digests of the copies that it had before, one after the other."""
    day: date | None = None
    """Its business day."""
    own: OwnLines | None = None
    """Its own lines, where people changed them: then line_contents are those that its channel knows."""
    last_no: int = 0
    """The highest number of its lines."""

    def had(self, doc_digest: bytes) -> bool:
        """True when a copy with this digest was stored and has been superseded."""
        size = len(doc_digest)
        return any(self.superseded[at : at + size] == doc_digest for at in range(0, len(self.superseded), size))


def content_of(lines: Sequence[LineDoc]) -> list[tuple[str, str, int, int]]:
    """(kind, code as it is stored, qty, amount_minor) of each line."""
    return [
        (line.kind, line.code if line.kind == "goods" else line.code[:CHARGE_CODE_LENGTH], line.qty, line.amount_minor)
        for line in lines
    ]


def further(status: str, than: str) -> int:
    """How much further ``status`` is than the stored one: below zero for one that lies behind it.

    A cancellation of goods that have left is news all the same, and counts as equally far.
    """
    if status == "cancelled" and STATUS_RANK[than] > STATUS_RANK["cancelled"]:
        return 0
    return STATUS_RANK[status] - STATUS_RANK[than]


def furthest(status: str, stored: str) -> str:
    """The one of two statuses that is further: a status never goes back."""
    return max(stored, status, key=STATUS_RANK.__getitem__)


def precedence(doc: OrderDoc, doc_digest: bytes, stored: StoredOrder) -> Precedence:
    """How a copy of an order relates to the stored one.

    1. The same digest: unchanged. The digest of a copy that was stored once and superseded: stale.
    2. Both carry a version: the older is stale, the later is newer.
    3. Without versions, a copy whose status is further, or whose lines contain all stored lines and more, is
       newer knowledge ("newer", "superset"); so is one of the same goods for other amounts, at a status that is
       further. One whose lines are contained in the stored ones, at a status that is not further, is an older or
       truncated copy (stale).
    4. Anything else cannot be ordered in time: conflict.
    """
    if doc_digest == stored.digest:
        return "unchanged"
    if stored.had(doc_digest):
        return "stale"
    if doc.version is not None and stored.version is not None:
        return "newer" if doc.version > stored.version else "stale"
    ours, theirs = sorted(stored.line_contents), sorted(content_of(doc.lines))
    ahead = further(status_of(doc), stored.status)
    if ours == theirs:
        return "newer" if ahead >= 0 else "stale"
    if _contains(ours, theirs):
        return "stale" if ahead <= 0 else "conflict"
    if _contains(theirs, ours) and ahead >= 0:
        return "superset"
    return "newer" if ahead > 0 and _goods(ours) == _goods(theirs) else "conflict"


def _goods(contents: list[tuple[str, str, int, int]]) -> list[tuple[str, int]]:
    """(code, qty) of the lines of goods among sorted ``contents``, sorted."""
    return sorted((code, qty) for kind, code, qty, _ in contents if kind == "goods")


def _contains(outer: list[tuple[str, str, int, int]], inner: list[tuple[str, str, int, int]]) -> bool:
    """True when sorted ``inner`` is a sub-multiset of sorted ``outer``."""
    rest = iter(outer)
    return all(any(item == candidate for candidate in rest) for item in inner)
