"""Choosing inside a lane where at most one offer may touch a line. Pure.

1. Each line takes the offer that gives it most among those that look at each line by itself.
2. Offers over several lines at once (and those whose cap, quota or budget binds) are weighed by what they give more
   than those lines would have by 1; the one ahead by most is applied, until none is ahead.
Equals are decided by priority, then by code. A lane whose offers all look at single lines is exactly the best; over
sets of lines this is the usual greedy choice.
"""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.promotions.engine.book import Offer
from tongpan.promotions.engine.offering import Ready, lines_apart, propose, ready_lines
from tongpan.promotions.engine.tally import Tally


def choose(
    tally: Tally, base: Sequence[int], offers: Sequence[tuple[Offer, list[int]]], taken: list[bool] | None
) -> None:
    """Applies the best of ``offers`` (by priority, then code) to each line that is not ``taken``, and marks it there.

    taken: None when no line is.
    """
    room = tally.room
    best = [0] * len(room)
    winner: list[Offer | None] = [None] * len(room)
    by_line: list[tuple[Offer, list[int], list[int]]] = []
    sets: list[Ready] = []
    lines_of: dict[int, list[int]] = {}
    for offer, where in offers:
        free = ready_lines(tally, offer, base, where)
        if free is None:
            continue
        if taken is not None:
            free = [i for i in free if not taken[i]]
            if not free:
                tally.refuse(offer, "outdone", {"rules": _owners(tally, where)})
                continue
        if offer.give is None:
            lines_of[offer.order] = free
            sets.append(propose(tally, offer, base, free))
            continue
        gives = offer.give(tally.goods, base, free)
        if offer.is_bounded or (offer.campaign_key and offer.campaign_key in tally.remaining):
            bounded = lines_apart(tally, offer, free, gives)
            if bounded.total < sum([min(d, room[i]) for d, i in zip(gives, free, strict=True)]):
                lines_of[offer.order] = free
                sets.append(bounded)
                continue
        by_line.append((offer, free, gives))
        for i, amount in zip(free, gives, strict=True):
            if amount > best[i] < room[i]:
                best[i] = amount if amount < room[i] else room[i]
                winner[i] = offer
    if sets:
        _sets(tally, base, sets, lines_of, best, winner, taken)
    _singles(tally, by_line, best, winner, taken)


def _sets(
    tally: Tally,
    base: Sequence[int],
    pending: list[Ready],
    lines_of: dict[int, list[int]],
    best: list[int],
    winner: list[Offer | None],
    taken: list[bool] | None,
) -> None:
    """Applies offers over sets of lines, the one that is ahead by most first; their lines leave the contest."""
    gone = [False] * len(best)
    for ready in pending:
        if not ready.total:
            tally.refuse(ready.offer, ready.reason, ready.params)
    pending = [ready for ready in pending if ready.total]
    while pending:
        ahead, chosen = 0, None
        for ready in pending:
            lead = ready.total - sum([best[i] for i in ready.where])
            if lead > ahead:
                ahead, chosen = lead, ready
        if chosen is None:
            break
        chosen.apply(tally)
        for i in chosen.where:
            gone[i] = True
            best[i], winner[i] = 0, None
            if taken is not None:
                taken[i] = True
        following = []
        for ready in pending:
            if ready is chosen:
                continue
            offer = ready.offer
            free = [i for i in lines_of[offer.order] if not gone[i]]
            if len(free) < len(lines_of[offer.order]) or offer.is_bounded or offer.campaign_key:
                if (again := ready_again(tally, offer, base, free)) is None:
                    tally.refuse(offer, "outdone", {"rules": [chosen.offer.code], "amount_minor": ready.total})
                    continue
                lines_of[offer.order] = free
                ready = again
            following.append(ready)
        pending = following
    for ready in pending:
        rules = sorted({rival.code for i in ready.where if (rival := winner[i]) is not None})
        tally.refuse(ready.offer, "outdone", {"rules": rules, "amount_minor": ready.total})


def ready_again(tally: Tally, offer: Offer, base: Sequence[int], free: list[int]) -> Ready | None:
    """What the offer gives on the lines that are left to it; None when it does not reach its thresholds there."""
    if not free:
        return None
    if offer.min_minor and sum([base[i] for i in free]) < offer.min_minor:
        return None
    if offer.min_qty and sum([tally.qty[i] for i in free]) < offer.min_qty:
        return None
    ready = propose(tally, offer, base, free)
    return ready if ready.total else None


def _singles(
    tally: Tally,
    by_line: Sequence[tuple[Offer, list[int], list[int]]],
    best: Sequence[int],
    winner: Sequence[Offer | None],
    taken: list[bool] | None,
) -> None:
    """Applies to each line the offer that won it, and says of the others why they did not."""
    won: dict[int, list[int]] = {}
    for i, offer in enumerate(winner):
        if offer is not None:
            won.setdefault(offer.order, []).append(i)
            if taken is not None:
                taken[i] = True
    for offer, where, gives in by_line:
        mine = won.get(offer.order)
        if mine is not None:
            given = dict(zip(where, gives, strict=True))
            ready = lines_apart(tally, offer, mine, [given[i] for i in mine])
            ready.apply_alone(tally)
        elif not any(gives):
            tally.refuse(offer, "no_gain", {})
        elif (rules := _rivals(tally, where, winner)) or taken is not None:
            tally.refuse(offer, "outdone", {"rules": rules or _owners(tally, where), "amount_minor": sum(gives)})
        else:
            reason = "outdone" if any(tally.who[i] and tally.room[i] for i in where) else "floor"
            params = {"rules": _owners(tally, where), "amount_minor": sum(gives)} if reason == "outdone" else {}
            tally.refuse(offer, reason, params)


def _rivals(tally: Tally, where: Sequence[int], winner: Sequence[Offer | None]) -> list[str]:
    return sorted({rival.code for i in where if (rival := winner[i]) is not None})


def _owners(tally: Tally, where: Sequence[int]) -> list[str]:
    """The rules that touched lines of ``where`` last: in this lane, when the offer could touch them before it."""
    return sorted({tally.who[i][-1] for i in where if tally.who[i]})
