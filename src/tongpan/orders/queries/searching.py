"""Finding orders by anything they are known by.

One meaning at a time, each looked up by an index of its own: "this number or that buyer" in one condition would
read every order. The first meaning that exists wins, in this order:

several order numbers · an order number · a SKU code · a customer number · a phone of a recipient · a buyer's id on a
channel · a recipient's name · a tag · the beginning of order numbers · the name of a product or SKU, or a part of it ·
words of a note or of a remark that came with the order

(A tracking number is known to the room above: ``fulfillment.queries.with_tracking``.)

Personal data is found as a whole only: it is sealed, and looked up by the vault's blind index. Who may not see
customers finds nothing by them: the meanings of ``_OF_PEOPLE`` are not tried.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q, QuerySet

from tongpan.catalog.models import Sku
from tongpan.customers.models import Customer
from tongpan.customers.queries import customer_ids_of
from tongpan.orders.contacts import grams_of, phone_index, recipient_index
from tongpan.orders.models import Order, OrderContact, OrderLine, OrderNote, OrderTag

_WORDS = re.compile(r"[\s,;，；、]+")
_PHONE = re.compile(r"^\+?[\d\s()\-]{7,24}$")
_LISTED = 1000
"""So many orders are named one by one; more are left to a join."""
_MOST_SKUS = 500
_SHORTEST_NAME = 2


def matching(orders: QuerySet[Order], text: str, *, sees_customers: bool) -> QuerySet[Order]:
    """Those of ``orders`` that ``text`` means; all for blanks, none when it means nothing.

    sees_customers: whether customer numbers, buyers' ids, phones and recipients are meanings at all.
    """
    words = [word for word in _WORDS.split(text.replace("\x00", "")) if word]
    if not words:
        return orders
    whole = " ".join(text.replace("\x00", "").split())
    if len(words) > 1 and Order.objects.filter(external_id__in=words).exists():
        return orders.filter(external_id__in=words)
    for meaning in _MEANINGS:
        if meaning in _OF_PEOPLE and not sees_customers:
            continue
        found = meaning(orders, whole)
        if found is not None:
            return found
    return orders.none()


def _by_number(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    return orders.filter(external_id__startswith=text) if Order.objects.filter(external_id=text).exists() else None


def _by_sku(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    return _with_skus(orders, list(Sku.objects.filter(code=text).values_list("pk", flat=True)))


def _by_customer(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    found = list(Customer.objects.filter(code=text).values_list("pk", flat=True))
    return orders.filter(customer_id__in=found) if found else None


def _by_phone(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    digest = phone_index(text) if _PHONE.match(text) else b""
    return _among(orders, OrderContact.objects.filter(phone_index=digest)) if digest else None


def _by_buyer(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    found = customer_ids_of(text)
    return orders.filter(customer_id__in=found) if found else None


def _by_recipient(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    digest = recipient_index(text)
    return _among(orders, OrderContact.objects.filter(recipient_index=digest)) if digest else None


def _by_tag(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    return _among(orders, OrderTag.objects.filter(tag=text))


def _by_beginning(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    beginning = {"external_id__startswith": text}
    return orders.filter(**beginning) if Order.objects.filter(**beginning).exists() else None


def _by_name(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    if len(text) < _SHORTEST_NAME:
        return None
    named = Sku.objects.filter(Q(name__icontains=text) | Q(product__name__icontains=text))
    return _with_skus(orders, list(named.order_by("pk").values_list("pk", flat=True)[:_MOST_SKUS]))


def _by_note(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    grams = grams_of(text)
    if not grams:
        return None
    return _among(orders, OrderNote.objects.filter(grams__contains=grams, text__icontains=text))


def _by_remark(orders: QuerySet[Order], text: str) -> QuerySet[Order] | None:
    grams = grams_of(text)
    if not grams:
        return None
    said = Q(order__buyer_note__icontains=text) | Q(order__seller_note__icontains=text)
    return _among(orders, OrderContact.objects.exclude(remark_grams=[]).filter(said, remark_grams__contains=grams))


def _with_skus(orders: QuerySet[Order], sku_ids: Sequence[int]) -> QuerySet[Order] | None:
    if not sku_ids:
        return None
    return orders.filter(pk__in=OrderLine.objects.filter(sku_id__in=sku_ids).values("order_id"))


def _among(orders: QuerySet[Order], rows: QuerySet[Any]) -> QuerySet[Order] | None:
    """Those of ``orders`` that ``rows`` belong to; None when there are no such rows."""
    found = list(rows.order_by().values_list("order_id", flat=True)[: _LISTED + 1])
    if not found:
        return None
    # Named one by one they are fetched by their keys; a short list joined would be looked for in all orders.
    if len(found) <= _LISTED:
        return orders.filter(pk__in=found)
    return orders.filter(pk__in=rows.values("order_id"))


_MEANINGS: tuple[Callable[[QuerySet[Order], str], QuerySet[Order] | None], ...] = (
    _by_number,
    _by_sku,
    _by_customer,
    _by_phone,
    _by_buyer,
    _by_recipient,
    _by_tag,
    _by_beginning,
    _by_name,
    _by_note,
    _by_remark,
)
_OF_PEOPLE = (_by_customer, _by_phone, _by_buyer, _by_recipient)
