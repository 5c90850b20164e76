"""Carts and checkout of own channels (FUL-17): choose, hold for a while, pay in time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import stored
from tongpan.customers.actions import Sighting, identify
from tongpan.inventory.actions import confirm
from tongpan.orders.actions.facts import reserve_orders
from tongpan.orders.actions.grouping import hold_for_group
from tongpan.orders.actions.intake import accept
from tongpan.orders.actions.locking import bump, lock_orders, log_changed
from tongpan.orders.actions.preorders import take_preorder
from tongpan.orders.engine import UNSAID, BuyerDoc, DeliveryDoc, LineDoc, OrderDoc, ShipTo
from tongpan.orders.offering import NO_OFFERS, OfferFacts, agree, documents_of
from tongpan.orders.queries.offering import request_of
from tongpan.promotions.actions.ordering import consume, settle_paid
from tongpan.promotions.pricing_carts import price

SETTING = "orders.checkout"
HOLD_MINUTES = 15
ABANDONED_MINUTES = 60
MOST_LINES = 500
MAX_QTY = 100_000
MAX_UNIT_MINOR = 10**12


@dataclass(frozen=True, slots=True)
class CartLineSpec:
    """Units of a SKU at the unit price shown, in minor units."""

    sku_code: str
    qty: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class Checkout:
    """The unpaid order that a cart became, and until when its goods are held.

    deposit_minor: of a pre-order, what must be paid until then; None of any other.
    """

    order_id: int
    number: str
    total_minor: int
    currency: str
    hold_until: datetime
    deposit_minor: int | None = None


def hold_time() -> timedelta:
    """How long a checkout holds its goods (setting ``orders.checkout``: {"hold_minutes": 15})."""
    return timedelta(minutes=float((stored(SETTING) or {}).get("hold_minutes", HOLD_MINUTES)))


def abandoned_after() -> timedelta:
    """After which time without a change a cart is abandoned ({"abandoned_minutes": 60})."""
    return timedelta(minutes=float((stored(SETTING) or {}).get("abandoned_minutes", ABANDONED_MINUTES)))


def open_cart(shop_code: str, lines: Sequence[CartLineSpec], buyer: BuyerDoc | None, *, now: datetime) -> str:
    """A new cart; its token. Raises Refusal cart.shop, cart.lines or cart.sku."""

    def work() -> str:
        found = fetch_all("SELECT id FROM channels_shop WHERE code = %s AND is_active", [shop_code.replace("\x00", "")])
        if not found:
            raise Refusal("cart.shop", f"There is no active shop {shop_code!r}.")
        customer_id = _customer(buyer, now)
        token = secrets.token_hex(16)
        cart_id = fetch_all(
            """INSERT INTO orders_cart (token, shop_id, customer_id, created_at, changed_at)
               VALUES (%s, %s, %s, %s, %s) RETURNING id""",
            [token, found[0][0], customer_id, now, now],
        )[0][0]
        _write_lines(cart_id, lines)
        return token

    return run_in_transaction(work)


def set_cart_lines(token: str, lines: Sequence[CartLineSpec], *, now: datetime) -> None:
    """Let a cart have exactly ``lines``. Locks the cart. Raises Refusal cart.*."""

    def work() -> None:
        cart_id, *_ = _lock_open(token)
        execute("DELETE FROM orders_cartline WHERE cart_id = %s", [cart_id])
        _write_lines(cart_id, lines)
        execute("UPDATE orders_cart SET changed_at = %s WHERE id = %s", [now, cart_id])

    run_in_transaction(work)


def checkout(
    token: str,
    buyer: BuyerDoc | None,
    ship_to: ShipTo,
    charges: Sequence[LineDoc] = (),
    *,
    actor: str,
    now: datetime,
    as_preorder: bool = False,
    delivery: DeliveryDoc = UNSAID,
    offers: OfferFacts = NO_OFFERS,
    quote: str = "",
) -> Checkout:
    """Make an unpaid order of a cart and hold its goods until ``hold_time`` is over, all or nothing.

    The cart is priced here: list prices of the book, promotions, the coupons of ``offers``; it takes these coupons and
    its part of limits and budgets in the same transaction. quote: the token of the quote that the buyer agreed to.
    as_preorder: the goods come later; until then the order waits, held by a deposit (``take_preorder``). delivery: how
    the goods reach the buyer. A cart that is an order already gives that order again. Locks the cart, then as
    ``accept`` and ``reserve``, then coupons and counters. Raises Refusal
    cart.empty, cart.short when the pool cannot serve it, cart.price_changed when the front shows another price than
    the book has or the quote is not true any more, coupon.*, promotion.spent, group.*, preorder.none, preorder.full,
    or what ``accept`` refuses.
    """

    def work() -> Checkout:
        cart_id, order_id, shop_code, currency = _lock(token)
        if order_id is not None:
            return _made(order_id)
        customer_id = _customer(buyer, now)
        asked = request_of(
            cart_id,
            offers,
            customer_id=customer_id,
            region=ship_to.province,
            node=delivery.node,
            charges=charges,
            now=now,
        )
        if not asked.lines:
            raise Refusal("cart.empty", "The cart is empty.")
        priced = price(asked, now=now)
        agree(priced, quote)
        lines, discounts = documents_of(priced, charges)
        number = f"cart-{cart_id}"
        until = now + hold_time()
        doc = OrderDoc(
            shop_code=shop_code,
            external_id=number,
            placed_at=now,
            currency=currency,
            lines=lines,
            discounts=discounts,
            buyer=buyer,
            ship_to=ship_to,
            version=now,
            hold_until=until,
            delivery=delivery,
        )
        (outcome,) = accept([doc], actor=actor, now=now)
        if outcome.state == "refused" or outcome.document_id is None:
            raise Refusal(outcome.code, outcome.reason)
        made = outcome.document_id
        if as_preorder:
            take_preorder(made, deposit_due_at=until, actor=actor, now=now)
        elif not reserve_orders([made], actor=actor, now=now, expires_at={made: until}):
            raise Refusal("cart.short", "Some of the goods are not there any more; look at the cart again.")
        consume(priced, made, now=now)
        if offers.opened:
            hold_for_group(made, actor=actor, now=now)
        execute(
            """UPDATE orders_cart c SET order_id = o.id, customer_id = coalesce(o.customer_id, c.customer_id),
                      changed_at = %s FROM orders_order o WHERE c.id = %s AND o.id = %s""",
            [now, cart_id, made],
        )
        return _made(made)

    return run_in_transaction(work)


def pay_order(order_id: int, method: str, amount_minor: int, *, actor: str, now: datetime) -> int:
    """Note that a checked-out order is paid, and keep its goods for good; its revision.

    Of a pre-order whose deposit is paid the balance is due. Paid once already: nothing changes. Locks the order, then
    the pools. Raises Refusal order.unknown, reservation.expired when the goods are held no more (the order is
    cancelled, or about to be), group.over, or payment.amount when it is not what is left of the order's total.
    """

    def work() -> int:
        order = lock_orders([order_id]).get(order_id)
        if order is None:
            raise Refusal("order.unknown", f"There is no order {order_id}.")
        if order.status not in ("placed", "cancelled"):
            return order.revision
        left, currency, is_late = fetch_all(
            """SELECT o.total_minor - coalesce(o.paid_minor, 0), o.currency,
                      coalesce(p.state = 'ended' OR (p.state = 'asked' AND p.deposit_due_at <= %s), false)
               FROM orders_order o LEFT JOIN orders_preorder p ON p.order_id = o.id WHERE o.id = %s""",
            [now, order_id],
        )[0]
        if is_late or order.status == "cancelled" or confirm([order_id], actor=actor, now=now):
            raise Refusal(
                "reservation.expired",
                f"The time to pay order {order.number} is over and its goods are on sale again; order them anew.",
            )
        if amount_minor != left:
            raise Refusal(
                "payment.amount", f"Order {order.number} costs {to_decimal(left, currency)} {currency}; pay that."
            )
        execute(
            """WITH paid AS (UPDATE orders_order SET status = 'paid', paid_at = %(now)s,
                                    paid_minor = coalesce(paid_minor, 0) + %(amount)s WHERE id = %(order)s),
                    held AS (UPDATE orders_preorder SET state = 'held', deposit_paid_at = %(now)s
                             WHERE order_id = %(order)s AND state = 'asked'),
                    payment AS (INSERT INTO orders_payment (order_id, seq, method, amount_minor, paid_at)
                                SELECT %(order)s, coalesce(max(seq), 0) + 1, %(method)s, %(amount)s, %(now)s
                                FROM orders_payment WHERE order_id = %(order)s)
               INSERT INTO orders_orderevent (order_id, kind, at, actor, data)
               VALUES (%(order)s, 'paid', %(now)s, %(actor)s, '{}'::jsonb) ON CONFLICT DO NOTHING""",
            {"now": now, "amount": amount_minor, "order": order_id, "method": method[:40], "actor": actor},
        )
        settle_paid([order_id], now=now)
        log_changed([order], route=True)
        return bump([order_id])[order_id]

    return run_in_transaction(work)


def _customer(buyer: BuyerDoc | None, now: datetime) -> int | None:
    if buyer is None or not buyer.value.strip():
        return None
    return identify([Sighting(buyer.kind, buyer.scope, buyer.value, now, buyer.name)])[0]


def _lock(token: str) -> tuple[int, int | None, str, str]:
    """(id, order id, shop code, currency) of a cart, locked."""
    rows = fetch_all(
        """SELECT c.id, c.order_id, s.code, h.currency FROM orders_cart c JOIN channels_shop s ON s.id = c.shop_id
           JOIN channels_channel h ON h.id = s.channel_id WHERE c.token = %s FOR NO KEY UPDATE OF c""",
        [token.replace("\x00", "")],
    )
    if not rows:
        raise Refusal("cart.unknown", "There is no such cart.")
    return rows[0]


def _lock_open(token: str) -> tuple[int, int | None, str, str]:
    cart = _lock(token)
    if cart[1] is not None:
        raise Refusal("cart.ordered", "The cart is an order already; open a new one.")
    return cart


def _write_lines(cart_id: int, lines: Sequence[CartLineSpec]) -> None:
    by_code = {line.sku_code: line for line in lines}
    if len(by_code) != len(lines) or len(lines) > MOST_LINES:
        raise Refusal("cart.lines", f"Name each SKU once, {MOST_LINES} at most.")
    for line in lines:
        if not 0 < line.qty <= MAX_QTY or not 0 <= line.unit_minor <= MAX_UNIT_MINOR:
            raise Refusal("cart.lines", f"SKU {line.sku_code}: give 1 to {MAX_QTY} units and a price from 0.")
    known = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) AND is_active", [list(by_code)]))
    if missing := sorted(set(by_code) - set(known)):
        raise Refusal("cart.sku", f"There is no SKU {missing[0]!r} on sale.")
    execute(
        """INSERT INTO orders_cartline (cart_id, sku_id, qty, unit_minor)
           SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::bigint[])""",
        [cart_id, [known[code] for code in by_code], [n.qty for n in lines], [n.unit_minor for n in lines]],
    )


def _made(order_id: int) -> Checkout:
    rows = fetch_all(
        """SELECT o.id, o.external_id, o.total_minor, o.currency, coalesce(o.hold_until, o.placed_at), p.deposit_minor
           FROM orders_order o LEFT JOIN orders_preorder p ON p.order_id = o.id WHERE o.id = %s""",
        [order_id],
    )
    return Checkout(*rows[0])
