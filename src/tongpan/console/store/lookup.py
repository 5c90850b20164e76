"""What is asked at the counter: what is this, is it here or near by, and who is this member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import audit
from tongpan.access.models import User
from tongpan.access.vault import mask, open_sealed
from tongpan.catalog.models import Sku
from tongpan.customers.models import Customer
from tongpan.customers.queries import customer_ids_of, customer_with_identifiers
from tongpan.inventory.lookup import LookUp, find_goods, look_up
from tongpan.network.models import Node
from tongpan.orders.models import Order
from tongpan.orders.queries import OrderFilter, fetch_orders

_PLACES = 20
_ORDERS = 5


def goods_meant(text: str, node: Node) -> tuple[LookUp | None, list[Sku]]:
    """What ``text``, scanned or typed, means at ``node``: one SKU with all there is to say, or those to choose from."""
    hits = find_goods(text)
    if hits and (len(hits) == 1 or text in (hits[0].code, hits[0].barcode)):
        return look_up(hits[0].pk, node.pk, nodes=_PLACES), []
    return None, hits


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who was looked up; name is masked."""

    customer: Customer
    name: str
    orders: list[Order]


def member_of(phone: str, node: Node, *, user: User, now: datetime) -> Member | None:
    """The customer with ``phone``: by an identifier, else by the newest order that goes to it. Every look is logged
    in the audit trail, without the number."""
    wanted = OrderFilter(text=phone, sees_customers=True)
    ids = customer_ids_of(phone)
    orders = [] if ids else fetch_orders(wanted, "-placed", 0, 1)
    customer_id = ids[0] if ids else next((one.customer_id for one in orders if one.customer_id), None)
    customer = customer_with_identifiers(customer_id) if customer_id is not None else None
    facts = {"node": node.code, "found": customer is not None}
    audit(f"user:{user.get_username()}", "store.member_looked_up", "customer", str(customer_id or ""), facts, now=now)
    if customer is None:
        return None
    name = mask(open_sealed(customer.name_sealed)) if customer.name_sealed else ""
    return Member(customer, name, fetch_orders(OrderFilter(customer_id=customer.pk), "-placed", 0, _ORDERS))
