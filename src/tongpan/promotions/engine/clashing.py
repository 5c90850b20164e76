"""Which groups of rules may be used together, when the buyer is to have the better of two that may not meet. Pure.

By itself the sequence of lanes decides: the earlier lane has the line. A rulebook whose ``clash`` is "buyer" also tries
each largest set of groups that may all meet, by itself over the whole cart, and keeps what costs least.
"""

from __future__ import annotations

from collections.abc import Iterable

from tongpan.promotions.engine.book import Offer

MOST_PLANS = 32
"""Of more sets of groups than these the first are tried, in the order of the groups' codes."""


def plans(offers: Iterable[Offer]) -> list[int]:
    """The largest sets of groups (as bits) of ``offers`` of which every two may meet; empty when all may."""
    foes: dict[int, int] = {}
    for offer in offers:
        if offer.is_lowering:
            foes[offer.bit] = offer.foes & ~offer.bit
    every = sum(foes)
    if all(not foe & every for foe in foes.values()):
        return []
    found: list[int] = []
    _grow(foes, 0, sorted(foes), [], found)
    return sorted(found)[:MOST_PLANS]


def _grow(foes: dict[int, int], chosen: int, may: list[int], seen: list[int], found: list[int]) -> None:
    """Bron and Kerbosch's search: ``may`` can still join ``chosen``; ``seen`` were tried and could join too."""
    if not may and not seen:
        found.append(chosen)
    for place, bit in enumerate(may):
        if len(found) >= MOST_PLANS:
            return
        friends = [other for other in may[place + 1 :] if not foes[bit] & other]
        before = [other for other in (*seen, *may[:place]) if not foes[bit] & other]
        _grow(foes, chosen | bit, friends, before, found)
