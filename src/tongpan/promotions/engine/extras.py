"""What leaves the prices of goods alone: gifts, samples, and what is taken off the shipping charge. Pure.

They need no pair of the stack matrix on lines, as they touch none; on the shipping charge they need one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.promotions.engine.book import Offer
from tongpan.promotions.engine.offering import ready_lines
from tongpan.promotions.engine.results import Gift
from tongpan.promotions.engine.rules import Gifts, Shipping
from tongpan.promotions.engine.tally import Tally


def run_extras(
    tally: Tally, base: Sequence[int], offers: Sequence[tuple[Offer, list[int]]], *, is_one: bool, is_best: bool
) -> None:
    """Applies gift and shipping offers. is_one: at most one of each; is_best: of shipping the one that takes most."""
    given = ""
    for offer, where in offers:
        if not isinstance(offer.benefit, Gifts):
            continue
        if (free := ready_lines(tally, offer, base, where)) is None:
            continue
        if is_one and given:
            tally.refuse(offer, "outdone", {"rules": [given]})
            continue
        _give(tally, offer, offer.benefit, base, free)
        given = offer.code
    shipping = [pair for pair in offers if isinstance(pair[0].benefit, Shipping)]
    ready = [pair[0] for pair in shipping if ready_lines(tally, pair[0], base, pair[1]) is not None]
    if is_best:
        ready.sort(key=lambda offer: -_off(tally, offer))
    taken = ""
    for offer in ready:
        if is_one and taken:
            tally.refuse(offer, "outdone", {"rules": [taken], "amount_minor": _off(tally, offer)})
        elif _ship(tally, offer):
            taken = offer.code


def _give(tally: Tally, offer: Offer, benefit: Gifts, base: Sequence[int], free: Sequence[int]) -> None:
    times = 1
    if benefit.is_repeated:
        counts = []
        if offer.min_minor:
            counts.append(sum([base[i] for i in free]) // offer.min_minor)
        if offer.min_qty:
            counts.append(sum([tally.qty[i] for i in free]) // offer.min_qty)
        if benefit.max_times is not None:
            counts.append(benefit.max_times)
        times = min(counts)
    coupon = tally.coupon_of(offer)
    payer = max(zip(offer.weights, offer.payers, strict=True), key=lambda pair: pair[0])[1]
    for sku, qty in benefit.gifts:
        tally.gifts.append(Gift(offer.code, sku, qty * times, payer))
    tally.count(offer, 0, 0)
    tally.applied(offer, {"gifts": [(sku, qty * times) for sku, qty in benefit.gifts], "coupon": coupon})


def _off(tally: Tally, offer: Offer) -> int:
    most = offer.benefit.amount_minor if isinstance(offer.benefit, Shipping) else 0
    return tally.shipping if most is None else min(most, tally.shipping)


def _ship(tally: Tally, offer: Offer) -> bool:
    """Takes the offer off the shipping charge; False, and why, when it takes nothing."""
    if tally.shipping_met & offer.shipping_foes:
        tally.refuse(offer, "excluded", {"rules": sorted(set(tally.shipping_who))})
        return False
    amount = _off(tally, offer)
    if not amount:
        tally.refuse(offer, "no_shipping", {})
        return False
    budget = tally.money_left(offer)
    if budget is not None and amount > budget:
        if not offer.limits.is_partial or not budget:
            tally.refuse(offer, "budget_spent", {"needs_minor": amount - budget, "left_minor": budget})
            return False
        amount = budget
    tally.take_shipping(offer, amount)
    tally.applied(offer, {"amount_minor": amount})
    return True
