"""Compiles what rows say of their document as a whole: its head."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

from tongpan.connectors.engine.cells import is_masked
from tongpan.connectors.engine.fields import CACHE_SIZE, Compiled, Row, Settings, compile_condition, compile_value
from tongpan.connectors.spec import ChargeSpec, DiscountSpec, Document, Value
from tongpan.orders.engine import UNSAID, BuyerDoc, DeliveryDoc, DiscountDoc, InvoiceDoc, LineDoc, ShipTo

# The kinds of the fields of a document; the order is that of HEAD_NAMES.
HEAD_KINDS = {
    "external_id": "id",
    "at": "time",
    "currency": "id:3",
    "version": "time",
    "channel_status": "text:60",
    "paid_at": "time",
    "dispatched_at": "time",
    "delivered_at": "time",
    "completed_at": "time",
    "cancelled_at": "time",
    "promised_at": "time",
    "paid": "money",
    "refunded": "money",
    "total": "money",
    "is_shipped": "bool",
    "is_simulated": "bool",
    "of_order": "id",
    "node": "id:60",
    "reason": "text:200",
    "goods": "money",
    "buyer_note": "text:1000",
    "seller_note": "text:1000",
}
NEEDED = ("external_id",)
DEFAULT_TAKE = {"at": "earliest", "external_id": "same", "currency": "same", "buyer": "same"}
BUYER_KINDS = {
    "kind": "id:20",
    "scope": "id:60",
    "value": "id",
    "name": "text:120",
    "province": "text:60",
    "city": "text:60",
}
SHIP_TO_KINDS = {
    "province": "text:60",
    "city": "text:60",
    "latitude": "latitude",
    "longitude": "longitude",
    "recipient": "text:120",
    "phone": "text:60",
    "address": "text:500",
}
PERSONAL = ("province", "city", "recipient", "phone", "address")
INVOICE_KINDS = {"kind": "text:40", "title": "text:200", "tax_number": "text:60", "content": "text:200"}
DELIVERY_KINDS = {
    "method": "id:12",
    "node": "id:60",
    "slot_start": "time",
    "slot_end": "time",
    "contactless": "bool",
    "gift_wrap": "text:60",
    "gift_card": "text:500",
    "fee": "money",
}
HEAD_NAMES = (*HEAD_KINDS, "buyer", "ship_to", "invoice", "delivery", "charges", "discounts", "tags")

TAG_LENGTH = 60
_COMMAS = re.compile("[,，;；]")
CompileValue = Callable[..., Compiled[Any]]


def remembered(compiled: Compiled[Any]) -> Callable[[Row], Any]:
    """``compiled`` with a memory by the cells that it reads."""
    if not compiled.uses:
        return compiled.get
    pick = itemgetter(*sorted(compiled.uses))
    get = compiled.get
    memory: dict[Any, Any] = {}

    def recall(row: Row) -> Any:
        cells = pick(row)
        try:
            return memory[cells]
        except KeyError:
            if len(memory) >= CACHE_SIZE:
                memory.clear()
            made = memory[cells] = get(row)
            return made

    return recall


def compile_head(
    document: Document, value: CompileValue, settings: Settings, shop_code: str
) -> Compiled[tuple[Any, ...]]:
    """The fields of the document as a tuple in the order of HEAD_NAMES. value: compiles one field, and remembers it."""
    fields = [value(getattr(document, name), kind, required=name in NEEDED) for name, kind in HEAD_KINDS.items()]
    parts = [
        *fields,
        _buyer(document, value, shop_code),
        _ship_to(document, value),
        _invoice(document, value),
        _delivery(document, value),
        _several([_charge(charge, value, settings) for charge in document.charges]),
        _several([compile_discount(discount, settings, value) for discount in document.discounts]),
        _tags([value(tag, "text:1000") for tag in document.tags]),
    ]
    gets = [part.get for part in parts]
    return _of(lambda row: tuple([get(row) for get in gets]), parts)


def _buyer(document: Document, value_of: CompileValue, shop_code: str) -> Compiled[BuyerDoc | None]:
    spec = document.buyer
    if spec is None:
        return Compiled(lambda row: None)
    fields = {name: value_of(getattr(spec, name), kind) for name, kind in BUYER_KINDS.items()}
    gets = [field.get for field in fields.values()]

    def build(row: Row) -> BuyerDoc | None:
        kind, scope, value, name, province, city = [get(row) for get in gets]
        if not value or not kind or is_masked(value):
            return None
        scope = shop_code if scope in ("", "shop") else scope
        return BuyerDoc(kind, scope, value, *("" if is_masked(text) else text for text in (name, province, city)))

    built = _of(build, fields.values())
    return Compiled(remembered(built), built.uses)


def _ship_to(document: Document, value_of: CompileValue) -> Compiled[ShipTo]:
    nowhere = ShipTo()
    spec = document.ship_to
    if spec is None:
        return Compiled(lambda row: nowhere)
    fields = {name: value_of(getattr(spec, name), kind) for name, kind in SHIP_TO_KINDS.items()}

    def build(row: Row) -> ShipTo:
        found = {name: field.get(row) for name, field in fields.items()}
        for name in PERSONAL:
            if found[name] and is_masked(found[name]):
                found[name] = ""
        if found["latitude"] is None or found["longitude"] is None:
            found["latitude"] = found["longitude"] = None
        return ShipTo(**found)

    built = _of(build, fields.values())
    return Compiled(remembered(built), built.uses)


def _invoice(document: Document, value_of: CompileValue) -> Compiled[InvoiceDoc | None]:
    spec = document.invoice
    if spec is None:
        return Compiled(lambda row: None)
    fields = {name: value_of(getattr(spec, name), kind) for name, kind in INVOICE_KINDS.items()}

    def build(row: Row) -> InvoiceDoc | None:
        found = {name: field.get(row) for name, field in fields.items()}
        found = {name: "" if is_masked(text) else text for name, text in found.items()}
        # A kind alone asks for no invoice: platforms write one on every order.
        return InvoiceDoc(**found) if any(found[name] for name in ("title", "tax_number", "content")) else None

    built = _of(build, fields.values())
    return Compiled(remembered(built), built.uses)


def _delivery(document: Document, value_of: CompileValue) -> Compiled[DeliveryDoc]:
    spec = document.delivery
    if spec is None:
        return Compiled(lambda row: UNSAID)
    fields = {name: value_of(getattr(spec, name), kind) for name, kind in DELIVERY_KINDS.items()}

    def build(row: Row) -> DeliveryDoc:
        found = {name: field.get(row) for name, field in fields.items()}
        return DeliveryDoc(
            found["method"] or "ship",
            found["node"],
            found["slot_start"],
            found["slot_end"],
            found["contactless"],
            found["gift_wrap"],
            "" if is_masked(found["gift_card"]) else found["gift_card"],
            found["fee"],
        )

    built = _of(build, fields.values())
    return Compiled(remembered(built), built.uses)


def _charge(spec: ChargeSpec, value_of: CompileValue, settings: Settings) -> Compiled[LineDoc | None]:
    holds = compile_condition(spec.when, settings) if spec.when else None
    code, amount = value_of(spec.code, "id"), value_of(spec.amount, "money")
    name = value_of(spec.name, "text:300")

    def build(row: Row) -> LineDoc | None:
        if holds and not holds.get(row):
            return None
        minor = amount.get(row)
        return LineDoc("charge", code.get(row), name.get(row), 1, minor) if minor else None

    return _of(build, [code, amount, name, holds])


def compile_discount(
    spec: DiscountSpec, settings: Settings, value_of: CompileValue | None = None
) -> Compiled[DiscountDoc | None]:
    """A discount of the row, or None where its amount is empty or not above zero."""
    given = value_of or (lambda value, kind: compile_value(value, kind, settings))
    holds = compile_condition(spec.when, settings) if spec.when else None
    amount, code, name = given(spec.amount, "money"), given(spec.code, "text:80"), given(spec.name, "text:200")

    def build(row: Row) -> DiscountDoc | None:
        if holds and not holds.get(row):
            return None
        minor = amount.get(row)
        if minor is None or minor <= 0:
            return None
        return DiscountDoc(spec.payer, minor, None, code.get(row), name.get(row))

    return _of(build, [amount, code, name, holds])


def _several(parts: Sequence[Compiled[Any]]) -> Compiled[tuple[Any, ...]]:
    """What the parts give, without those that give nothing."""
    gets = [part.get for part in parts]
    return _of(lambda row: tuple(found for get in gets if (found := get(row))), parts)


def _tags(parts: Sequence[Compiled[str]]) -> Compiled[tuple[str, ...]]:
    """The tags that the parts give; a text may hold several, with commas between."""
    gets = [part.get for part in parts]

    def build(row: Row) -> tuple[str, ...]:
        found = (tag.strip()[:TAG_LENGTH] for get in gets for tag in _COMMAS.split(get(row)))
        return tuple(filter(None, found))

    return _of(build, parts)


def _of(build: Callable[[Row], Any], fields: Iterable[Compiled[Any] | None]) -> Compiled[Any]:
    return Compiled(build, frozenset().union(*(field.uses for field in fields if field is not None)))


def header_of(value: Value, settings: Settings) -> str:
    """The header that a message names for ``value``: the first column that it reads."""
    names: Sequence[str] = value.from_ or value.times or value.plus or value.join or ()
    for name in names:
        if name in settings.headers:
            return settings.headers[name]
    return names[0] if names else ""


def takes_of(document: Document) -> tuple[str, ...]:
    """How the values of a field on several rows become one, in the order of HEAD_NAMES."""
    takes = []
    for name in HEAD_NAMES:
        value = getattr(document, name, None)
        given = value.take if isinstance(value, Value) else ""
        takes.append(given or DEFAULT_TAKE.get(name, "first"))
    return tuple(takes)
