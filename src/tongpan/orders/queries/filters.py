"""What a list of orders is narrowed to, as conditions that the indexes of the table can serve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from tongpan.channels.models import Shop
from tongpan.core.money import UNUSUAL_EXPONENTS
from tongpan.orders.models import Hold, Order, OrderLine, OrderTag, Status
from tongpan.orders.queries.searching import matching
from tongpan.orders.review import BY_PERSON

OPEN = (Status.PLACED, Status.PAID)
# A business day begins at most 14 hours before and ends at most 12 hours after the same day of UTC.
_EARLIEST, _LATEST = timedelta(hours=14), timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """What a list of orders is narrowed to; an empty field narrows nothing.

    text: anything that an order is known by (``orders.queries.searching``). sees_customers: the text may also be a
    customer's number, id, phone or name; only for somebody who may see customers. day_from, day_to: business days,
    half-open. status: a Status, "open" for those not yet sent, or "unknown" for those whose state on the channel
    no mapping knows. hold: a HoldReason, "any", or "review" for those that wait for a person (``review.BY_PERSON``).
    tag: a word that is on the order. total_from, total_to: amounts in the order's own currency, both included.
    promised_before: not yet sent and promised for before this instant. ids: these orders only. within: a query
    of order ids, made by a room above from what it knows of orders.
    """

    text: str = ""
    sees_customers: bool = False
    channel_id: int | None = None
    shop_id: int | None = None
    status: str = ""
    hold: str = ""
    tag: str = ""
    customer_id: int | None = None
    sku_id: int | None = None
    import_id: int | None = None
    day_from: date | None = None
    day_to: date | None = None
    total_from: Decimal | None = None
    total_to: Decimal | None = None
    promised_before: datetime | None = None
    ids: Sequence[int] = field(default=())
    within: QuerySet[Any, Any] | None = None


def select_orders(wanted: OrderFilter) -> QuerySet[Order]:
    """The orders of ``wanted``, unordered, without any related row."""
    orders = Order.objects.all()
    exact: dict[str, Any] = {
        "channel_id": wanted.channel_id,
        "shop_id": wanted.shop_id,
        "customer_id": wanted.customer_id,
        "import_id": wanted.import_id,
    }
    orders = orders.filter(**{name: value for name, value in exact.items() if value is not None})
    if wanted.shop_id is not None:
        # An index leads from the channel to its orders in time; a shop alone would be looked for in all of them.
        orders = orders.filter(channel_id__in=Shop.objects.filter(pk=wanted.shop_id).values("channel_id"))
    if wanted.ids:
        orders = orders.filter(pk__in=wanted.ids)
    if wanted.status == "open":
        orders = orders.filter(status__in=OPEN)
    elif wanted.status == "unknown":
        orders = orders.filter(is_status_known=False)
    elif wanted.status:
        orders = orders.filter(status=wanted.status)
    if wanted.hold:
        holds = Hold.objects.filter(order=OuterRef("pk"), released_at=None)
        if wanted.hold != "any":
            holds = holds.filter(reason__in=BY_PERSON if wanted.hold == "review" else [wanted.hold])
        orders = orders.filter(Exists(holds))
    if wanted.tag:
        orders = orders.filter(pk__in=OrderTag.objects.filter(tag=wanted.tag).values("order_id"))
    if wanted.sku_id is not None:
        orders = orders.filter(pk__in=OrderLine.objects.filter(sku_id=wanted.sku_id).values("order_id"))
    if wanted.promised_before is not None:
        orders = orders.filter(status__in=OPEN, promised_at__lt=wanted.promised_before)
    if wanted.within is not None:
        orders = orders.filter(pk__in=wanted.within)
    orders = _within_days(orders, wanted.day_from, wanted.day_to)
    orders = _of_amount(orders, wanted.total_from, wanted.total_to)
    return matching(orders, wanted.text, sees_customers=wanted.sees_customers) if wanted.text else orders


def _within_days(orders: QuerySet[Order], day_from: date | None, day_to: date | None) -> QuerySet[Order]:
    """Days as business days, and as instants too, so that the index that sorts the list also narrows it."""
    if day_from is not None:
        start = datetime.combine(day_from, time(), UTC) - _EARLIEST
        orders = orders.filter(business_date__gte=day_from, placed_at__gte=start)
    if day_to is not None:
        end = datetime.combine(day_to, time(), UTC) + _LATEST
        orders = orders.filter(business_date__lt=day_to, placed_at__lt=end)
    return orders


def _of_amount(orders: QuerySet[Order], least: Decimal | None, most: Decimal | None) -> QuerySet[Order]:
    """Amounts are stored in minor units, and a few currencies have other ones than hundredths."""
    if least is None and most is None:
        return orders
    usual = ~Q(currency__in=list(UNUSUAL_EXPONENTS))
    condition = usual & _between(least, most, 2)
    for places in sorted(set(UNUSUAL_EXPONENTS.values())):
        currencies = [currency for currency, own in UNUSUAL_EXPONENTS.items() if own == places]
        condition |= Q(currency__in=currencies) & _between(least, most, places)
    return orders.filter(condition)


def _between(least: Decimal | None, most: Decimal | None, places: int) -> Q:
    condition = Q()
    if least is not None:
        condition &= Q(total_minor__gte=int(least.scaleb(places).to_integral_value(ROUND_CEILING)))
    if most is not None:
        condition &= Q(total_minor__lte=int(most.scaleb(places).to_integral_value(ROUND_FLOOR)))
    return condition
