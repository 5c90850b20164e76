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
from tongpan.promotions.engine.offering import Ready, lines_apart, propose, reaches, ready_lines
from tongpan.promotions.engine.tally import Tally


def choose(
    tally: Tally, base: Sequence[int], offers: Sequence[tuple[Offer, list[int]]], taken: list[bool] | None
) -> None:
    """Applies the best of ``offers`` (sorted by priority, then code) to each line that is not ``taken``, and marks it.

    taken: None when no line is, and nobody asks afterwards.
    """
    contest = _Contest(tally, base, taken)
    for offer, where in offers:
        contest.enter(offer, where)
    contest.settle()


class _Contest:
    """best, winner: what each line would have, and from whom. by_line, sets: the offers that are in."""

    __slots__ = ("base", "best", "by_line", "free", "sets", "taken", "tally", "winner")

    def __init__(self, tally: Tally, base: Sequence[int], taken: list[bool] | None) -> None:
        self.tally = tally
        self.base = base
        self.taken = taken
        self.best = [0] * len(tally.room)
        self.winner: list[Offer | None] = [None] * len(tally.room)
        self.by_line: list[tuple[Offer, list[int], list[int]]] = []
        self.sets: list[Ready] = []
        self.free: dict[int, list[int]] = {}

    def enter(self, offer: Offer, where: list[int]) -> None:
        """Weighs an offer on those of its lines that it may touch, or says why it may not."""
        tally, taken = self.tally, self.taken
        if taken is not None and any(taken):
            untaken = [i for i in where if not taken[i]]
            if not untaken:
                tally.refuse(offer, "outdone", {"rules": _owners(tally, where)})
                return
            where = untaken
        free = ready_lines(tally, offer, self.base, where)
        if free is None:
            return
        if offer.give is None:
            self._enter_set(offer, free, propose(tally, offer, self.base, free))
            return
        gives = offer.give(tally.goods, self.base, free)
        best, winner, room = self.best, self.winner, tally.room
        if offer.is_bounded or (offer.campaign_key and offer.campaign_key in tally.remaining):
            bounded = lines_apart(tally, offer, free, gives)
            if bounded.total < sum([min(amount, room[i]) for amount, i in zip(gives, free, strict=True)]):
                self._enter_set(offer, free, bounded)
                return
        self.by_line.append((offer, free, gives))
        for i, amount in zip(free, gives, strict=True):
            if amount > best[i] < room[i]:
                best[i] = amount if amount < room[i] else room[i]
                winner[i] = offer

    def _enter_set(self, offer: Offer, free: list[int], ready: Ready) -> None:
        if ready.total:
            self.free[offer.order] = free
            self.sets.append(ready)
        else:
            self.tally.refuse(offer, ready.reason, ready.params)

    def settle(self) -> None:
        """Applies the winners, and says of the others who outdid them."""
        pending, gone = self.sets, set[int]()
        while (chosen := self._ahead(pending)) is not None:
            chosen.apply(self.tally)
            gone.update(chosen.where)
            for i in chosen.where:
                # No other offer of the lane may touch the line any more.
                self.best[i], self.winner[i] = 0, None
                if self.taken is not None:
                    self.taken[i] = True
            pending = [again for ready in pending if ready is not chosen and (again := self._again(ready, chosen))]
        for ready in pending:
            self.tally.refuse(ready.offer, "outdone", {"rules": self._rivals(ready.where), "amount_minor": ready.total})
        self._settle_lines(gone)

    def _ahead(self, pending: Sequence[Ready]) -> Ready | None:
        """The offer that gives most above what its lines would have otherwise; None when none gives more."""
        most, chosen = 0, None
        best = self.best
        for ready in pending:
            lead = ready.total - sum([best[i] for i in ready.where])
            if lead > most:
                most, chosen = lead, ready
        return chosen

    def _again(self, ready: Ready, chosen: Ready) -> Ready | None:
        """What an offer gives now that ``chosen`` took its lines; None, and it is told, when that is nothing."""
        offer = ready.offer
        lost = set(chosen.where)
        before = self.free[offer.order]
        free = [i for i in before if i not in lost]
        if len(free) == len(before) and not offer.campaign_key:
            return ready
        if free and reaches(self.tally, offer, self.base, free):
            again = propose(self.tally, offer, self.base, free)
            if again.total:
                self.free[offer.order] = free
                return again
        self.tally.refuse(offer, "outdone", {"rules": [chosen.offer.code], "amount_minor": ready.total})
        return None

    def _settle_lines(self, gone: set[int]) -> None:
        tally, winner = self.tally, self.winner
        won: dict[int, list[int]] = {}
        for i, offer in enumerate(winner):
            if offer is not None:
                won.setdefault(offer.order, []).append(i)
                if self.taken is not None:
                    self.taken[i] = True
        for offer, where, gives in self.by_line:
            mine = won.get(offer.order)
            if mine is not None:
                given = dict(zip(where, gives, strict=True))
                lines_apart(tally, offer, mine, [given[i] for i in mine]).apply_alone(tally)
            elif not any(gives):
                tally.refuse(offer, "no_gain", {})
            elif rules := self._rivals([i for i in where if i not in gone] if gone else where):
                tally.refuse(offer, "outdone", {"rules": rules, "amount_minor": sum(gives)})
            elif gone and (lost := [i for i in where if i in gone]):
                tally.refuse(offer, "outdone", {"rules": _owners(tally, lost), "amount_minor": sum(gives)})
            else:
                tally.refuse(offer, "floor", {})

    def _rivals(self, where: Sequence[int]) -> list[str]:
        """The offers that won lines of ``where``."""
        winner = self.winner
        codes = {rival.code for i in where if (rival := winner[i]) is not None}
        return sorted(codes) if len(codes) > 1 else list(codes)


def _owners(tally: Tally, where: Sequence[int]) -> list[str]:
    """The rules that touched lines of ``where`` last: in this lane, when the offer could touch them before it."""
    return sorted({tally.who[i][-1] for i in where if tally.who[i]})
