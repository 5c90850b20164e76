"""What one offer would give on the lines that it may touch, with caps, quotas, budgets and floors. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tongpan.promotions.engine.book import Offer
from tongpan.promotions.engine.spreading import cumulated, spread
from tongpan.promotions.engine.tally import Tally


class Ready(NamedTuple):
    """What an offer would take off: ``total`` from the lines at ``where``.

    amounts: of each line; None: the whole is spread by ``weights`` when it is applied. units: of the lines that it
    lowers. unplaced: what has no room above the floors. reason: why the total is 0.
    """

    offer: Offer
    total: int
    where: Sequence[int]
    amounts: Sequence[int] | None
    weights: Sequence[int]
    units: int
    unplaced: int
    reason: str = ""
    params: Mapping[str, object] = {}

    def apply(self, tally: Tally) -> None:
        """Takes it off, and says so."""
        offer, amounts = self.offer, self.amounts
        if amounts is None:
            amounts = spread(self.total + self.unplaced, self.weights, [tally.room[i] for i in self.where])
        tally.take_off(offer, self.where, amounts, self.weights, units=self.units)
        params: dict[str, object] = {"amount_minor": self.total}
        if self.unplaced:
            params["unplaced_minor"] = self.unplaced
        tally.applied(offer, params)

    def apply_alone(self, tally: Tally) -> None:
        """Takes it off where it is worth something, otherwise says why it is not."""
        if self.total:
            self.apply(tally)
        else:
            tally.refuse(self.offer, self.reason, self.params)


def ready_lines(tally: Tally, offer: Offer, base: Sequence[int], where: list[int]) -> list[int] | None:
    """The lines that the offer may touch, when they reach its thresholds; otherwise it is told why, and None."""
    free = tally.open_lines(offer, where)
    if not free:
        reason = "discounted" if offer.undiscounted else "excluded"
        tally.refuse(offer, reason, {"rules": tally.hinders(offer, where)})
        return None
    if offer.is_thresholded and (short := _short(tally, offer, base, free)) is not None:
        reason, params = short
        tally.refuse(
            offer, reason, params if len(free) == len(where) else params | {"rules": tally.hinders(offer, where)}
        )
        return None
    return free


def reaches(tally: Tally, offer: Offer, base: Sequence[int], free: Sequence[int]) -> bool:
    """Whether the lines at ``free`` reach the thresholds of the offer."""
    return not offer.is_thresholded or _short(tally, offer, base, free) is None


def _short(
    tally: Tally, offer: Offer, base: Sequence[int], free: Sequence[int]
) -> tuple[str, dict[str, object]] | None:
    """Which threshold is missed, and by how much. Goods that are given for others do not count."""
    if offer.counts is not None:
        free = [i for i in free if offer.counts(tally.lines[i])]
    if offer.min_minor and (short := offer.min_minor - sum([base[i] for i in free])) > 0:
        return "below_amount", {"needs_minor": short}
    if offer.min_qty and (missing := offer.min_qty - sum([tally.qty[i] for i in free])) > 0:
        return "below_qty", {"needs": missing}
    return None


def propose(tally: Tally, offer: Offer, base: Sequence[int], where: list[int]) -> Ready:
    """What ``offer`` would take off the lines at ``where``, all limits kept."""
    if offer.give is not None:
        return lines_apart(tally, offer, where, offer.give(tally.goods, base, where))
    if offer.plan is None:
        raise ValueError(f"{offer.code} lowers no line.")
    coupon = tally.coupons.get(offer.code)
    plan = offer.plan(tally.goods, base, where, coupon.value_minor if coupon else 0)
    if len(plan) == 2:
        return nothing(offer, plan[0], plan[1])
    total, used, weights = plan
    room = tally.room
    placed = min(total, sum([room[i] for i, weight in zip(used, weights, strict=True) if weight]))
    if not placed:
        return nothing(offer, "floor" if total else "no_gain", {})
    unplaced = total - placed
    budget = tally.money_left(offer)
    if budget is not None and placed > budget:
        if not offer.limits.is_partial or not budget:
            return nothing(offer, "budget_spent", {"needs_minor": placed - budget, "left_minor": budget})
        placed, unplaced = budget, 0
    return Ready(offer, placed, used, None, weights, 0, unplaced)


def lines_apart(tally: Tally, offer: Offer, where: Sequence[int], gives: Sequence[int]) -> Ready:
    """What an offer takes off lines each by itself: lines in the order of their numbers use up a quota of units."""
    run, room, qty = tally.run, tally.room, tally.qty
    wanted = sum(gives)
    if not wanted:
        return nothing(offer, "no_gain", {})
    units = tally.units_left(offer)
    cut = list(gives)
    sold = 0
    for place, i in enumerate(where):
        cut[place] = min(cut[place], run[i])
        if units is not None and cut[place] and room[i]:
            taken = min(units, qty[i])
            if taken < qty[i]:
                cut[place] = cumulated(cut[place], qty[i], taken)
            units -= taken
            sold += taken
    if units == 0 and not sold:
        return nothing(offer, "units_spent", {})
    asked = sum(cut)
    amounts = [min(amount, room[i]) for amount, i in zip(cut, where, strict=True)]
    placed = sum(amounts)
    if not placed:
        return nothing(offer, "floor", {})
    unplaced = asked - placed
    most = getattr(offer.benefit, "max_minor", None)
    if most is not None and placed > most:
        amounts = spread(most, [run[i] for i in where], amounts)
        placed, unplaced = sum(amounts), 0
    budget = tally.money_left(offer)
    if budget is not None and placed > budget:
        if not offer.limits.is_partial or not budget:
            return nothing(offer, "budget_spent", {"needs_minor": placed - budget, "left_minor": budget})
        amounts = spread(budget, [run[i] for i in where], amounts)
        placed, unplaced = sum(amounts), 0
    lowered = [(i, amount) for i, amount in zip(where, amounts, strict=True) if amount]
    return Ready(
        offer,
        placed,
        [i for i, _ in lowered],
        [amount for _, amount in lowered],
        [run[i] for i, _ in lowered],
        sold,
        unplaced,
    )


def nothing(offer: Offer, reason: str, params: Mapping[str, object]) -> Ready:
    """An offer that gives nothing, and why."""
    return Ready(offer, 0, (), (), (), 0, 0, reason, params)
