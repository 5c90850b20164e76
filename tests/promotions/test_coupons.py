"""Coupons: made by batch, claimed, held by an order, used, and given back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify
from tongpan.promotions.actions import save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons, stop_batch, void_unissued
from tongpan.promotions.actions.claiming import (
    claim,
    claim_code,
    lock_at_till,
    lock_coupons,
    release_coupons,
    use_coupons,
)
from tongpan.promotions.coupons import MOST_FAILURES, Presented, coder, look_up
from tongpan.promotions.models import Counter, Coupon, CouponBatch, CouponState

NOW = datetime(2026, 11, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
WHO = {"actor": "wang", "now": NOW}
COUPON_RULE = {
    "code": "fifty",
    "kind": "amount",
    "scope": {"all": True},
    "benefit": {"amount_minor": 5000},
    "needs_coupon": True,
}

pytestmark = pytest.mark.django_db


def refused(code):
    return pytest.RaisesExc(Refusal, check=lambda refusal: refusal.code == code)


@pytest.fixture(autouse=True)
def rule(db):
    save_draft("autumn", {"rules": [COUPON_RULE]}, **WHO)


def batch_of(count: int = 10, **more) -> CouponBatch:
    spec = BatchSpec(**({"name": "Autumn", "rule": "fifty", "valid_from": NOW, "count": count} | more))
    batch = create_batch(spec, **WHO)
    if not spec.word:
        make_coupons(batch.pk)
    batch.refresh_from_db()
    return batch


def buyers(*names: str) -> list[int]:
    return identify([Sighting("phone", "company", name, NOW) for name in names])


def code_of(batch: CouponBatch, at: int = 0) -> str:
    return coder().code(batch.first_number + at)


def states(batch: CouponBatch) -> dict[str, int]:
    return dict(
        fetch_all("SELECT state, count(*) FROM promotions_coupon WHERE batch_id = %s GROUP BY state", [batch.pk])
    )


def found(code: str, customer: int | None = None, *, now=NOW, segments=frozenset()):
    return look_up([Presented(code, customer, segments)], now=now)[0]


def test_batches_take_ranges_of_numbers_that_no_other_has():
    first, second = batch_of(10), batch_of(5)

    assert second.first_number == first.first_number + 10
    assert (first.made, second.made) == (10, 5)
    assert Coupon.objects.count() == 15


def test_making_goes_on_where_it_ended(monkeypatch):
    monkeypatch.setattr("tongpan.promotions.actions.batches.AT_ONCE", 4)
    batch = create_batch(BatchSpec("Autumn", "fifty", NOW, count=10), **WHO)
    told = []

    class Enough(Exception):
        pass

    def progress(made, count):
        told.append((made, count))
        if made == 8:
            raise Enough

    with pytest.raises(Enough):
        make_coupons(batch.pk, progress=progress)
    assert make_coupons(batch.pk) == 2
    assert make_coupons(batch.pk) == 0

    assert told == [(4, 10), (8, 10)]
    assert states(batch) == {"issued": 10}


def test_a_mistyped_code_is_refused_without_a_query(django_assert_num_queries):
    batch = batch_of(1)
    good = code_of(batch)
    mistyped = ("A" if good[0] != "A" else "B") + good[1:]

    with django_assert_num_queries(0):
        assert found(mistyped).problem == "unknown"
    assert found(good).problem == ""


def test_a_claim_gives_each_customer_a_code_of_his_own_and_no_more_than_he_may_have():
    batch = batch_of(3, per_customer=1)
    ann, bob = buyers("ann", "bob")

    codes = claim(batch.pk, [ann, bob], source="own", now=NOW)
    again = claim(batch.pk, [ann, bob], now=NOW)

    assert set(codes) == {ann, bob}
    assert again == {}
    assert states(batch) == {"issued": 1, "claimed": 2}
    assert found(codes[ann], bob).problem == "foreign"
    assert found(codes[ann], ann).problem == ""


def test_who_comes_when_none_is_left_may_claim_later():
    batch = batch_of(1, per_customer=1)
    ann, bob = buyers("ann", "bob")
    claim(batch.pk, [ann, bob], now=NOW)

    left = dict(Counter.objects.values_list("key", "used"))

    assert sorted(left) == sorted(f"batch:{batch.pk}:claims/{one}" for one in (ann, bob))
    assert sorted(left.values()) == [0, 1]


def test_a_targeted_coupon_is_for_its_customers_only():
    ann, bob, cid = buyers("ann", "bob", "cid")
    batch = batch_of(5, customers=[ann, cid])
    word = batch_of(word="vip-50", count=None, segment="vip")

    assert set(claim(batch.pk, [ann, bob], now=NOW)) == {ann}
    with refused("coupon.targeted"):
        claim_code(code_of(batch, 4), bob, now=NOW)
    assert found("VIP50", bob).problem == "targeted"
    assert found("vip 50", bob, segments=frozenset({"vip"})).problem == ""
    assert found(word.word, None).problem == "targeted"


def test_a_coupon_is_good_for_so_many_days_after_its_claim():
    batch = batch_of(2, days_after_claim=7, valid_until=NOW + 10 * DAY)
    (ann,) = buyers("ann")
    code = claim(batch.pk, [ann], now=NOW)[ann]

    assert found(code, ann, now=NOW + 7 * DAY - timedelta(microseconds=1)).problem == ""
    assert found(code, ann, now=NOW + 7 * DAY).problem == "expired"
    late = claim(batch.pk, [ann], now=NOW + 8 * DAY)[ann]
    assert found(late, ann, now=NOW + 10 * DAY).problem == "expired"
    assert found(code_of(batch), ann, now=NOW - DAY).problem == "early"


def test_an_order_holds_a_coupon_and_uses_it_or_gives_it_back():
    batch = batch_of(2)
    (ann,) = buyers("ann")
    code = claim(batch.pk, [ann], now=NOW)[ann]

    lock_coupons([found(code, ann)], customer_id=ann, order_id=7, now=NOW)
    assert found(code, ann).problem == "locked"
    assert look_up([Presented(code, ann)], now=NOW, order_id=7)[0].problem == ""
    assert release_coupons([7], with_used=False) == 1
    assert found(code, ann).problem == ""

    lock_coupons([found(code, ann)], customer_id=ann, order_id=8, now=NOW)
    assert use_coupons([8], now=NOW) == 1
    assert found(code, ann).problem == "used"
    assert release_coupons([8], with_used=False) == 0
    assert release_coupons([8], with_used=True) == 1
    assert Coupon.objects.get(customer_id=ann).state == CouponState.CLAIMED


def test_a_coupon_on_paper_that_an_order_gave_back_is_anybodys_again():
    batch = batch_of(1)
    ann, bob = buyers("ann", "bob")
    lock_coupons([found(code_of(batch), ann)], customer_id=ann, order_id=7, now=NOW)

    release_coupons([7], with_used=False)

    assert found(code_of(batch), bob).problem == ""
    assert states(batch) == {"issued": 1}


def test_a_public_code_counts_its_uses_and_those_of_a_customer():
    batch = batch_of(word="GO618", count=2, per_customer=1)
    ann, bob, cid = buyers("ann", "bob", "cid")

    lock_coupons([found("go-618", ann)], customer_id=ann, order_id=1, now=NOW)
    with refused("coupon.spent"):
        run_in_transaction(lambda: lock_coupons([found("GO618", ann)], customer_id=ann, order_id=2, now=NOW))
    lock_coupons([found("GO618", bob)], customer_id=bob, order_id=3, now=NOW)
    assert found("GO618", cid).problem == "spent"
    release_coupons([1], with_used=False)
    lock_coupons([found("GO618", cid)], customer_id=cid, order_id=4, now=NOW)

    assert sorted(Coupon.objects.values_list("order_id", flat=True)) == [3, 4]
    assert Counter.objects.get(key=f"batch:{batch.pk}:uses").used == 2


def test_what_is_taken_online_is_used_at_the_till_of_a_store():
    batch = batch_of(1)
    (ann,) = buyers("ann")
    code = claim(batch.pk, [ann], source="own", now=NOW)[ann]

    lock_at_till(code, "store-1:0042", customer_id=ann, source="store-1", now=NOW)
    again = lock_at_till(code, "store-1:0042", customer_id=ann, source="store-1", now=NOW)
    with refused("coupon.locked"):
        lock_at_till(code, "store-1:0043", customer_id=ann, source="store-1", now=NOW)
    use_coupons(references=["store-1:0042"], now=NOW)

    assert again.problem == "locked"
    assert states(batch) == {"used": 1}


def test_voiding_leaves_those_that_people_hold():
    batch = batch_of(5)
    (ann,) = buyers("ann")
    code = claim(batch.pk, [ann], now=NOW)[ann]

    assert void_unissued(batch.pk, **WHO) == 4

    assert states(batch) == {"claimed": 1, "void": 4}
    assert found(code, ann).problem == ""
    assert found(code_of(batch, 4)).problem == "void"
    assert claim(batch.pk, [ann], now=NOW) == {}


def test_a_stopped_batch_gives_nothing():
    batch = batch_of(5)
    (ann,) = buyers("ann")
    stop_batch(batch.pk, is_stopped=True, **WHO)

    assert found(code_of(batch)).problem == "stopped"
    with refused("coupon.stopped"):
        claim(batch.pk, [ann], now=NOW)
    stop_batch(batch.pk, is_stopped=False, **WHO)
    assert found(code_of(batch)).problem == ""


def test_who_names_too_many_wrong_codes_must_wait():
    batch = batch_of(2)
    ann, bob = buyers("ann", "bob")
    held = claim(batch.pk, [bob], now=NOW)[bob]
    for _ in range(MOST_FAILURES // 2):
        with refused("coupon.foreign"):
            claim_code(held, ann, source="own", now=NOW)
        with refused("coupon.unknown"):
            claim_code("AAAAAAAAAAB", ann, source="own", now=NOW)

    for who in (ann, bob):
        with refused("coupon.too_many"):
            claim_code(code_of(batch, 1), who, source="own", now=NOW)
    assert claim_code(code_of(batch, 1), bob, source="tmall", now=NOW).rule == "fifty"
    assert claim_code(held, bob, source="own", now=NOW + timedelta(minutes=11)).state == "claimed"


def test_a_batch_needs_a_rule_that_a_coupon_opens():
    plain = {key: value for key, value in COUPON_RULE.items() if key != "needs_coupon"}
    save_draft("autumn", {"rules": [plain]}, **WHO)

    for rule in ("fifty", "none"):
        with refused("coupon.rule"):
            create_batch(BatchSpec("Autumn", rule, NOW, count=1), **WHO)

    assert not CouponBatch.objects.exists()


def test_batches_that_cannot_be_are_refused():
    for wrong in (
        {"count": 0},
        {"count": None},
        {"count": 5_000_001},
        {"valid_until": NOW},
        {"name": ""},
        {"per_customer": 0},
        {"days_after_claim": 0},
    ):
        with refused("coupon.batch"):
            batch_of(**wrong)
    for word in ("a", "ÄÖÜ", coder().code(5)):
        with refused("coupon.word"):
            batch_of(word=word, count=None)
    batch_of(word="GO618", count=None)
    with refused("coupon.word"):
        batch_of(word="go 618", count=None)

    assert CouponBatch.objects.count() == 1
