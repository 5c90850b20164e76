"""Reads of coupons: batches with what became of their codes, coupons one by one, the space of codes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.promotions.codes import LENGTH, Space, tidy
from tongpan.promotions.coupons import coder
from tongpan.promotions.models import Coupon, CouponBatch


@dataclass(frozen=True, slots=True)
class Counts:
    """How many coupons of a batch are in each state."""

    issued: int = 0
    claimed: int = 0
    locked: int = 0
    used: int = 0
    void: int = 0

    @property
    def out(self) -> int:
        """Those that somebody has or had."""
        return self.claimed + self.locked + self.used


def select_batches(text: str = "", *, state: str = "") -> QuerySet[CouponBatch]:
    """Batches by part of their name, their rule or their public code. state: "open", "stopped", "making" or ""."""
    batches = CouponBatch.objects.all()
    if text:
        batches = batches.filter(Q(name__icontains=text) | Q(rule__icontains=text) | Q(word=tidy(text)))
    if state == "stopped":
        batches = batches.filter(is_stopped=True)
    elif state == "open":
        batches = batches.filter(is_stopped=False)
    elif state == "making":
        batches = batches.extra(where=["kind = 'unique' AND made < count"])
    return batches


def batch_of(batch_id: int) -> CouponBatch:
    """One batch. Raises Refusal("coupon.batch")."""
    batch = CouponBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise Refusal("coupon.batch", f"There is no batch {batch_id} of coupons.")
    return batch


def counts_of(batch_ids: Sequence[int]) -> dict[int, Counts]:
    """The states of the coupons of each batch. One statement."""
    found: dict[int, dict[str, int]] = {batch_id: {} for batch_id in batch_ids}
    for batch_id, state, count in fetch_all(
        "SELECT batch_id, state, count(*) FROM promotions_coupon WHERE batch_id = ANY(%s) GROUP BY batch_id, state",
        [list(batch_ids)],
    ):
        found[batch_id][state] = count
    return {batch_id: Counts(**states) for batch_id, states in found.items()}


def select_coupons(batch_id: int, *, state: str = "", text: str = "", sees_customers: bool = False) -> QuerySet[Coupon]:
    """Coupons of a batch. text: a whole code, or, for who sees_customers, a customer number."""
    coupons = Coupon.objects.filter(batch_id=batch_id).select_related("customer")
    if state:
        coupons = coupons.filter(state=state)
    if text:
        code = tidy(text)
        number = coder().number(code) if len(code) == LENGTH else None
        meant = Q(number=number) if number is not None else Q(pk__in=[])
        coupons = coupons.filter(meant | Q(customer__code=text) if sees_customers else meant)
    return coupons


def code_of(coupon: Coupon, word: str | None = None) -> str:
    """What a coupon is named by: its code, or ``word`` of a public one."""
    return word or "" if coupon.number is None else coder().code(coupon.number)


def codes_of(batch_id: int, *, at_once: int = 10_000) -> Iterator[tuple[str, str]]:
    """(code, state) of every coupon of a batch in the order of their numbers; memory does not grow with them."""
    after = -1
    while True:
        rows = fetch_all(
            """SELECT number, state FROM promotions_coupon WHERE batch_id = %s AND number > %s
               ORDER BY number LIMIT %s""",
            [batch_id, after, at_once],
        )
        if not rows:
            return
        yield from zip(coder().codes(number for number, _ in rows), (state for _, state in rows), strict=True)
        after = rows[-1][0]


def space() -> Space:
    """How much of the space of codes is used. One statement."""
    rows = fetch_all("SELECT next_number FROM promotions_codespace")
    return Space(rows[0][0] if rows else 0)
