"""The runs of subscriptions: announced, made into orders, paid or tried again. For the clock.

A run of a day is one row, and its order has a number of its own (``engine.number_of``), so two processes make one
order. All take many at once; the statements do not grow with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import transaction

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.clock import business_day
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.money import to_decimal
from tongpan.core.races import run_in_transaction
from tongpan.orders.actions.closing import REASON
from tongpan.orders.actions.facts import reserve_orders
from tongpan.orders.actions.intake import RACES, accept
from tongpan.orders.engine import DiscountDoc, LineDoc, OrderDoc
from tongpan.orders.events import SUBSCRIPTION
from tongpan.orders.offering import documents_of
from tongpan.orders.subscriptions.actions import contents_of, current_rules
from tongpan.orders.subscriptions.engine import Rhythm, Rules, next_day, next_from, number_of, retry_at
from tongpan.promotions.actions.ordering import consume_many
from tongpan.promotions.cart_facts import Facts, facts_of
from tongpan.promotions.pricing_carts import CartLine, CartRequest, Quote, list_price, price_many

AT_ONCE = 200
SOURCE = "subscription"
"""By what rules of promotions know such an order (condition ``sources``)."""
_Lines = Sequence[tuple[str, str, int, int | None]]
_DUE = """
    SELECT s.id, s.next_on AS due_on FROM orders_subscription s
    JOIN channels_shop h ON h.id = s.shop_id JOIN channels_channel c ON c.id = h.channel_id
    LEFT JOIN orders_subscriptionrun r ON r.subscription_id = s.id AND r.due_on = s.next_on
    WHERE s.state = 'active' AND s.next_on <= (%(now)s AT TIME ZONE c.zone)::date
      AND (r.id IS NULL OR r.state = 'planned' OR r.state = 'short' AND r.next_try_at <= %(now)s)
      AND (%(ids)s::bigint[] IS NULL OR s.id = ANY(%(ids)s::bigint[]))
    UNION ALL
    SELECT s.id, r.due_on FROM orders_subscriptionrun r JOIN orders_subscription s ON s.id = r.subscription_id
    WHERE s.state = 'active' AND r.state = 'again' AND r.next_try_at <= %(now)s
      AND (%(ids)s::bigint[] IS NULL OR s.id = ANY(%(ids)s::bigint[]))
    ORDER BY 2, 1 LIMIT %(limit)s"""


@dataclass(frozen=True, slots=True)
class _Run:
    """A run that is tried now. lines: SKU, name, units, unit price: the agreed one, or what the shop's listing asks.
    asked: what pricing is asked, None where the agreed price counts. unpriced: the first SKU that nobody has a price
    of, "" for none."""

    id: int
    subscription_id: int
    due_on: date
    orders_made: int
    attempts: int
    shop: str
    currency: str
    zone: str
    rhythm: Rhythm
    next_on: date
    contents: Any
    lines: _Lines
    asked: CartRequest | None
    unpriced: str


class _Missing(Exception):
    """Some runs cannot become orders: sentences by run id. Takes the whole attempt back."""

    def __init__(self, why: Mapping[int, str]) -> None:
        self.why = why


class _Spent(Exception):
    """Offers have not enough left for all of some runs: their names by run id. Takes the whole attempt back."""

    def __init__(self, offers: Mapping[int, str]) -> None:
        self.offers = offers


class _Ended(NamedTuple):
    """What became of a tried run."""

    run: _Run
    state: str
    problem: str
    order_id: int | None


def announce(now: datetime, *, limit: int = 1000) -> int:
    """Write down the runs that come soon, and log a reminder of each, once; how many. Three statements."""
    rules = current_rules()
    with transaction.atomic():
        rows = fetch_all(
            """INSERT INTO orders_subscriptionrun (subscription_id, due_on, state, orders_made, attempts, reminded_at,
                                                   problem)
               SELECT s.id, s.next_on, 'planned', 0, 0, %(now)s, '' FROM orders_subscription s
               JOIN channels_shop h ON h.id = s.shop_id JOIN channels_channel c ON c.id = h.channel_id
               WHERE s.state = 'active' AND s.next_on <= (%(now)s AT TIME ZONE c.zone)::date + %(days)s
                 AND NOT EXISTS (SELECT FROM orders_subscriptionrun r
                                 WHERE r.subscription_id = s.id AND r.due_on = s.next_on)
               ORDER BY s.next_on, s.id LIMIT %(limit)s
               ON CONFLICT (subscription_id, due_on) DO NOTHING RETURNING subscription_id, due_on""",
            {"now": now, "days": rules.remind_days, "limit": limit},
        )
        append([NewEvent(f"{SUBSCRIPTION}reminder", str(i), {"due_on": f"{due_on}"}) for i, due_on in rows])
    return len(rows)


def run_due(now: datetime, *, actor: str = "subscriptions", limit: int = AT_ONCE) -> int:
    """Make orders of the runs whose day has come, and of those that are tried again now; how many were tried.

    An order waits for its payment, its goods held for it. A run whose goods or price are missing is tried again. What
    another process works on is left to it. Locks the subscriptions, then as ``accept``.
    """

    def work() -> int:
        found = fetch_all(_DUE, {"now": now, "ids": None, "limit": limit})
        if not found:
            return 0
        locked = fetch_all(
            "SELECT id FROM orders_subscription WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [sorted({i for i, _ in found})],
        )
        # Another process may have made them meanwhile: what is due is looked up again under the lock.
        due = fetch_all(_DUE, {"now": now, "ids": [i for (i,) in locked], "limit": limit})
        if not due:
            return 0
        rules = current_rules()
        runs, facts = _load(due, rules, now)
        _write(_try(runs, facts, rules, actor=actor, now=now), rules, now=now)
        return len(runs)

    return run_in_transaction(work, constraints=RACES)


def settle_runs(now: datetime, *, limit: int = AT_ONCE) -> int:
    """See which orders of runs are paid, and try those again that were not paid in time; how many runs moved on.

    A run whose order was cancelled for another reason is left out. Locks the runs.
    """
    rules = current_rules()
    with transaction.atomic():
        rows = fetch_all(
            """SELECT r.id, r.subscription_id, r.due_on, r.attempts, o.id, o.status,
                      EXISTS (SELECT FROM orders_orderevent e WHERE e.order_id = o.id AND e.kind = 'cancelled'
                              AND e.data->>'reason' = %s)
               FROM orders_subscriptionrun r JOIN orders_order o ON o.id = r.order_id
               WHERE r.state = 'unpaid' AND o.status <> 'placed' ORDER BY r.id LIMIT %s
               FOR NO KEY UPDATE OF r SKIP LOCKED""",
            [REASON, limit],
        )
        moved, events = [], []
        for i, subscription_id, due_on, attempts, order_id, status, is_late in rows:
            told: dict[str, Any] = {"due_on": f"{due_on}", "order": order_id}
            next_try, problem = None, ""
            if status != "cancelled":
                state = "paid"
            elif not is_late:
                state, problem = "skipped", "Its order was cancelled."
            else:
                next_try = retry_at(now, attempts, rules)
                state = "again" if next_try else "failed"
                problem = "It was not paid in time." if next_try else f"It was not paid in {attempts} tries."
            if problem:
                told |= {"problem": problem, "next_try_at": next_try.isoformat() if next_try else None}
            moved.append((i, state, next_try, problem))
            name = {"again": "unpaid"}.get(state, state)
            events.append(NewEvent(f"{SUBSCRIPTION}{name}", str(subscription_id), told))
        if moved:
            execute(
                """UPDATE orders_subscriptionrun r SET state = m.state, next_try_at = m.next_try, problem = m.problem
                   FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[], %s::text[])
                        AS m(id, state, next_try, problem)
                   WHERE r.id = m.id""",
                [list(column) for column in zip(*moved, strict=True)],
            )
            append(events)
    return len(rows)


def _load(due: Sequence[tuple[int, date]], rules: Rules, now: datetime) -> tuple[list[_Run], Facts | None]:
    """The runs of (subscription id, day) pairs, written down where they were not announced; and, where the prices of
    the day count, what pricing needs to know of their goods."""
    ids, days = [i for i, _ in due], [day for _, day in due]
    execute(
        """INSERT INTO orders_subscriptionrun (subscription_id, due_on, state, orders_made, attempts, problem)
           SELECT d.id, d.due_on, 'planned', 0, 0, '' FROM unnest(%s::bigint[], %s::date[]) AS d(id, due_on)
           ON CONFLICT (subscription_id, due_on) DO NOTHING""",
        [ids, days],
    )
    lines: dict[int, list[tuple[str, str, int, int | None]]] = {}
    for i, sku, name, qty, agreed, listed in fetch_all(
        """SELECT l.subscription_id, k.code, k.name, l.qty, l.unit_minor,
                  (SELECT min(g.price_minor) FROM catalog_listing g
                   WHERE g.shop_id = s.shop_id AND g.sku_id = l.sku_id AND g.is_on_sale AND g.price_minor IS NOT NULL
                     AND g.currency = c.currency)
           FROM orders_subscriptionline l JOIN orders_subscription s ON s.id = l.subscription_id
           JOIN channels_shop h ON h.id = s.shop_id JOIN channels_channel c ON c.id = h.channel_id
           JOIN catalog_sku k ON k.id = l.sku_id WHERE l.subscription_id = ANY(%s) ORDER BY l.id""",
        [ids],
    ):
        lines.setdefault(i, []).append((sku, name, qty, agreed if rules.price == "agreed" else listed))
    rows = fetch_all(
        """SELECT r.id, s.id, r.due_on, r.orders_made, r.attempts, h.code, c.currency, c.zone, s.unit, s.every, s.day,
                  s.next_on, s.contents_sealed, c.code, s.customer_id,
                  NOT EXISTS (SELECT FROM orders_order o
                              WHERE o.customer_id = s.customer_id AND o.status <> 'cancelled')
           FROM unnest(%s::bigint[], %s::date[]) AS d(id, due_on) JOIN orders_subscription s ON s.id = d.id
           JOIN orders_subscriptionrun r ON r.subscription_id = d.id AND r.due_on = d.due_on
           JOIN channels_shop h ON h.id = s.shop_id JOIN channels_channel c ON c.id = h.channel_id
           ORDER BY r.due_on, s.id""",
        [ids, days],
    )
    facts = None
    if rules.price == "list":
        skus = {sku for held in lines.values() for sku, *_ in held}
        facts = facts_of(skus, {row[13]: row[6] for row in rows}, now)
    runs = []
    for run_id, i, due_on, made, tried, shop, currency, zone, unit, every, day, next_on, sealed, *more in rows:
        rhythm, contents, held = Rhythm(unit, every, day), contents_of(sealed), lines.get(i, ())
        asked = _request((shop, currency, *more), contents, held) if facts else None
        unpriced = _unpriced(asked, facts) if asked and facts else ""
        runs.append(
            _Run(run_id, i, due_on, made, tried, shop, currency, zone, rhythm, next_on, contents, held, asked, unpriced)
        )
    return runs, facts


def _request(of: tuple[str, str, str, int, bool], contents: Any, lines: _Lines) -> CartRequest:
    """of: shop, currency, channel, customer, whether nothing was ever bought."""
    shop, currency, channel, customer_id, is_new = of
    _, ship_to, delivery = contents
    return CartRequest(
        channel,
        [CartLine(sku, qty, unit) for sku, _, qty, unit in lines],
        currency,
        shop,
        node=delivery.node,
        region=ship_to.province,
        source=SOURCE,
        customer_id=customer_id,
        is_new=is_new,
    )


def _unpriced(asked: CartRequest, facts: Facts) -> str:
    return next((line.sku for line in asked.lines if list_price(asked, line, facts) is None), "")


def _try(runs: Sequence[_Run], facts: Facts | None, rules: Rules, *, actor: str, now: datetime) -> list[_Ended]:
    """Make orders of all that can be served. One that cannot takes the attempt back, and the others are tried again.

    Where an offer has not enough left for all of them, those that use it are made one after the other: each is priced
    with what the one before left.
    """
    until = now + timedelta(hours=rules.pay_hours)
    why = {
        run.id: f"Neither the price lists nor the listings of shop {run.shop} have a price of SKU {run.unpriced}."
        for run in runs
        if run.unpriced
    }
    made: dict[int, int] = {}
    alone: set[int] = set()
    while left := [run for run in runs if run.id not in why and run.id not in alone]:
        try:
            with transaction.atomic():
                made = _order(left, facts, until, actor=actor, now=now)
            break
        except _Missing as missing:
            why |= missing.why
        except _Spent as spent:
            alone |= set(spent.offers)
    for run in runs:
        if run.id in alone:
            try:
                with transaction.atomic():
                    made |= _order([run], facts, until, actor=actor, now=now)
            except _Missing as missing:
                why |= missing.why
            except _Spent as spent:
                why[run.id] = f"The offer {spent.offers[run.id]} ran out while the order was placed."
    ended = []
    for run in runs:
        if run.id in made:
            ended.append(_Ended(run, "unpaid", "", made[run.id]))
        else:
            again = retry_at(now, run.attempts + 1, rules)
            ended.append(_Ended(run, "short" if again else "failed", why[run.id], None))
    return ended


def _order(runs: Sequence[_Run], facts: Facts | None, until: datetime, *, actor: str, now: datetime) -> dict[int, int]:
    """The order ids of ``runs`` by run id, all of them held, with what they take of offers. Raises _Missing with those
    that cannot be, _Spent with those for which together too little of an offer is left."""
    priced = [run for run in runs if run.asked]
    quotes: dict[int, Quote] = dict(
        zip(
            (run.id for run in priced),
            price_many([run.asked for run in priced if run.asked], now=now, facts=facts) if priced else (),
            strict=True,
        )
    )
    docs = []
    for run in runs:
        buyer, ship_to, delivery = run.contents
        goods, discounts = _lines_of(run, quotes.get(run.id))
        number = number_of(run.subscription_id, run.due_on, run.orders_made)
        docs.append(
            OrderDoc(
                run.shop, number, now, run.currency, goods, buyer, ship_to, version=now, hold_until=until,
                delivery=delivery, tags=["subscription"], discounts=discounts,
            )
        )  # fmt: skip
    outcomes = accept(docs, actor=actor, now=now)
    pairs = list(zip(runs, outcomes, strict=True))
    why = {run.id: outcome.reason for run, outcome in pairs if outcome.document_id is None}
    made = {run.id: outcome.document_id for run, outcome in pairs if outcome.document_id is not None}
    served = reserve_orders(made.values(), actor=actor, now=now, expires_at=dict.fromkeys(made.values(), until))
    why |= {i: "Some of the goods are not there." for i, order_id in made.items() if order_id not in served}
    if why:
        raise _Missing(why)
    if short := consume_many([(quote, made[i]) for i, quote in quotes.items()], now=now):
        raise _Spent({i: short[order_id] for i, order_id in made.items() if order_id in short})
    return made


def _lines_of(run: _Run, quote: Quote | None) -> tuple[list[LineDoc], list[DiscountDoc]]:
    """The lines of a run's order: priced by ``quote``, or without one at the agreed prices."""
    if quote is not None:
        return documents_of(quote, ())
    return [
        LineDoc("goods", sku, name, qty, qty * unit, to_decimal(unit, run.currency))
        for sku, name, qty, unit in run.lines
        if unit is not None
    ], []


def _write(ended: Sequence[_Ended], rules: Rules, *, now: datetime) -> None:
    rows, steps, events = [], [], []
    until = now + timedelta(hours=rules.pay_hours)
    for run, state, problem, order_id in ended:
        again = retry_at(now, run.attempts + 1, rules) if state == "short" else None
        rows.append((run.id, state, order_id, again, problem))
        told: dict[str, Any] = {"due_on": f"{run.due_on}"}
        if state == "unpaid":
            told |= {"order": order_id, "hold_until": until.isoformat()}
        else:
            told |= {"problem": problem, "next_try_at": again.isoformat() if again else None}
        name = {"unpaid": "ordered"}.get(state, state)
        events.append(NewEvent(f"{SUBSCRIPTION}{name}", str(run.subscription_id), told))
        if run.due_on == run.next_on and state != "short":
            today = business_day(now, run.zone)
            steps.append((run.subscription_id, next_from(run.rhythm, next_day(run.rhythm, run.due_on), today)))
    execute(
        """UPDATE orders_subscriptionrun r
           SET state = m.state, order_id = coalesce(m.order_id, r.order_id), attempts = r.attempts + 1, tried_at = %s,
               orders_made = r.orders_made + CASE WHEN m.order_id IS NULL THEN 0 ELSE 1 END,
               next_try_at = m.next_try, problem = m.problem
           FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::timestamptz[], %s::text[])
                AS m(id, state, order_id, next_try, problem) WHERE r.id = m.id""",
        [now, *(list(column) for column in zip(*rows, strict=True))],
    )
    if steps:
        execute(
            """UPDATE orders_subscription s SET next_on = m.next_on
               FROM unnest(%s::bigint[], %s::date[]) AS m(id, next_on) WHERE s.id = m.id""",
            [list(column) for column in zip(*steps, strict=True)],
        )
    append(events)
