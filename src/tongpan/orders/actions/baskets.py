"""Scan-to-buy: a customer's basket in a store, shown to a clerk by a code that counts once (FUL-14)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tongpan.access import vault
from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.core.races import run_in_transaction
from tongpan.core.stored import store, stored
from tongpan.orders.actions.intake import accept
from tongpan.orders.engine import OrderDoc, PaymentDoc
from tongpan.orders.offering import documents_of
from tongpan.orders.queries.baskets import (
    SETTING,
    Sold,
    StoreShop,
    kept_lines,
    offers_of,
    price_basket,
    request_of,
    shop_of,
    store_of,
)
from tongpan.promotions.actions.ordering import consume
from tongpan.promotions.pricing_carts import CartLine, Quote, price

LASTS = timedelta(minutes=30)
KEPT = timedelta(days=2)
_BYTES = 12


@dataclass(frozen=True, slots=True)
class Shown:
    """A basket as its customer shows it: the code, which is kept nowhere, what it costs, and until when it holds."""

    code: str
    quote: Quote
    expires_at: datetime

    @property
    def total_minor(self) -> int:
        return self.quote.total_minor


def open_store(node_code: str, shop_code: str, *, actor: str, now: datetime) -> None:
    """Let customers scan and buy at a node in a shop; "" ends it. Raises Refusal basket.node, basket.shop."""

    def work() -> None:
        if not fetch_all("SELECT FROM network_node WHERE code = %s AND tracks_stock AND is_active", [node_code]):
            raise Refusal("basket.node", f"There is no active node {node_code!r} that keeps a book of stock.")
        known = fetch_all("SELECT FROM channels_shop WHERE code = %s AND is_active", [shop_code])
        if shop_code and not known:
            raise Refusal("basket.shop", f"There is no active shop {shop_code!r}.")
        execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [SETTING])
        places = {code: shop for code, shop in (stored(SETTING) or {}).items() if code != node_code}
        if shop_code:
            places[node_code] = shop_code
        store(SETTING, places)
        audit(actor, "scan_to_buy.set", "node", node_code, {"shop": shop_code}, now=now)

    run_in_transaction(work)


def show_basket(node_code: str, goods: Sequence[tuple[str, int]], *, now: datetime) -> Shown:
    """Keep what a customer scanned, (SKU code, units) each, at the prices and offers of ``now``; the code to show.

    Raises Refusal basket.closed, or what ``price_basket`` does. Nothing is reserved, no limit of an offer is taken:
    the goods are in the customer's hand, and the code may never be shown.
    """
    shop = shop_of(node_code)
    if shop is None:
        raise Refusal("basket.closed", "This store does not sell by phone; go to the till.")
    quote = price_basket(shop, goods, now)
    code = secrets.token_hex(_BYTES)
    execute(
        """INSERT INTO orders_scanbasket (digest, node_id, shop_id, currency, lines, offers, token, total_minor,
                                          made_at, expires_at)
           VALUES (%s, %s, %s, %s, %s::jsonb, %s::jsonb, %s, %s, %s, %s)""",
        [
            _digest(code),
            shop.node_id,
            shop.shop_id,
            shop.currency,
            as_json(kept_lines(quote)),
            as_json(offers_of(quote)),
            quote.token,
            quote.total_minor,
            now,
            now + LASTS,
        ],
    )
    return Shown(code, quote, now + LASTS)


def sell_basket(
    code: str, method: str, *, node_id: int, total_minor: int, actor: str, now: datetime
) -> tuple[int, str]:
    """Note that a basket was paid at the till: an order handed over at this store; (order id, its number).

    total_minor: what the clerk took, the total that was shown. The prices and offers are those of the moment at which
    the code was made; the order keeps who bears what of them, and takes its part of limits and budgets. The goods leave
    the book of the store as those of a receipt do. Locks the basket, then as ``accept``, then counters. Raises Refusal
    basket.unknown, basket.elsewhere, basket.sold, basket.expired, basket.amount, basket.method, basket.changed when a
    price was changed or an offer ran out meanwhile, promotion.spent, or what ``accept`` refuses.
    """
    if not 0 < len(method.strip()) <= 40:
        raise Refusal("basket.method", "Say how it was paid.")

    def work() -> tuple[int, str]:
        rows = fetch_all(
            """SELECT b.id, b.node_id, n.code, n.name, s.id, s.code, s.name, c.code, b.currency, n.city, b.lines::text,
                      b.token, b.total_minor, b.made_at, b.expires_at, b.paid_at
               FROM orders_scanbasket b JOIN network_node n ON n.id = b.node_id JOIN channels_shop s ON s.id = b.shop_id
               JOIN channels_channel c ON c.id = s.channel_id
               WHERE b.digest = %s FOR NO KEY UPDATE OF b""",
            [_digest(code.strip())],
        )
        if not rows:
            raise Refusal("basket.unknown", "Nobody has this basket; ask the customer to show the code again.")
        basket_id, *of_store, kept, token, total, made_at, expires_at, paid_at = rows[0]
        shop = store_of(of_store)
        currency = shop.currency
        if shop.node_id != node_id:
            raise Refusal("basket.elsewhere", "This basket was put together in another store.")
        if paid_at is not None:
            raise Refusal("basket.sold", "This basket is paid already; its code counts once.")
        if expires_at <= now:
            raise Refusal("basket.expired", "The code is too old; ask the customer to make a new one.")
        if total_minor != total:
            raise Refusal("basket.amount", f"The basket costs {to_decimal(total, currency)} {currency}; take that.")
        quote = _as_shown(shop, json.loads(kept), token, made_at)
        lines, discounts = documents_of(quote, ())
        doc = OrderDoc(
            shop.shop_code,
            f"scan-{basket_id}",
            now,
            currency,
            [line._replace(wanted_node=shop.node_code) for line in lines],
            payments=[PaymentDoc(1, method.strip(), total, now)] if total else [],
            discounts=discounts,
            version=now,
            paid_at=now,
            dispatched_at=now,
            delivered_at=now,
            completed_at=now,
            paid_minor=total,
            is_shipped=True,
        )
        (outcome,) = accept([doc], actor=actor, now=now)
        if outcome.state == "refused" or outcome.document_id is None:
            raise Refusal(outcome.code, outcome.reason)
        consume(quote, outcome.document_id, now=now)
        execute(
            "UPDATE orders_scanbasket SET order_id = %s, paid_at = %s WHERE id = %s",
            [outcome.document_id, now, basket_id],
        )
        return outcome.document_id, doc.external_id

    return run_in_transaction(work)


def forget_baskets(now: datetime) -> int:
    """Delete baskets that nobody paid, ``KEPT`` after they were over; how many."""
    return execute("DELETE FROM orders_scanbasket WHERE order_id IS NULL AND expires_at < %s", [now - KEPT])


def basket_of(code: str, node_id: int, now: datetime) -> Sold | None:
    """The basket behind ``code`` at this store while it may still be paid, else None."""
    rows = fetch_all(
        """SELECT lines::text, offers::text, total_minor, currency, expires_at FROM orders_scanbasket
           WHERE digest = %s AND node_id = %s AND paid_at IS NULL AND expires_at > %s""",
        [_digest(code.strip()), node_id, now],
    )
    return Sold(json.loads(rows[0][0]), json.loads(rows[0][1]), *rows[0][2:]) if rows else None


def _as_shown(shop: StoreShop, kept: Sequence[dict[str, Any]], token: str, made_at: datetime) -> Quote:
    """The basket priced again as of the moment of its code. Raises Refusal basket.changed when it costs otherwise."""
    lines = [CartLine(line["sku"], line["qty"], line.get("front_minor")) for line in kept if "gift" not in line]
    quote = price(request_of(shop, lines), now=made_at) if token else None
    if quote is None or quote.token != token:
        raise Refusal(
            "basket.changed",
            "A price was changed or an offer ran out since this code was made; ask the customer to make a new one.",
        )
    return quote


def _digest(code: str) -> bytes:
    return vault.blind_index("basket", "", code)
