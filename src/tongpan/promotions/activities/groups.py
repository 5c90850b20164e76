"""Group-buy (PRM-09): groups are opened, taken part in, and formed by payments or not at all.

A group's row is the only thing that its buyers contend for; it is locked after orders and pools. What becomes of the
orders (let go, cancelled, paid back) is the order hub's part: ``orders.actions.grouping``.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from tongpan.access.actions import Note, audit_many
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.promotions.activities.models import Group, GroupOffer
from tongpan.promotions.queries import current_book

FORGOTTEN = timedelta(days=1)
"""A group whose leader does not pay within this time is closed."""
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class GroupOfferSpec:
    """size: paid orders that make a group, 2 to 1000. hours: 1 to 720, from the leader's payment on."""

    rule: str
    size: int
    hours: int
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Opening:
    """A code that a cart was priced with, of a rule of the kind group_price."""

    code: str
    rule: str


def save_group_offer(spec: GroupOfferSpec, *, actor: str, now: datetime) -> GroupOffer:
    """Say how groups of a rule are made. Groups that are open keep their size and time.

    Raises Refusal group.rule for a rule that is no group_price of the rulebook that counts, or group.offer.
    """
    _checked_rule(spec.rule, now)
    if not 2 <= spec.size <= 1000 or not 1 <= spec.hours <= 720:
        raise Refusal("group.offer", "A group has 2 to 1000 buyers and 1 to 720 hours.")

    def work() -> GroupOffer:
        offer, _ = GroupOffer.objects.update_or_create(
            rule=spec.rule,
            defaults={
                "size": spec.size,
                "hours": spec.hours,
                "is_open": spec.is_open,
                "updated_by": actor,
                "updated_at": now,
            },
        )
        said = {"size": spec.size, "hours": spec.hours, "open": spec.is_open}
        audit_many([Note("group.offered", "group_offer", spec.rule, said)], actor=actor, now=now)
        return offer

    return run_in_transaction(work)


def _checked_rule(code: str, now: datetime) -> None:
    kinds = {rule.code: rule.kind for rule in current_book(now).rulebook.rules}
    if kinds.get(code) != "group_price":
        raise Refusal("group.rule", f"The rulebook that counts has no rule {code!r} of the kind group_price.")


def open_group(rule: str, *, now: datetime) -> Group:
    """A new group; its first order is the leader's. Raises Refusal group.rule or group.closed."""
    _checked_rule(rule, now)
    offer = GroupOffer.objects.filter(rule=rule, is_open=True).first()
    if offer is None:
        raise Refusal("group.closed", f"No groups are opened for the rule {rule!r}.")
    code = "G" + "".join(secrets.choice(_LETTERS) for _ in range(11))
    return Group.objects.create(code=code, offer=offer, size=offer.size, opened_at=now)


def take_places(openings: Sequence[Opening], order_id: int, customer_id: int | None, *, now: datetime) -> None:
    """Give an order that is being placed its place in each group, all or none; the caller rolls back.

    Of many who want the last place one gets it. Raises Refusal group.unknown, group.full, group.over, group.waiting
    (only the leader orders before the leader has paid) or group.twice.
    """
    for one in sorted(openings, key=lambda opening: opening.code):
        rows = fetch_all(
            """UPDATE promotions_group g SET taken = g.taken + 1
               FROM promotions_groupoffer f
               WHERE g.code = %s AND f.id = g.offer_id AND f.rule = %s AND g.taken < g.size
                 AND ((g.state = 'waiting' AND g.taken = 0) OR (g.state = 'open' AND g.expires_at > %s))
               RETURNING g.id, g.state = 'waiting'""",
            [one.code, one.rule, now],
        )
        if not rows:
            raise _refusal(one, now)
        try:
            execute(
                """INSERT INTO promotions_groupplace (group_id, order_id, customer_id, is_leader, state, at, is_settled)
                   VALUES (%s, %s, %s, %s, 'held', %s, false)""",
                [rows[0][0], order_id, customer_id, rows[0][1], now],
            )
        except IntegrityError:
            raise Refusal("group.twice", f"This buyer has a place in the group {one.code} already.") from None


def _refusal(one: Opening, now: datetime) -> Refusal:
    group = Group.objects.filter(code=one.code, offer__rule=one.rule).first()
    if group is None:
        return Refusal("group.unknown", f"There is no group {one.code!r} for the offer {one.rule!r}.")
    if group.state == "waiting":
        return Refusal("group.waiting", f"The group {one.code} opens when its leader has paid.")
    if group.state != "open" or (group.expires_at and group.expires_at <= now):
        return Refusal("group.over", f"The group {one.code} is closed; open a new one.")
    return Refusal("group.full", f"The {group.size} places of the group {one.code} are taken; open a new one.")


def pay_places(order_ids: Collection[int], *, now: datetime) -> None:
    """The orders are paid: the leader's opens its group, the last one forms it.

    One statement for orders without a place, three otherwise. Raises Refusal group.over when the group's time ended
    before the payment: the order is called off.
    """
    held = fetch_all(
        """SELECT p.group_id, p.id FROM promotions_groupplace p
           WHERE p.order_id = ANY(%s::bigint[]) AND p.state = 'held' ORDER BY p.group_id""",
        [whole_numbers(sorted(order_ids))],
    )
    for group_id, place_id in held:
        moved = fetch_all(
            """UPDATE promotions_group g SET paid = g.paid + 1,
                      state = CASE WHEN g.paid + 1 = g.size THEN 'formed' ELSE 'open' END,
                      expires_at = coalesce(g.expires_at, %s + make_interval(hours => f.hours)),
                      ended_at = CASE WHEN g.paid + 1 = g.size THEN %s END
               FROM promotions_groupoffer f
               WHERE g.id = %s AND f.id = g.offer_id
                 AND (g.state = 'waiting' OR (g.state = 'open' AND g.expires_at > %s)) RETURNING g.id""",
            [now, now, group_id, now],
        )
        if not moved:
            raise Refusal("group.over", "The time of the group is over; the order is called off.")
        execute("UPDATE promotions_groupplace SET state = 'paid' WHERE id = %s", [place_id])


def leave_places(order_ids: Collection[int]) -> None:
    """The orders are called off: their places are free again while the group is open. Two statements at most."""
    left = fetch_all(
        """UPDATE promotions_groupplace p SET state = 'left', is_settled = true FROM promotions_groupplace o
           WHERE o.id = p.id AND p.order_id = ANY(%s::bigint[]) AND p.state <> 'left'
           RETURNING p.group_id, o.state = 'paid'""",
        [whole_numbers(sorted(order_ids))],
    )
    if left:
        execute(
            """UPDATE promotions_group g SET taken = g.taken - k.places, paid = g.paid - k.paid
               FROM (SELECT group_id, count(*) AS places, count(*) FILTER (WHERE was_paid) AS paid
                     FROM unnest(%s::bigint[], %s::bool[]) AS n(group_id, was_paid) GROUP BY 1) k
               WHERE g.id = k.group_id AND g.state IN ('waiting', 'open')""",
            [[row[0] for row in left], [row[1] for row in left]],
        )


def end_groups(*, now: datetime) -> int:
    """Close the groups whose time is over, and those whose leader never paid; how many. One statement."""
    return len(
        fetch_all(
            """UPDATE promotions_group g SET state = 'expired', ended_at = %s
               WHERE (g.state = 'open' AND g.expires_at <= %s)
                  OR (g.state = 'waiting' AND g.taken = 0 AND g.opened_at <= %s) RETURNING g.id""",
            [now, now, now - FORGOTTEN],
        )
    )


def unsettled(state: str) -> list[int]:
    """Orders of groups in ``state`` (formed or expired) for which something is left to do, at most 500; ascending."""
    return [
        order_id
        for (order_id,) in fetch_all(
            """SELECT p.order_id FROM promotions_groupplace p JOIN promotions_group g ON g.id = p.group_id
               WHERE NOT p.is_settled AND g.state = %s ORDER BY p.order_id LIMIT %s""",
            [state, _AT_ONCE],
        )
    ]


def settle_places(order_ids: Collection[int]) -> None:
    """Nothing is left to do for the places of these orders. One statement."""
    execute(
        "UPDATE promotions_groupplace SET is_settled = true WHERE order_id = ANY(%s::bigint[])",
        [whole_numbers(sorted(order_ids))],
    )
