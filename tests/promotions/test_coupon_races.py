"""Many ask for one coupon at the same moment, from processes of their own: one gets it."""

from __future__ import annotations

import pytest
from tests.support.processes import run_together

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify
from tongpan.promotions.actions import save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
from tongpan.promotions.actions.claiming import claim, claim_code, lock_coupons
from tongpan.promotions.actions.counters import Want, take
from tongpan.promotions.coupons import Presented, coder, look_up

from .test_coupons import COUPON_RULE, NOW, WHO

pytestmark = pytest.mark.usefixtures("live_company")
PROCESSES = 8
EACH = 8


def _batch(**more):
    save_draft("autumn", {"rules": [COUPON_RULE]}, **WHO)
    batch = create_batch(BatchSpec("Autumn", "fifty", NOW, **({"count": 1} | more)), **WHO)
    if not more.get("word"):
        make_coupons(batch.pk)
    return batch


def _outcomes(attempt):
    """What became of ``PROCESSES * EACH`` attempts made at once; attempt(n) gives a word or raises Refusal."""

    def some(process):
        told = []
        for n in range(EACH):
            try:
                told.append(attempt(process * EACH + n))
            except Refusal as refusal:
                told.append(refusal.code)
        return told

    results = run_together([lambda process=process: some(process) for process in range(PROCESSES)])
    return [one for told in results for one in told]


def test_one_code_asked_for_64_times_is_held_by_one_order():
    batch = _batch()
    code = coder().code(batch.first_number)

    def attempt(n):
        (found,) = look_up([Presented(code)], now=NOW)
        if found.problem:
            return found.problem
        run_in_transaction(lambda: lock_coupons([found], customer_id=None, order_id=n + 1, now=NOW))
        return "held"

    outcomes = _outcomes(attempt)

    assert outcomes.count("held") == 1
    assert set(outcomes) <= {"held", "locked", "coupon.taken"}
    assert fetch_all("SELECT count(*) FROM promotions_coupon WHERE state = 'locked'") == [(1,)]


def test_one_coupon_claimed_by_64_customers_is_given_to_one():
    batch = _batch()
    customers = identify([Sighting("phone", "company", f"c{n}", NOW) for n in range(PROCESSES * EACH)])
    code = coder().code(batch.first_number)

    def attempt(n):
        if n % 2:
            return "given" if claim(batch.pk, [customers[n]], now=NOW) else "none left"
        claim_code(code, customers[n], now=NOW)
        return "given"

    outcomes = _outcomes(attempt)

    assert outcomes.count("given") == 1
    assert set(outcomes) <= {"given", "none left", "coupon.taken", "coupon.foreign"}


def test_one_customer_who_claims_64_times_at_once_gets_what_he_may_have():
    batch = _batch(count=100, per_customer=3)
    (ann,) = identify([Sighting("phone", "company", "ann", NOW)])

    outcomes = _outcomes(lambda n: len(claim(batch.pk, [ann], now=NOW)))

    assert sum(outcomes) == 3
    assert fetch_all("SELECT count(*) FROM promotions_coupon WHERE customer_id = %s", [ann]) == [(3,)]


def test_a_budget_is_spent_by_as_many_as_fit_and_never_exceeded():
    def attempt(n):
        def work():
            if take([Want("ten:money", 999, 100_000), Want(f"ten:uses/{n}", 1, None)]):
                raise Refusal("spent", "Spent.")
            return "taken"

        return run_in_transaction(work)

    outcomes = [one for _ in range(4) for one in _outcomes(attempt)]

    assert outcomes.count("taken") == 100
    assert fetch_all("SELECT used FROM promotions_counter WHERE key = 'ten:money'") == [(99_900,)]
