"""Making batches of coupons. Here codes are numbers; ``promotions.codes`` spells them when somebody needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F
from procrastinate.contrib.django import app

from tongpan.access.actions import audit
from tongpan.core.bulk import execute, fetch_all, whole_numbers
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.promotions.codes import LENGTH, NUMBERS, tidy
from tongpan.promotions.models import BatchKind, BatchTarget, CouponBatch, Draft, RulebookVersion

TASK = "promotions.make_coupons"
AT_ONCE = 20_000
"""Coupons stored by one transaction."""
MOST = 5_000_000
"""Coupons of one batch."""
_WORD = re.compile(r"[A-Z0-9]{3,40}")


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """A batch to make; fields as in ``CouponBatch``. customers: customer ids it is meant for, empty for everybody."""

    name: str
    rule: str
    valid_from: datetime
    valid_until: datetime | None = None
    word: str = ""
    count: int | None = None
    per_customer: int | None = None
    days_after_claim: int | None = None
    segment: str = ""
    customers: Sequence[int] = ()


def create_batch(spec: BatchSpec, *, actor: str, now: datetime) -> CouponBatch:
    """A new batch. Of one with a code for each use the range of numbers is taken; ``make_coupons`` stores them.

    Locks the space of codes. Raises Refusal coupon.batch, coupon.rule, coupon.word or coupon.space.
    """
    _check(spec)
    word = tidy(spec.word) or None

    def work() -> CouponBatch:
        _check_rule(spec.rule)
        first = None if word else _take_numbers(spec.count or 0)
        if word and CouponBatch.objects.filter(word=word).exists():
            raise Refusal("coupon.word", f"There is a coupon {word} already.")
        batch = CouponBatch.objects.create(
            name=spec.name.strip(),
            rule=spec.rule,
            kind=BatchKind.PUBLIC if word else BatchKind.UNIQUE,
            word=word,
            count=spec.count,
            first_number=first,
            per_customer=spec.per_customer,
            segment=spec.segment.strip(),
            has_targets=bool(spec.customers),
            valid_from=spec.valid_from,
            valid_until=spec.valid_until,
            days_after_claim=spec.days_after_claim,
            created_by=actor,
            created_at=now,
        )
        BatchTarget.objects.bulk_create(
            [BatchTarget(batch=batch, customer_id=customer) for customer in sorted(set(spec.customers))], 5000
        )
        told = {"rule": spec.rule, "count": spec.count, "word": word}
        audit(actor, "coupons.batch_made", "coupon_batch", str(batch.pk), told, now=now)
        return batch

    return run_in_transaction(work, constraints=("promotions_couponbatch_word_key",))


def ask_for_batch(spec: BatchSpec, *, actor: str, now: datetime) -> CouponBatch:
    """``create_batch``, and a job that makes its coupons."""

    def work() -> CouponBatch:
        batch = create_batch(spec, actor=actor, now=now)
        if batch.kind == BatchKind.UNIQUE:
            key = f"{TASK}-{batch.pk}"
            app.configure_task(TASK, queueing_lock=key, lock=key).defer(batch_id=batch.pk)
        return batch

    return run_in_transaction(work)


def make_coupons(batch_id: int, *, progress: Callable[[int, int], None] | None = None) -> int:
    """Store the coupons of a batch that are not stored yet; how many. It goes on where an earlier run ended.

    ``AT_ONCE`` a transaction, each with the batch locked, so that two that run at once share the work. progress:
    called with (made, count) after each. Raises Refusal("coupon.batch").
    """
    stored = 0
    while True:

        def work() -> tuple[int, int, int]:
            made, count, first = _locked(batch_id)
            more = min(AT_ONCE, count - made)
            if more:
                execute(
                    """INSERT INTO promotions_coupon (batch_id, number, state)
                       SELECT %s, n, 'issued' FROM generate_series(%s::bigint, %s::bigint) n""",
                    [batch_id, first + made, first + made + more - 1],
                )
                execute("UPDATE promotions_couponbatch SET made = made + %s WHERE id = %s", [more, batch_id])
            return more, made + more, count

        more, made, count = run_in_transaction(work)
        if not more:
            return stored
        stored += more
        if progress:
            progress(made, count)


def void_unissued(batch_id: int, *, actor: str, now: datetime) -> int:
    """Void the coupons of a batch that nobody has claimed; how many. Those that people hold stay good.

    Locks the batch. Raises Refusal("coupon.batch") or Refusal("coupon.unfinished").
    """

    def work() -> int:
        made, count, _ = _locked(batch_id)
        if made < count:
            raise Refusal("coupon.unfinished", f"The coupons are being made, {made} of {count}; wait until all are.")
        voided = execute(
            "UPDATE promotions_coupon SET state = 'void' WHERE batch_id = %s AND state = 'issued'", [batch_id]
        )
        audit(actor, "coupons.voided", "coupon_batch", str(batch_id), {"count": voided}, now=now)
        return voided

    return run_in_transaction(work)


def stop_batch(batch_id: int, *, is_stopped: bool, actor: str, now: datetime) -> None:
    """Stop a batch: nothing more of it is claimed or used; or let it go on. Raises Refusal("coupon.batch")."""

    def work() -> None:
        if not CouponBatch.objects.filter(pk=batch_id).update(is_stopped=is_stopped):
            raise Refusal("coupon.batch", f"There is no batch {batch_id} of coupons.")
        done = "coupons.stopped" if is_stopped else "coupons.resumed"
        audit(actor, done, "coupon_batch", str(batch_id), now=now)

    run_in_transaction(work)


def add_targets(batch_id: int, customers: Sequence[int], *, actor: str, now: datetime) -> int:
    """Let a batch be meant for these customers (ids) as well; how many it was not meant for before.

    Raises Refusal("coupon.batch").
    """

    def work() -> int:
        if not CouponBatch.objects.filter(pk=batch_id).update(has_targets=True, made=F("made")):
            raise Refusal("coupon.batch", f"There is no batch {batch_id} of coupons.")
        added = execute(
            """INSERT INTO promotions_batchtarget (batch_id, customer_id)
               SELECT %s, id FROM customers_customer WHERE id = ANY(%s::bigint[]) ON CONFLICT DO NOTHING""",
            [batch_id, whole_numbers(sorted(set(customers)))],
        )
        audit(actor, "coupons.targeted", "coupon_batch", str(batch_id), {"count": added}, now=now)
        return added

    return run_in_transaction(work)


def _check(spec: BatchSpec) -> None:
    def refuse(sentence: str) -> None:
        raise Refusal("coupon.batch", sentence)

    text = spec.name + spec.rule + spec.segment + spec.word
    if not spec.name.strip() or len(spec.name) > 80 or len(spec.segment) > 60 or "\x00" in text:
        refuse("A batch has a name of 1 to 80 characters; a segment has at most 60.")
    if spec.valid_until is not None and spec.valid_until <= spec.valid_from:
        refuse("The coupons would end before they begin; say a later end.")
    if spec.days_after_claim is not None and not 0 < spec.days_after_claim <= 3660:
        refuse("Coupons are good for 1 to 3660 days after their claim.")
    if spec.per_customer is not None and not 0 < spec.per_customer <= 10_000:
        refuse("One customer may have 1 to 10,000 of them.")
    if spec.word:
        word = tidy(spec.word)
        if not _WORD.fullmatch(word):
            raise Refusal("coupon.word", "A public code has 3 to 40 letters A to Z and digits.")
        if len(word) == LENGTH:
            raise Refusal("coupon.word", f"{LENGTH} characters are a code for one use; take more or fewer.")
        if spec.count is not None and not 0 < spec.count <= NUMBERS:
            refuse("A public code can be used at least once.")
    elif spec.count is None or not 0 < spec.count <= MOST:
        refuse(f"A batch has 1 to {MOST:,} codes.")


def _check_rule(code: str) -> None:
    documents = [draft.document for draft in Draft.objects.all()]
    if newest := RulebookVersion.objects.first():
        documents.append(newest.document)
    found = [rule for document in documents for rule in document["rules"] if rule.get("code") == code]
    if not found:
        raise Refusal("coupon.rule", f"Neither the rulebook nor a draft of it has a rule {code!r}.")
    if not any(rule.get("needs_coupon") for rule in found):
        raise Refusal("coupon.rule", f'The rule {code} counts without a coupon; say "needs_coupon" in it.')


def _take_numbers(count: int) -> int:
    """The first of ``count`` numbers that no other batch has. Locks the space."""
    execute("INSERT INTO promotions_codespace (id, next_number) VALUES (1, 0) ON CONFLICT DO NOTHING")
    rows = fetch_all(
        """UPDATE promotions_codespace SET next_number = next_number + %s
           WHERE next_number + %s <= %s RETURNING next_number""",
        [count, count, NUMBERS],
    )
    if not rows:
        raise Refusal("coupon.space", f"There are not {count:,} codes left of {NUMBERS:,}.")
    return int(rows[0][0]) - count


def _locked(batch_id: int) -> tuple[int, int, int]:
    """(made, count, first number) of a batch with a code for each use, locked."""
    rows = fetch_all(
        """SELECT made, count, first_number FROM promotions_couponbatch
           WHERE id = %s AND kind = 'unique' FOR NO KEY UPDATE""",
        [batch_id],
    )
    if not rows:
        raise Refusal("coupon.batch", f"There is no batch {batch_id} with a code for each use.")
    return rows[0]
