"""What becomes of a coupon: issued → claimed → locked by an order or a till → used, and back when that is cancelled.

Every arrow is one guarded UPDATE, so that of many who ask for one coupon at once one gets it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.promotions.actions.counters import Want, give_back, take
from tongpan.promotions.coupons import Found, Presented, check_attempts, coder, look_up, note_failures, refuse

_EXPIRES = """CASE WHEN b.days_after_claim IS NULL THEN b.valid_until
                   ELSE least(%(now)s + make_interval(days => b.days_after_claim), b.valid_until) END"""


def claim(batch_id: int, customers: Sequence[int], *, source: str = "", now: datetime) -> dict[int, str]:
    """Give each of ``customers`` (ids) a coupon of the batch; their codes by customer.

    Who has as many as one may have, or for whom the batch is not meant, is left out; so are those for whom none is
    left. source: where it is claimed. Locks the coupons taken, passing over those that others are taking. Raises
    Refusal coupon.batch, coupon.stopped or coupon.expired.
    """

    def work() -> dict[int, str]:
        rows = fetch_all(
            """SELECT is_stopped, valid_until <= %s, per_customer, has_targets FROM promotions_couponbatch
               WHERE id = %s AND kind = 'unique'""",
            [now, batch_id],
        )
        if not rows:
            raise Refusal("coupon.batch", f"There is no batch {batch_id} with a code for each use.")
        is_stopped, is_over, per_customer, has_targets = rows[0]
        if is_stopped or is_over:
            raise Refusal("coupon.stopped" if is_stopped else "coupon.expired", "These coupons are given out no more.")
        entitled = sorted(set(customers))
        if has_targets:
            entitled = [
                customer
                for (customer,) in fetch_all(
                    """SELECT customer_id FROM promotions_batchtarget
                       WHERE batch_id = %s AND customer_id = ANY(%s::bigint[]) ORDER BY customer_id""",
                    [batch_id, whole_numbers(entitled)],
                )
            ]
        if per_customer is not None:
            wants = [Want(_claims(batch_id, customer), 1, per_customer) for customer in entitled]
            full = set(take(wants))
            entitled = [customer for customer in entitled if _claims(batch_id, customer) not in full]
        given = fetch_all(
            f"""WITH free AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM (
                        SELECT id FROM promotions_coupon WHERE batch_id = %(batch)s AND state = 'issued'
                        ORDER BY id LIMIT %(count)s FOR UPDATE SKIP LOCKED) f),
                     want AS (SELECT customer_id, n FROM unnest(%(customers)s::bigint[]) WITH ORDINALITY
                              AS w(customer_id, n))
                UPDATE promotions_coupon c SET state = 'claimed', customer_id = w.customer_id, claimed_at = %(now)s,
                       source = %(source)s, expires_at = {_EXPIRES}
                FROM free f JOIN want w USING (n), promotions_couponbatch b
                WHERE c.id = f.id AND b.id = c.batch_id RETURNING w.customer_id, c.number""",
            {
                "batch": batch_id,
                "count": len(entitled),
                "customers": whole_numbers(entitled),
                "now": now,
                "source": source[:60],
            },
        )
        codes = {customer: coder().code(number) for customer, number in given}
        if per_customer is not None:
            give_back({_claims(batch_id, customer): 1 for customer in entitled if customer not in codes})
        return codes

    return run_in_transaction(work)


def claim_code(code: str, customer_id: int, *, source: str = "", now: datetime) -> Found:
    """Let a customer take the coupon whose code is known, as from a flyer.

    Raises Refusal coupon.* as ``look_up`` finds it, coupon.taken, coupon.enough when one customer may have no more, or
    coupon.too_many after many wrong codes.
    """
    who = [f"customer:{customer_id}", *([f"source:{source}"] if source else [])]
    check_attempts(who, now=now)
    (found,) = look_up([Presented(code, customer_id)], now=now)
    if found.problem == "targeted" and found.coupon_id is None:
        raise refuse(found)
    if found.problem:
        note_failures([found], who, now=now)
        raise refuse(found)
    if found.coupon_id is None:
        raise Refusal("coupon.public", f"{found.code} is for everybody; name it when you order.")
    if found.state != "issued":
        return found

    def work() -> None:
        limits = fetch_all("SELECT per_customer FROM promotions_couponbatch WHERE id = %s", [found.batch_id])
        key = _claims(found.batch_id, customer_id)
        if limits[0][0] is not None and take([Want(key, 1, limits[0][0])]):
            raise Refusal("coupon.enough", f"One customer may have {limits[0][0]} of these coupons.")
        taken = execute(
            f"""UPDATE promotions_coupon c SET state = 'claimed', customer_id = %(customer)s, claimed_at = %(now)s,
                       source = %(source)s, expires_at = {_EXPIRES}
                FROM promotions_couponbatch b WHERE c.id = %(coupon)s AND b.id = c.batch_id AND c.state = 'issued'""",
            {"customer": customer_id, "now": now, "source": source[:60], "coupon": found.coupon_id},
        )
        if not taken:
            raise Refusal("coupon.taken", f"Somebody else has just taken coupon {found.code}.")

    run_in_transaction(work)
    return found


def lock_coupons(
    found: Sequence[Found],
    *,
    customer_id: int | None,
    order_id: int | None = None,
    reference: str = "",
    now: datetime,
) -> None:
    """Let an order (or a till, by ``reference``) hold these coupons, all or none, in the transaction of the caller.

    A coupon that nobody claimed is claimed by the way. Of a public code a use is booked. At most four statements.
    Raises Refusal("coupon.taken") when another order was faster, or Refusal("coupon.spent").
    """
    own = sorted(one.coupon_id for one in found if one.coupon_id is not None)
    public = [one for one in found if one.coupon_id is None]
    if own:
        taken = fetch_all(
            """WITH l AS MATERIALIZED (SELECT id FROM promotions_coupon WHERE id = ANY(%(ids)s::bigint[])
                                       ORDER BY id FOR NO KEY UPDATE)
               UPDATE promotions_coupon c SET state = 'locked', order_id = %(order)s, reference = %(reference)s,
                      locked_at = %(now)s, customer_id = coalesce(c.customer_id, %(customer)s)
               FROM l WHERE c.id = l.id AND c.state IN ('issued', 'claimed')
                 AND (c.customer_id IS NULL OR c.customer_id = %(customer)s)
                 AND (c.expires_at IS NULL OR c.expires_at > %(now)s) RETURNING c.id""",
            {
                "ids": whole_numbers(own),
                "order": order_id,
                "reference": reference,
                "now": now,
                "customer": customer_id,
            },
        )
        if missing := set(own) - {coupon for (coupon,) in taken}:
            code = next(one.code for one in found if one.coupon_id in missing)
            raise Refusal("coupon.taken", f"Coupon {code} was taken by another order meanwhile.")
    if public:
        _book_public(public, customer_id, order_id, reference, now)


def _book_public(
    public: Sequence[Found], customer_id: int | None, order_id: int | None, reference: str, now: datetime
) -> None:
    wants = [Want(_uses(one.batch_id), 1, one.count) for one in public]
    wants += [
        Want(_uses(one.batch_id, customer_id), 1, one.per_customer)
        for one in public
        if customer_id is not None and one.per_customer is not None
    ]
    if full := take(wants):
        code = next(one.code for one in public if full[0].startswith(_uses(one.batch_id)))
        raise Refusal("coupon.spent", f"Coupon {code} was used as often as it may be.")
    execute(
        """INSERT INTO promotions_coupon (batch_id, state, customer_id, order_id, reference, locked_at)
           SELECT b, 'locked', %s, %s, %s, %s FROM unnest(%s::bigint[]) b""",
        [customer_id, order_id, reference, now, whole_numbers(one.batch_id for one in public)],
    )


def use_coupons(order_ids: Collection[int] = (), *, references: Collection[str] = (), now: datetime) -> int:
    """The orders are paid, or the tills have rung: what they hold is used; how many coupons. One statement."""
    return execute(
        """UPDATE promotions_coupon SET state = 'used', used_at = %s
           WHERE state = 'locked' AND (order_id = ANY(%s::bigint[]) OR reference = ANY(%s::text[]))""",
        [now, whole_numbers(sorted(order_ids)), sorted(references)],
    )


def release_coupons(order_ids: Collection[int] = (), *, references: Collection[str] = (), with_used: bool) -> int:
    """Give back what these orders or tills hold; how many coupons. with_used: also what they have used.

    Who had claimed a coupon has it again; one that nobody had claimed can be taken by anybody; a use of a public code
    is taken back. In the transaction of the caller, at most three statements.
    """
    states = ["locked", "used"] if with_used else ["locked"]
    found = {"orders": whole_numbers(sorted(order_ids)), "references": sorted(references), "states": states}
    released = execute(
        """UPDATE promotions_coupon SET state = CASE WHEN claimed_at IS NULL THEN 'issued' ELSE 'claimed' END,
                  customer_id = CASE WHEN claimed_at IS NULL THEN NULL ELSE customer_id END,
                  order_id = NULL, reference = '', locked_at = NULL, used_at = NULL
           WHERE number IS NOT NULL AND state = ANY(%(states)s::text[])
             AND (order_id = ANY(%(orders)s::bigint[]) OR reference = ANY(%(references)s::text[]))""",
        found,
    )
    public = fetch_all(
        """DELETE FROM promotions_coupon c USING promotions_couponbatch b
           WHERE b.id = c.batch_id AND c.number IS NULL AND c.state = ANY(%(states)s::text[])
             AND (c.order_id = ANY(%(orders)s::bigint[]) OR c.reference = ANY(%(references)s::text[]))
           RETURNING c.batch_id, c.customer_id, b.per_customer""",
        found,
    )
    back: dict[str, int] = {}
    for batch_id, customer_id, per_customer in public:
        back[_uses(batch_id)] = back.get(_uses(batch_id), 0) + 1
        if customer_id is not None and per_customer is not None:
            key = _uses(batch_id, customer_id)
            back[key] = back.get(key, 0) + 1
    give_back(back)
    return released + len(public)


def lock_at_till(code: str, reference: str, *, customer_id: int | None, source: str, now: datetime) -> Found:
    """Let a till of a store hold a coupon for the sale ``reference``; ``use_coupons`` when it is rung up.

    A till that asks again gets the same answer. Raises Refusal coupon.*, or coupon.reference.
    """
    if not reference or len(reference) > 120 or "\x00" in reference:
        raise Refusal("coupon.reference", "Name the sale by 1 to 120 characters.")
    who = [f"source:{source}", *([f"customer:{customer_id}"] if customer_id is not None else [])]
    check_attempts(who, now=now)
    (found,) = look_up([Presented(code, customer_id)], now=now)
    if found.problem == "locked" and _is_held(found, reference):
        return found
    if found.problem:
        note_failures([found], who, now=now)
        raise refuse(found)
    run_in_transaction(lambda: lock_coupons([found], customer_id=customer_id, reference=reference, now=now))
    return found


def _is_held(found: Found, reference: str) -> bool:
    return bool(
        fetch_all("SELECT 1 FROM promotions_coupon WHERE id = %s AND reference = %s", [found.coupon_id, reference])
    )


def _claims(batch_id: int, customer_id: int) -> str:
    return f"batch:{batch_id}:claims/{customer_id}"


def _uses(batch_id: int, customer_id: int | None = None) -> str:
    return f"batch:{batch_id}:uses" if customer_id is None else f"batch:{batch_id}:uses/{customer_id}"
