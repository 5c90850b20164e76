"""Writes of subscriptions by people and shop fronts: made, changed, paused, resumed, left out once, ended.

Each locks its subscription. A run of a day is written by ``runs``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import transaction

from tongpan.access import vault
from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.clock import business_day
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.stored import store, stored
from tongpan.customers.actions import Sighting, identify
from tongpan.orders.actions.carts import pay_order
from tongpan.orders.events import SUBSCRIPTION
from tongpan.orders.subscriptions.engine import (
    SETTING,
    LineSpec,
    Rhythm,
    Rules,
    SubscriptionSpec,
    as_plain,
    check,
    check_lines,
    check_rhythm,
    first_day,
    from_plain,
    next_day,
    next_from,
    parse_rules,
)

STEPS: dict[str, tuple[tuple[str, ...], str]] = {
    "pause": (("active",), "paused"),
    "resume": (("paused",), "active"),
    "skip": (("active", "paused"), ""),
    "cancel": (("active", "paused"), "cancelled"),
}
"""What may be done with a subscription: (the states in which, the state it leads to; "" for the same)."""
_DONE = {"pause": "paused", "resume": "resumed", "skip": "skipped", "cancel": "cancelled"}


class _Held(NamedTuple):
    """A subscription that this transaction holds. today: the day in its channel's zone."""

    id: int
    state: str
    rhythm: Rhythm
    next_on: date
    today: date


def current_rules() -> Rules:
    """The rules as they are set. One statement."""
    return parse_rules(stored(SETTING) or {})


def set_rules(values: dict[str, Any], *, actor: str, now: datetime) -> Rules:
    """Set the rules for runs from now on; what is absent stays. Raises Refusal subscription.rules."""
    with transaction.atomic():
        rules = parse_rules({**(stored(SETTING) or {}), **values})
        store(SETTING, {name: getattr(rules, name) for name in Rules.__slots__})
        audit_many([Note("subscription.rules_saved", "setting", SETTING, values)], actor=actor, now=now)
    return rules


def subscribe(spec: SubscriptionSpec, *, actor: str, now: datetime) -> int:
    """A new subscription; its id. Its first run is on the first day of its rhythm from ``first_on`` on.

    Raises Refusal subscription.* (shop, SKUs, rhythm, lines, or a first day that is over).
    """
    check(spec)
    with transaction.atomic():
        shops = fetch_all(
            """SELECT s.id, c.zone FROM channels_shop s JOIN channels_channel c ON c.id = s.channel_id
               WHERE s.code = %s AND s.is_active""",
            [spec.shop_code.replace("\x00", "")],
        )
        if not shops:
            raise Refusal("subscription.shop", f"There is no active shop {spec.shop_code!r}.")
        shop_id, zone = shops[0]
        if spec.first_on < business_day(now, zone):
            raise Refusal("subscription.first_on", f"The first day {spec.first_on} is over.")
        buyer = spec.buyer
        customer_id = identify([Sighting(buyer.kind, buyer.scope, buyer.value, now, buyer.name)])[0]
        ((made,),) = fetch_all(
            """INSERT INTO orders_subscription (shop_id, customer_id, state, unit, every, day, next_on, contents_sealed,
                                                created_at, changed_at)
               VALUES (%s, %s, 'active', %s, %s, %s, %s, %s, %s, %s) RETURNING id""",
            [
                shop_id,
                customer_id,
                *spec.rhythm,
                first_day(spec.rhythm, spec.first_on),
                vault.seal(as_json(as_plain(spec))),
                now,
                now,
            ],
        )
        _write_lines(made, spec.lines)
        _told(made, "created", {}, actor=actor, now=now)
        return int(made)


def change(
    subscription_id: int,
    *,
    lines: Sequence[LineSpec] | None = None,
    rhythm: Rhythm | None = None,
    actor: str,
    now: datetime,
) -> None:
    """Change what comes, or when, from the next run on. None leaves it. Raises Refusal subscription.*."""
    with transaction.atomic():
        held = _lock(subscription_id, now)
        _refuse_ended(held)
        told: dict[str, Any] = {}
        if lines is not None:
            check_lines(lines)
            execute("DELETE FROM orders_subscriptionline WHERE subscription_id = %s", [subscription_id])
            _write_lines(subscription_id, lines)
            told["lines"] = [[line.sku_code, line.qty, line.unit_minor] for line in lines]
        if rhythm is not None:
            check_rhythm(rhythm)
            day = first_day(rhythm, max(held.next_on, held.today))
            if day != held.next_on:
                _end_runs(subscription_id, held.next_on, "Its rhythm was changed.")
            execute(
                "UPDATE orders_subscription SET unit = %s, every = %s, day = %s, next_on = %s WHERE id = %s",
                [*rhythm, day, subscription_id],
            )
            told["rhythm"] = [*rhythm]
        _told(subscription_id, "changed", told, actor=actor, now=now)


def take_step(subscription_id: int, step: str, *, actor: str, now: datetime) -> bool:
    """One of STEPS; False when nothing changed because it was taken before.

    pause: no run until it is resumed; days that pass meanwhile are left out. skip: the next day is left out. cancel: it
    ends; an order that a run has become stays what it is. Raises Refusal subscription.unknown, subscription.state.
    """
    allowed, after = STEPS[step]
    with transaction.atomic():
        held = _lock(subscription_id, now)
        if held.state == after:
            return False
        if held.state not in allowed:
            raise Refusal("subscription.state", f"Subscription {held.id} is {held.state}; it cannot {step} now.")
        told: dict[str, Any] = {}
        next_on = held.next_on
        if step == "skip":
            told["due_on"] = f"{held.next_on}"
            _leave_out(held, "Left out by a person.")
            next_on = next_from(held.rhythm, next_day(held.rhythm, held.next_on), held.today)
        elif step == "resume":
            next_on = next_from(held.rhythm, held.next_on, held.today)
            if next_on != held.next_on:
                _end_runs(held.id, held.next_on, "It was paused.")
        elif step == "cancel":
            _end_runs(held.id, None, "The subscription has ended.")
        execute(
            """UPDATE orders_subscription SET state = %s, next_on = %s, ended_at = %s WHERE id = %s""",
            [after or held.state, next_on, now if after == "cancelled" else None, held.id],
        )
        _told(held.id, _DONE[step], told, actor=actor, now=now)
        return True


def pay_run(subscription_id: int, method: str, amount_minor: int, *, actor: str, now: datetime) -> int:
    """Note that the order of the run that waits for payment is paid; the order's id.

    The earliest where several wait. Raises Refusal subscription.paid when none waits, and what ``pay_order`` refuses.
    """
    rows = fetch_all(
        """SELECT order_id FROM orders_subscriptionrun WHERE subscription_id = %s AND state = 'unpaid'
             AND order_id IS NOT NULL ORDER BY due_on LIMIT 1""",
        [subscription_id],
    )
    if not rows:
        raise Refusal("subscription.paid", f"No run of subscription {subscription_id} waits for payment.")
    order_id = int(rows[0][0])
    pay_order(order_id, method, amount_minor, actor=actor, now=now)
    return order_id


def contents_of(sealed: bytes) -> Any:
    """(buyer, address, delivery) of a subscription."""
    return from_plain(json.loads(vault.open_sealed(bytes(sealed))))


def _lock(subscription_id: int, now: datetime) -> _Held:
    rows = fetch_all(
        """SELECT s.id, s.state, s.unit, s.every, s.day, s.next_on, c.zone
           FROM orders_subscription s JOIN channels_shop h ON h.id = s.shop_id
           JOIN channels_channel c ON c.id = h.channel_id WHERE s.id = %s FOR NO KEY UPDATE OF s""",
        [subscription_id],
    )
    if not rows:
        raise Refusal("subscription.unknown", f"There is no subscription {subscription_id}.")
    i, state, unit, every, day, next_on, zone = rows[0]
    return _Held(i, state, Rhythm(unit, every, day), next_on, business_day(now, zone))


def _refuse_ended(held: _Held) -> None:
    if held.state == "cancelled":
        raise Refusal("subscription.state", f"Subscription {held.id} has ended; make a new one.")


def _leave_out(held: _Held, why: str) -> None:
    execute(
        """INSERT INTO orders_subscriptionrun (subscription_id, due_on, state, orders_made, attempts, problem)
           VALUES (%s, %s, 'skipped', 0, 0, %s)
           ON CONFLICT (subscription_id, due_on) DO UPDATE SET state = 'skipped', next_try_at = NULL,
             problem = excluded.problem""",
        [held.id, held.next_on, why],
    )


def _end_runs(subscription_id: int, due_on: date | None, why: str) -> None:
    """End what is planned or tried again, of one day or of all."""
    execute(
        """UPDATE orders_subscriptionrun SET state = 'skipped', next_try_at = NULL, problem = %s
           WHERE subscription_id = %s AND state IN ('planned', 'short', 'again')
             AND (%s::date IS NULL OR due_on = %s)""",
        [why, subscription_id, due_on, due_on],
    )


def _write_lines(subscription_id: int, lines: Sequence[LineSpec]) -> None:
    codes = [line.sku_code for line in lines]
    known = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) AND is_active", [codes]))
    if missing := sorted(set(codes) - set(known)):
        raise Refusal("subscription.sku", f"There is no SKU {missing[0]!r} on sale.")
    execute(
        """INSERT INTO orders_subscriptionline (subscription_id, sku_id, qty, unit_minor)
           SELECT %s, * FROM unnest(%s::bigint[], %s::int[], %s::bigint[])""",
        [subscription_id, [known[code] for code in codes], [n.qty for n in lines], [n.unit_minor for n in lines]],
    )


def _told(subscription_id: int, what: str, told: dict[str, Any], *, actor: str, now: datetime) -> None:
    execute("UPDATE orders_subscription SET changed_at = %s WHERE id = %s", [now, subscription_id])
    audit_many([Note(f"subscription.{what}", "subscription", str(subscription_id), told)], actor=actor, now=now)
    append([NewEvent(f"{SUBSCRIPTION}{what}", str(subscription_id), told)])
