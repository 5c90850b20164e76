"""Random carts, returned piece by piece in random order: refunds add up to what was paid, per payer and tender.

Each cart has 1 to 6 lines of 1 to 5 units, discounts borne by several payers, money off the whole order, postage, and
one to three tenders that may include points. Its units come back in random groups. At the end every line, payer, charge
and tender must have got back exactly what it gave, and no step may give back less than nothing.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Mapping

from benchmarks.table import Row
from tongpan.orders.aftersale.engine import Given, GoodsLine, Sale, Share, Tender, Terms, add, refund_of, share_out

CARTS = 1_000_000
PROCESSES = min(2, os.cpu_count() or 1)
GOAL_S = 600.0
_PAYERS = ("platform", "shop", "influencer", "dealer", "bank")
_TERMS = Terms("share", "return_or_charge", (("money",), ("points",)))


def measure() -> list[Row]:
    started = time.perf_counter()
    each = CARTS // PROCESSES
    with multiprocessing.Pool(PROCESSES) as pool:
        checked = pool.starmap(check, [(seed, each) for seed in range(PROCESSES)])
    took = time.perf_counter() - started
    carts, refunds, wrong = (sum(column) for column in zip(*checked, strict=True))
    return [
        Row(
            f"{carts:,} random carts, {refunds:,} partial refunds, {wrong:,} that do not add up",
            f"{took:.0f} s, {carts / took:,.0f} carts/s",
            goal=f"none wrong, ≤ {GOAL_S:.0f} s",
            is_met=wrong == 0 and took <= GOAL_S,
        )
    ]


def check(seed: int, carts: int) -> tuple[int, int, int]:
    """(carts, refunds, carts that do not add up) of ``carts`` random carts."""
    dice = random.Random(seed)
    refunds = wrong = 0
    for _ in range(carts):
        sale = random_sale(dice)
        steps, given = return_all(sale, dice)
        refunds += steps
        wrong += not adds_up(sale, given)
    return carts, refunds, wrong


def random_sale(dice: random.Random) -> Sale:
    """A random order, shared out."""
    pick = dice.random
    lines = []
    for line_id in range(1, 2 + int(pick() * 6)):
        amount = 0 if pick() < 0.1 else int(pick() * 100_000)
        shares = [
            Share(payer, "", 1 + int(pick() * 5_000))
            for payer in _PAYERS[int(pick() * 5) :][: int(pick() * 3)]
        ]  # fmt: skip
        gift = 1 + int(pick() * 900) if amount == 0 and pick() < 0.5 else 0
        lines.append(GoodsLine(line_id, 1 + int(pick() * 5), amount, shares, gift))
    goods = sum(line.amount_minor for line in lines)
    charges = [(100, "postage", 1 + int(pick() * 2_000))] if pick() < 0.5 else []
    if goods and pick() < 0.4:
        charges.append((101, "off", -int(pick() * goods)))
    total = goods + sum(amount for _, _, amount in charges)
    paid = total if pick() < 0.8 else int(pick() * (total + 1))
    first = int(pick() * (paid + 1))
    second = int(pick() * (paid - first + 1))
    tenders = [
        Tender(1, "card", "money", first),
        Tender(2, "points", "points", second),
        Tender(3, "cash", "money", paid - first - second),
    ]
    return share_out(lines, charges, tenders, paid)


def return_all(sale: Sale, dice: random.Random) -> tuple[int, Given]:
    """Return every unit in random groups; how many refunds that took and what was given back.

    A step that gives back less than nothing is marked by a total below zero.
    """
    pick = dice.random
    left = {line.line_id: line.qty for line in sale.lines}
    given, steps, is_sound = Given(), 0, True
    while left:
        units: dict[int, int] = {}
        for line_id in list(left):
            if pick() < 0.5 or (len(left) == 1 and not units):
                units[line_id] = now = 1 + int(pick() * left[line_id])
                left[line_id] -= now
                if not left[line_id]:
                    del left[line_id]
        if not units:
            continue
        refund = refund_of(sale, given, units, _TERMS)
        is_sound &= refund.total_minor >= 0 and all(amount > 0 for _, amount in refund.tenders)
        is_sound &= sum(amount for _, amount in refund.tenders) == refund.total_minor
        given = add(given, refund)
        steps += 1
    return steps, given if is_sound else given._replace(total_minor=-1)


def adds_up(sale: Sale, given: Given) -> bool:
    """True when everything was given back to everyone, to the minor unit."""
    payers: Mapping[tuple[int, str, str], int] = {
        (line.line_id, share.payer, share.code): share.amount_minor for line in sale.lines for share in line.shares
    }
    return (
        given.total_minor == sale.paid_minor
        and given.withheld_minor == 0
        and all(given.buyer.get(line.line_id, 0) == line.amount_minor for line in sale.lines)
        and all(given.buyer.get(charge.line_id, 0) == charge.amount_minor for charge in sale.charges)
        and dict(given.payers) == payers
        and all(given.tenders.get(tender.seq, 0) == tender.amount_minor for tender in sale.tenders)
    )


if __name__ == "__main__":
    print(measure()[0])
