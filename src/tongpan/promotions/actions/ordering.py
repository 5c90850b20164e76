"""What an order takes of promotions when it is placed, paid, called off or refunded, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.core.bulk import as_json, execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.stored import stored
from tongpan.promotions.actions.claiming import lock_coupons, release_coupons, use_coupons
from tongpan.promotions.actions.counters import give_back, take
from tongpan.promotions.activities.groups import Opening, leave_places, pay_places, take_places
from tongpan.promotions.limits import Taken, wants_of
from tongpan.promotions.pricing_carts import Quote

SETTING = "promotions"
"""{"refund_releases": "full" | "never"}: what a full refund gives back of coupons, uses and budgets; default "full"."""


def consume(quote: Quote, order_id: int, *, now: datetime) -> None:
    """Let the order that ``quote`` became hold its coupons and take what it takes of limits and budgets.

    All or nothing; the caller rolls back. Keeps how the order was priced. At most eight statements, two more for a
    place in a group. Raises Refusal coupon.taken, coupon.spent, group.*, or promotion.spent when a limit or budget has
    not enough left: price the cart anew.
    """
    if short := consume_many([(quote, order_id)], now=now):
        raise Refusal(
            "promotion.spent",
            f"The offer {short[order_id]} ran out while the order was placed; look at the price again.",
        )
    take_places(_groups(quote), order_id, quote.request.customer_id, now=now)


def consume_many(orders: Sequence[tuple[Quote, int]], *, now: datetime) -> dict[int, str]:
    """``consume`` of many orders (quote, order id) at once: which offer ran out, by the id of each order that uses it.

    With any in it the caller rolls back. At most six statements whatever the number, and two for each order with
    coupons. Raises Refusal coupon.taken, coupon.spent.
    """
    for quote, order_id in orders:
        if used := quote.used:
            lock_coupons(used, customer_id=quote.request.customer_id, order_id=order_id, now=now)
    wants, shares = wants_of(
        [Taken(quote.book, quote.result.takes, quote.request.customer_id, quote.at) for quote, _ in orders]
    )
    if short := set(take(wants)):
        out = {}
        for (_, order_id), by_rule in zip(orders, shares, strict=True):
            if missing := sorted(short & {key for keys in by_rule.values() for key in keys}):
                out[order_id] = missing[0].split(":")[0]
        return out
    rows: list[tuple[int, str, int, int | None, int, str]] = []
    for (quote, order_id), by_rule in zip(orders, shares, strict=True):
        discounts: dict[str, int] = {}
        for share in quote.result.discounts:
            discounts[share.rule] = discounts.get(share.rule, 0) + share.amount_minor
        rows += (
            (
                order_id,
                rule,
                quote.version,
                quote.request.customer_id,
                discounts.get(rule, 0),
                as_json(by_rule.get(rule, {})),
            )
            for rule in sorted({*discounts, *(gift.rule for gift in quote.result.gifts), *by_rule})
        )
    if rows:
        execute(
            """INSERT INTO promotions_usage (order_id, rule, version, customer_id, discount_minor, takes, used_at)
               SELECT u.order_id, u.rule, u.version, u.customer, u.discount, u.takes::jsonb, %s
               FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
                    AS u(order_id, rule, version, customer, discount, takes)""",
            [now, *(list(column) for column in zip(*rows, strict=True))],
        )
    _keep(orders)
    return {}


def _groups(quote: Quote) -> list[Opening]:
    """The groups that gave the cart a price."""
    kinds = {rule.code: rule.kind for rule in quote.book.rulebook.rules}
    applied = {share.rule for share in quote.result.discounts}
    return [
        Opening(one.code, one.rule)
        for one in quote.request.opened
        if one.rule in applied and kinds[one.rule] == "group_price"
    ]


def _keep(orders: Sequence[tuple[Quote, int]]) -> None:
    rows = []
    for quote, order_id in orders:
        result = quote.result
        lines = [
            [line.number, line.sku, line.qty, line.unit_minor, line.price_list, line.price_kind, line.net_minor]
            for line in quote.lines
        ]
        trials = [[one.rule, one.applied, one.reason, _plain(dict(one.params))] for one in quote.trials]
        rows.append(
            (
                order_id,
                quote.version,
                quote.at,
                quote.token,
                quote.request.currency,
                as_json(lines),
                as_json(trials),
                as_json([[gift.rule, gift.sku, gift.qty] for gift in result.gifts]),
                as_json(sorted(result.coupons_used)),
                sum(line.amount_minor for line in quote.lines),
                quote.discount_minor,
                quote.request.shipping_minor - result.shipping_minor,
                as_json(_said(quote)),
            )
        )
    if rows:
        execute(
            """INSERT INTO promotions_pricedorder (order_id, version, at, token, currency, lines, trials, gifts,
                                                   coupons, list_minor, discount_minor, shipping_share_minor, said)
               SELECT p.order_id, p.version, p.at, p.token, p.currency, p.lines::jsonb, p.trials::jsonb,
                      p.gifts::jsonb, p.coupons::jsonb, p.list_minor, p.discount_minor, p.shipping,
                      p.said::jsonb
               FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[],
                           %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
                    AS p(order_id, version, at, token, currency, lines, trials, gifts, coupons, list_minor,
                         discount_minor, shipping, said)""",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _said(quote: Quote) -> dict[str, object]:
    """What the front said, and what opened rules."""
    asked = quote.request
    coupons = [[found.code, found.rule, 0] for found in quote.coupons if not found.problem]
    return {
        "tier": asked.tier,
        "segments": sorted(asked.segments),
        "scopes": sorted(asked.scopes),
        "source": asked.source,
        "payment": asked.payment,
        "is_member": asked.is_member,
        "is_new": asked.is_new,
        "coupons": coupons + [[one.code, one.rule, one.value_minor] for one in asked.opened],
    }


def _plain(params: dict[str, object]) -> dict[str, object]:
    return {
        word: value.isoformat() if isinstance(value, datetime) else value
        for word, value in params.items()
        if isinstance(value, (str, int, list, tuple, datetime))
    }


def settle_paid(order_ids: Collection[int], *, now: datetime) -> None:
    """The orders are paid: the coupons that they hold are used, their places in groups are paid. Two statements for
    orders without a place. Raises Refusal group.over."""
    use_coupons(order_ids, now=now)
    pay_places(order_ids, now=now)


def give_up(order_ids: Collection[int], *, now: datetime) -> int:
    """The orders are called off, or refunded in full: coupons, uses and budgets are given back; of how many orders.

    An order gives back once. One statement for orders that took nothing, at most seven otherwise.
    """
    released = [
        order_id
        for (order_id,) in fetch_all(
            """UPDATE promotions_pricedorder SET released_at = %s
               WHERE order_id = ANY(%s::bigint[]) AND released_at IS NULL RETURNING order_id""",
            [now, whole_numbers(sorted(order_ids))],
        )
    ]
    if not released:
        return 0
    release_coupons(released, with_used=True)
    back: dict[str, int] = {}
    for (takes,) in fetch_all(
        """UPDATE promotions_usage SET released_at = greatest(used_at, %s)
           WHERE order_id = ANY(%s::bigint[]) AND released_at IS NULL RETURNING takes::text""",
        [now, whole_numbers(released)],
    ):
        for key, amount in json.loads(takes).items():
            back[key] = back.get(key, 0) + amount
    give_back(back)
    leave_places(released)
    return len(released)


def refund_releases() -> bool:
    """Whether a full refund gives back what the order took (setting ``promotions``). One statement."""
    return bool((stored(SETTING) or {}).get("refund_releases", "full") == "full")
