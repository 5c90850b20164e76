"""What is asked at the counter: is it here, is it near by, and who is this member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from tongpan.access.actions import audit
from tongpan.access.models import User
from tongpan.access.vault import mask, open_sealed
from tongpan.catalog.models import Listing, Sku
from tongpan.catalog.queries import SkuFilter, fetch_skus
from tongpan.customers.models import Customer
from tongpan.customers.queries import customer_ids_of, customer_with_identifiers
from tongpan.inventory.models import Level
from tongpan.network.geography import distance_km
from tongpan.network.models import Node
from tongpan.orders.models import Order
from tongpan.orders.queries import OrderFilter, fetch_orders

_HITS = 20
_PLACES = 20
_ORDERS = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Units of a SKU that are free at another node. km: as the crow flies, None when it is not known."""

    node: Node
    units: int
    km: float | None


@dataclass(frozen=True, slots=True)
class Goods:
    """A SKU as a store sees it. here: free units at the node; prices: what it costs in each shop that lists it."""

    sku: Sku
    here: int
    places: list[Place]
    prices: list[Listing]


@dataclass(frozen=True, slots=True)
class Found:
    """A SKU that was found."""

    sku: Sku

    def seen_from(self, node: Node) -> Goods:
        """What ``node`` has of it, and where else it is, the nearest first. Two statements."""
        rows = Level.objects.filter(sku=self.sku, bucket="saleable", on_hand__gt=F("allocated"), node__is_active=True)
        here, places = 0, []
        for level in rows.select_related("node"):
            units = level.on_hand - level.allocated
            if level.node_id == node.pk:
                here = units
            elif level.node.kind != "in_transit":
                places.append(Place(level.node, units, _km(node, level.node)))
        places.sort(key=lambda place: (place.km is None, place.km or 0.0, place.node.code))
        listed = Listing.objects.filter(sku=self.sku, is_on_sale=True, price_minor__isnull=False)
        return Goods(self.sku, here, places[:_PLACES], list(listed.select_related("shop").order_by("shop__code")))


def _km(one: Node, other: Node) -> float | None:
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    return distance_km(one.latitude, one.longitude, other.latitude, other.longitude)


def found_sku(text: str) -> Found | None:
    """The SKU whose code or barcode is exactly ``text``, with its product."""
    rows = Sku.objects.select_related("product__category")
    sku = rows.filter(code=text).first() or rows.filter(barcode=text).exclude(barcode="").order_by("pk").first()
    return Found(sku) if sku else None


def find_goods(text: str) -> list[Sku]:
    """SKUs that ``text`` may mean: the beginning of a code, or words of the name."""
    return fetch_skus(SkuFilter(text=text), "code", 0, _HITS)


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
