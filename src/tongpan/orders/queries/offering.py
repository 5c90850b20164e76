"""A stored cart as promotions price it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tongpan.access.vault import blind_index
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.orders.engine import BuyerDoc, LineDoc
from tongpan.orders.offering import OfferFacts, postage_of
from tongpan.promotions.pricing_carts import CartLine, CartRequest, Quote, price


def request_of(
    cart: int | str,
    offers: OfferFacts,
    *,
    customer_id: int | None = None,
    region: str = "",
    node: str = "",
    charges: Sequence[LineDoc] = (),
    now: datetime,
) -> CartRequest:
    """What pricing is asked about a cart, by its id or its token. customer_id: None takes who the cart belongs to.

    One statement. Raises Refusal("cart.unknown").
    """
    name = "id" if isinstance(cart, int) else "token"
    rows = fetch_all(
        f"""SELECT s.code, h.code, h.currency, k.customer_id,
                   k.customer_id IS NOT NULL AND NOT EXISTS (
                     SELECT FROM orders_order o WHERE o.customer_id = k.customer_id AND o.status <> 'cancelled'),
                   ARRAY(SELECT g.code FROM orders_cartline l JOIN catalog_sku g ON g.id = l.sku_id
                         WHERE l.cart_id = k.id ORDER BY l.id),
                   ARRAY(SELECT l.qty FROM orders_cartline l WHERE l.cart_id = k.id ORDER BY l.id),
                   ARRAY(SELECT l.unit_minor FROM orders_cartline l WHERE l.cart_id = k.id ORDER BY l.id)
            FROM (SELECT c.id, c.shop_id, coalesce(%s::bigint, c.customer_id) AS customer_id
                  FROM orders_cart c WHERE c.{name} = %s) k
            JOIN channels_shop s ON s.id = k.shop_id JOIN channels_channel h ON h.id = s.channel_id""",
        [customer_id, cart.replace("\x00", "") if isinstance(cart, str) else cart],
    )
    if not rows:
        raise Refusal("cart.unknown", "There is no such cart.")
    shop, channel, currency, customer, is_new, skus, units, prices = rows[0]
    return CartRequest(
        channel=channel,
        lines=[CartLine(*line) for line in zip(skus, units, prices, strict=True)],
        currency=currency,
        shop=shop,
        node=node,
        region=region,
        source=offers.source,
        payment=offers.payment,
        shipping_minor=postage_of(charges),
        coupons=offers.coupons,
        opened=offers.opened,
        customer_id=customer,
        tier=offers.tier,
        segments=offers.segments,
        scopes=offers.scopes,
        is_member=offers.is_member,
        is_new=is_new,
    )


def quote_of(
    cart: str,
    offers: OfferFacts,
    *,
    region: str = "",
    node: str = "",
    charges: Sequence[LineDoc] = (),
    explains: bool = False,
    now: datetime,
) -> Quote:
    """What a cart costs now; nothing is held or taken. At most five statements. Raises what ``price`` does."""
    asked = request_of(cart, offers, region=region, node=node, charges=charges, now=now)
    return price(asked, now=now, explains=explains)


def buyer_of(buyer: BuyerDoc) -> tuple[int | None, bool]:
    """(customer id or None of nobody known, whether nothing was ever bought) of a buyer. One statement, no writes."""
    value = buyer.value.strip()
    if not value:
        return None, False
    rows = fetch_all(
        """SELECT i.customer_id, EXISTS (SELECT FROM orders_order o
                                         WHERE o.customer_id = i.customer_id AND o.status <> 'cancelled')
           FROM customers_identifier i WHERE i.digest = %s""",
        [blind_index(buyer.kind, buyer.scope, value)],
    )
    return (rows[0][0], not rows[0][1]) if rows else (None, True)
