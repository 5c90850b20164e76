"""What is evaluated: a cart as one channel sees it, and who it belongs to. Plain values; money is minor units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Remaining = Mapping[str, int]
"""What is left of each counter (uses, units or money; keys by ``rules.counter``). Without a key nothing was taken."""


class Line(NamedTuple):
    """``qty`` units of one SKU at ``unit_minor``, the list price in this channel before any promotion.

    number: unique in the cart; decides between equals, so that the position in the cart does not matter.
    floor_minor: the least that a unit may net; a list price below it is never lowered.
    categories: the category and all above it. currency: "" is the cart's.
    """

    number: int
    sku: str
    qty: int
    unit_minor: int
    floor_minor: int = 0
    cost_minor: int | None = None
    product: str = ""
    categories: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    currency: str = ""


class Coupon(NamedTuple):
    """What opens ``rule`` for this cart: a coupon, a formed group, a valuation of traded-in goods.

    value_minor: what traded-in goods were valued at.
    """

    code: str
    rule: str
    value_minor: int = 0


class Customer(NamedTuple):
    """``uses``: how often each rule was used before, by its code. is_new: nothing was ever bought."""

    key: str = ""
    tier: str = ""
    segments: frozenset[str] = frozenset()
    is_member: bool = False
    is_new: bool = False
    uses: Mapping[str, int] = {}


ANYONE = Customer()
"""A buyer of whom nothing is known."""


class Cart(NamedTuple):
    """``region`` is a province. node: where it is bought or picked up. source: a live room, a community, an ad."""

    lines: tuple[Line, ...]
    channel: str
    currency: str = "CNY"
    shop: str = ""
    node: str = ""
    region: str = ""
    source: str = ""
    payment: str = ""
    shipping_minor: int = 0
    coupons: tuple[Coupon, ...] = ()
