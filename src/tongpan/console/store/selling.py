"""An order that is taken at the counter for goods that come from elsewhere, or are fetched here later."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from django.urls import reverse
from django.utils.translation import gettext as _

from tongpan.channels.queries import shop_by_code
from tongpan.console.store.acting import Done, Job, whole
from tongpan.core.errors import Refusal
from tongpan.core.money import to_minor
from tongpan.network.geography import locate
from tongpan.orders.actions.carts import CartLineSpec, checkout, open_cart, pay_order
from tongpan.orders.engine import UNSAID, BuyerDoc, DeliveryDoc, ShipTo

_LARGEST = Decimal(10) ** 9


def sell(job: Job) -> Done:
    """args: shop, lines [{sku, qty, price}], phone, recipient, address, province, city, method ("ship" or "pickup"),
    paid (how it was paid at the till; "" waits for the payment).

    One order, all or nothing: when the goods are not there, or the address is not whole, nothing is kept.
    """
    shop_code = job.text("shop")
    shop = shop_by_code([shop_code]).get(shop_code)
    if shop is None:
        raise Refusal("cart.shop", f"There is no active shop {shop_code!r}.")
    lines = [
        CartLineSpec(str(row.get("sku", "")).strip(), whole(row.get("qty")), _price(row.get("price"), shop.currency))
        for row in job.rows("lines")
        if str(row.get("sku", "")).strip()
    ]
    is_fetched = job.text("method") == "pickup"
    buyer = BuyerDoc("phone", "company", job.text("phone"), job.text("recipient")) if job.text("phone") else None
    token = open_cart(shop_code, lines, buyer, now=job.now)
    delivery = DeliveryDoc("pickup", job.node.code) if is_fetched else UNSAID
    made = checkout(token, buyer, _ship_to(job, is_fetched=is_fetched), actor=job.actor, now=job.now, delivery=delivery)
    link = reverse("console:order", args=[made.order_id])
    if method := job.text("paid", 40):
        pay_order(made.order_id, method, made.total_minor, actor=job.actor, now=job.now)
        return Done(_("Order %(number)s is taken and paid.") % {"number": made.number}, link)
    return Done(_("Order %(number)s waits for its payment.") % {"number": made.number}, link)


def _ship_to(job: Job, *, is_fetched: bool) -> ShipTo:
    recipient, phone, address = job.text("recipient", 120), job.text("phone", 60), job.text("address", 500)
    if not is_fetched and not (recipient and phone and address):
        raise Refusal("desk.address", "Say who gets the parcel, where, and a phone for the carrier.")
    province, city = job.text("province", 60), job.text("city", 60)
    place = locate(province, city) or locate(province, "")
    latitude, longitude = (place.latitude, place.longitude) if place else (None, None)
    return ShipTo(province, city, latitude, longitude, recipient=recipient, phone=phone, address=address)


def _price(value: object, currency: str) -> int:
    try:
        amount = Decimal(str(value or "").strip().replace(",", ""))
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or not 0 <= amount <= _LARGEST:
        raise Refusal("desk.price", f"“{str(value)[:20]}” is no price.")
    return to_minor(amount, currency)
