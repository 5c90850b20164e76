"""Spreading a discount over lines so that no unit goes under its floor. Pure.

A line is full when its proportional part of what is left reaches its room. Full lines take their room, the rest is
spread anew over the others until none is full; then the largest remainder decides about the last units of money.
Going through lines by room per weight finds all full lines in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.money import allocate


def spread(amount_minor: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    """``amount_minor`` over lines by ``weights``, no more than its room to any; ties to the earlier position.

    Σ result = min(amount, Σ rooms of lines with a weight): what has no room is not placed. All are ≥ 0.
    """
    total = sum(weights)
    if total <= 0 or amount_minor <= 0:
        return [0] * len(weights)
    for weight, room in zip(weights, rooms, strict=True):
        if room * total < amount_minor * weight:
            return _clipped(amount_minor, weights, rooms)
    return allocate(amount_minor, weights)


def _clipped(amount_minor: int, weights: Sequence[int], rooms: Sequence[int]) -> list[int]:
    shares = [0] * len(weights)
    order = sorted(
        (position for position, weight in enumerate(weights) if weight > 0),
        # Room per weight, compared exactly: the whole part, then the fraction at 40 binary places and more.
        key=lambda position: (rooms[position] << 80) // weights[position],
    )
    left, total = amount_minor, sum(weights)
    for place, position in enumerate(order):
        if rooms[position] * total >= left * weights[position]:
            rest = sorted(order[place:])
            for other, share in zip(rest, allocate(left, [weights[other] for other in rest]), strict=True):
                shares[other] = share
            break
        shares[position] = rooms[position]
        left -= rooms[position]
        total -= weights[position]
    return shares


def cumulated(amount_minor: int, qty: int, units: int) -> int:
    """What the first ``units`` of ``qty`` equal units carry of ``amount_minor`` (≥ 0): earlier units take the rest.

    The rule by which units are refunded, so that what an offer takes for k units is what k units would get back.
    """
    whole, rest = divmod(amount_minor, qty)
    return units * whole + min(units, rest)
