"""Lotteries (PRM-15): announced once, entered and drawn at the same moment, revealed when they are over.

Entries of one lottery wait for its row, so that their numbers have no gaps and the limit of a customer is exact.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.access.actions import Note, audit_many
from tongpan.access.vault import open_sealed, seal
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.customers.models import Customer
from tongpan.promotions.actions.claiming import claim
from tongpan.promotions.activities.lots import NO_CHAIN, OUT_OF, LoggedDraw, draw, faults, hash_of, link, prize_at
from tongpan.promotions.activities.models import EntrySource, Lottery, LotteryDraw, LotteryPrize, PrizeKind
from tongpan.promotions.models.coupons import CouponBatch


@dataclass(frozen=True, slots=True)
class PrizeSpec:
    """what: the id of a batch with a code for each use, an amount of points, or a SKU, by kind."""

    kind: str
    name_zh: str
    name_en: str
    what: str
    per_million: int
    stock: int


@dataclass(frozen=True, slots=True)
class LotterySpec:
    code: str
    name_zh: str
    name_en: str
    starts: datetime
    ends: datetime
    per_customer: int
    prizes: Sequence[PrizeSpec]
    campaign: str = ""


def announce_lottery(spec: LotterySpec, *, actor: str, now: datetime, seed: bytes | None = None) -> Lottery:
    """Announce a lottery: from now on its prizes, chances and the hash of its seed stand for good.

    seed: 32 bytes nobody can guess; made here unless a test gives them. Raises Refusal lottery.prizes, lottery.chances
    (more than a million millionths), lottery.window or lottery.known.
    """
    _check(spec, now)
    secret = seed or secrets.token_bytes(32)

    def work() -> Lottery:
        if Lottery.objects.filter(code=spec.code).exists():
            raise Refusal("lottery.known", f"There is a lottery {spec.code!r} already; what is announced stands.")
        lottery = Lottery.objects.create(
            code=spec.code,
            name_zh=spec.name_zh,
            name_en=spec.name_en,
            campaign=spec.campaign,
            starts=spec.starts,
            ends=spec.ends,
            per_customer=spec.per_customer,
            seed_hash=hash_of(secret),
            seed_sealed=seal(secret.hex()),
            announced_by=actor,
            announced_at=now,
        )
        LotteryPrize.objects.bulk_create(
            LotteryPrize(
                lottery=lottery,
                place=place,
                kind=prize.kind,
                name_zh=prize.name_zh,
                name_en=prize.name_en,
                what=prize.what,
                per_million=prize.per_million,
                stock=prize.stock,
            )
            for place, prize in enumerate(spec.prizes)
        )
        audit_many([Note("lottery.announced", "lottery", spec.code, {"hash": lottery.seed_hash})], actor=actor, now=now)
        return lottery

    return run_in_transaction(work)


def _check(spec: LotterySpec, now: datetime) -> None:
    if not 1 <= len(spec.prizes) <= 50:
        raise Refusal("lottery.prizes", "Name 1 to 50 prizes.")
    chances = sum(prize.per_million for prize in spec.prizes)
    if chances > OUT_OF or any(prize.per_million < 1 for prize in spec.prizes):
        raise Refusal(
            "lottery.chances",
            f"The chances come to {chances} millionths; each is 1 at least and all are {OUT_OF} at most.",
        )
    if spec.ends <= spec.starts or spec.starts < now or spec.per_customer < 1:
        raise Refusal("lottery.window", "A lottery starts at its announcement or later, and ends after that.")
    for prize in spec.prizes:
        if prize.kind not in PrizeKind.values or not prize.what.strip() or prize.stock < 1:
            raise Refusal("lottery.prizes", f"The prize {prize.name_en!r} needs a kind, what it is, and a stock.")
        if prize.kind == "points" and not prize.what.isdecimal():
            raise Refusal("lottery.prizes", f"The prize {prize.name_en!r}: give the points as a whole number.")
        if prize.kind == "coupon":
            ids = [int(prize.what)] if prize.what.isdecimal() else []
            if not CouponBatch.objects.filter(pk__in=ids, kind="unique", is_stopped=False).exists():
                raise Refusal("lottery.prizes", f"There is no open batch {prize.what!r} with a code for each use.")
        if prize.kind == "goods" and not fetch_all("SELECT 1 FROM catalog_sku WHERE code = %s", [prize.what]):
            raise Refusal("lottery.prizes", f"There is no SKU {prize.what!r}.")


def enter(code: str, customer_id: int, source: str, reference: str, *, now: datetime) -> LotteryDraw:
    """Enter a customer for an order, an action, points or a live session, and draw; the row of the fairness log.

    The same source and reference give the same row again. Nine statements at most. Locks the lottery. Raises Refusal
    lottery.unknown, lottery.closed, lottery.source or lottery.limit.
    """
    if source not in EntrySource.values or not 0 < len(reference.strip()) <= 120 or "\x00" in reference:
        raise Refusal("lottery.source", f"Name a source ({', '.join(EntrySource.values)}) and its reference.")

    def work() -> LotteryDraw:
        lottery = Lottery.objects.select_for_update(no_key=True).filter(code=code).first()
        if lottery is None:
            raise Refusal("lottery.unknown", f"There is no lottery {code!r}.")
        known = LotteryDraw.objects.filter(lottery=lottery, source=source, reference=reference).first()
        if known is not None and known.customer_id == customer_id:
            return known
        if known is not None:
            raise Refusal("lottery.source", f"{source} {reference} was entered for another customer.")
        if not lottery.starts <= now < lottery.ends or lottery.revealed_at:
            raise Refusal("lottery.closed", f"The lottery {code} is not open now.")
        if LotteryDraw.objects.filter(lottery=lottery, customer_id=customer_id).count() >= lottery.per_customer:
            raise Refusal(
                "lottery.limit", f"This customer has entered {lottery.per_customer} times, as often as one may."
            )
        return _draw(lottery, customer_id, source, reference, now)

    return run_in_transaction(work)


def _draw(lottery: Lottery, customer_id: int, source: str, reference: str, now: datetime) -> LotteryDraw:
    number = lottery.entries + 1
    Lottery.objects.filter(pk=lottery.pk).update(entries=number)
    prizes = list(lottery.prizes.all())
    drawn = draw(bytes.fromhex(open_sealed(lottery.seed_sealed)), lottery.code, number)
    at = prize_at([prize.per_million for prize in prizes], drawn)
    hit = None if at is None else prizes[at]
    given, reward = _give(hit, customer_id, f"lottery:{lottery.code}", now) if hit else (False, "")
    last = LotteryDraw.objects.filter(lottery=lottery).order_by("-number").values_list("chain", flat=True).first()
    who = Customer.objects.values_list("code", flat=True).get(pk=customer_id)
    row = LoggedDraw(number, who, source, reference, drawn, at, "")
    return LotteryDraw.objects.create(
        lottery=lottery,
        number=number,
        customer_id=customer_id,
        source=source,
        reference=reference,
        drawn=drawn,
        hit=hit,
        is_given=given,
        reward=reward,
        at=now,
        chain=link(last or NO_CHAIN, row),
    )


def _give(prize: LotteryPrize, customer_id: int, source: str, now: datetime) -> tuple[bool, str]:
    """Take one of the prize, and of a coupon the code: (was there one, the code)."""
    taken = fetch_all(
        "UPDATE promotions_lotteryprize SET given = given + 1 WHERE id = %s AND given < stock RETURNING kind",
        [prize.pk],
    )
    if not taken:
        return False, ""
    if prize.kind != PrizeKind.COUPON:
        return True, ""
    try:
        codes = claim(int(prize.what), [customer_id], source=source, now=now)
    except Refusal:
        codes = {}
    if customer_id not in codes:
        fetch_all("UPDATE promotions_lotteryprize SET given = given - 1 WHERE id = %s RETURNING id", [prize.pk])
        return False, ""
    return True, codes[customer_id]


def reveal(code: str, *, actor: str, now: datetime) -> Lottery:
    """Publish the seed of a lottery that is over; from then on everybody can recompute its draws.

    Revealed already: nothing changes. Raises Refusal lottery.unknown or lottery.open.
    """

    def work() -> Lottery:
        lottery = Lottery.objects.select_for_update(no_key=True).filter(code=code).first()
        if lottery is None:
            raise Refusal("lottery.unknown", f"There is no lottery {code!r}.")
        if lottery.revealed_at is None:
            if now < lottery.ends:
                raise Refusal("lottery.open", f"The lottery {code} is open; its seed is shown when it is over.")
            lottery.seed, lottery.revealed_at = open_sealed(lottery.seed_sealed), now
            lottery.save(update_fields=["seed", "revealed_at"])
            audit_many([Note("lottery.revealed", "lottery", code)], actor=actor, now=now)
        return lottery

    return run_in_transaction(work)


def log_of(lottery: Lottery) -> list[LoggedDraw]:
    """The fairness log, from the first entry on. Two statements."""
    rows = LotteryDraw.objects.filter(lottery=lottery).order_by("number").select_related("hit", "customer")
    return [
        LoggedDraw(
            row.number,
            row.customer.code,
            row.source,
            row.reference,
            row.drawn,
            row.hit.place if row.hit else None,
            row.chain,
        )
        for row in rows
    ]


def check(lottery: Lottery) -> list[str]:
    """What is wrong with the log of a revealed lottery; nothing of an honest one. Raises Refusal lottery.open."""
    if not lottery.seed:
        raise Refusal("lottery.open", f"The seed of the lottery {lottery.code} is not revealed yet.")
    chances = [prize.per_million for prize in lottery.prizes.all()]
    return faults(lottery.code, bytes.fromhex(lottery.seed), lottery.seed_hash, chances, log_of(lottery))
