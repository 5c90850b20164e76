"""The running account of one evaluation: what is left to pay for each line, who touched it, and what was said. Pure.

Lines are kept by position in the order of their numbers. The room of a line is what can still be taken off before one
of its units would net less than its floor.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tongpan.core.money import allocate
from tongpan.promotions.engine.book import Offer
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line, Remaining
from tongpan.promotions.engine.giving import Goods
from tongpan.promotions.engine.results import Gift, Share, Take, Trial
from tongpan.promotions.engine.rules import counter


class Tally:
    """met: the groups that touched a line, as bits; touched: those of all lines. who: the offers that did.

    Position −1 is the shipping charge.
    """

    __slots__ = (
        "_money", "cart", "coupons", "coupons_used", "customer", "gifts", "goods", "init", "lines", "met", "qty",
        "remaining", "room", "run", "shares", "shipping", "shipping_met", "shipping_who", "takes", "touched", "trials",
        "who",
    )  # fmt: skip

    def __init__(self, cart: Cart, customer: Customer, remaining: Remaining) -> None:
        self.cart = cart
        self.customer = customer
        self.remaining = remaining
        lines: Sequence[Line] = cart.lines
        before = 0
        for line in lines:
            if line[0] < before:
                lines = sorted(lines, key=lambda line: line[0])
                break
            before = line[0]
        self.lines = lines
        self.qty = [line[2] for line in lines]
        self.init = [line[2] * line[3] for line in lines]
        self.run = self.init[:]
        self.room = [line[2] * (line[3] - line[4]) if line[3] > line[4] else 0 for line in lines]
        self.met = [0] * len(lines)
        self.who: list[tuple[str, ...]] = [()] * len(lines)
        self.touched = 0
        self.goods = Goods(lines, self.qty, self.run)
        self.shipping = cart.shipping_minor
        self.shipping_met = 0
        self.shipping_who: tuple[str, ...] = ()
        self.shares: list[Share] = []
        self.gifts: list[Gift] = []
        self.takes: list[Take] = []
        self.trials: list[Trial] = []
        self.coupons: dict[str, Coupon] = {}
        self.coupons_used: list[str] = []
        self._money: dict[str, int] = {}

    def copy(self) -> Tally:
        """An account of the same cart on which nothing is taken off yet; what was said before goes with it."""
        other = Tally(self.cart, self.customer, self.remaining)
        other.trials = self.trials[:]
        other.coupons = self.coupons
        return other

    @property
    def total(self) -> int:
        """What the cart costs now, with shipping."""
        return sum(self.run) + self.shipping

    def say(self, rule: str, reason: str, params: Mapping[str, object]) -> None:
        """Why a rule, known or not, gives nothing."""
        self.trials.append(Trial(rule, False, reason, params))

    def refuse(self, offer: Offer, reason: str, params: Mapping[str, object]) -> None:
        self.trials.append(Trial(offer.code, False, reason, params))

    def applied(self, offer: Offer, params: Mapping[str, object]) -> None:
        self.trials.append(Trial(offer.code, True, "applied", params))

    def open_lines(self, offer: Offer, where: list[int]) -> list[int]:
        """Those of ``where`` that the offer may touch after what touched them before."""
        met = self.met
        if offer.undiscounted:
            return [i for i in where if not met[i]] if self.touched else where
        foes = offer.foes
        return [i for i in where if not met[i] & foes] if self.touched & foes else where

    def hinders(self, offer: Offer, where: Sequence[int]) -> list[str]:
        """The rules that keep the offer off the first of ``where`` that it may not touch."""
        for i in where:
            if self.met[i] & (offer.foes if not offer.undiscounted else -1):
                codes = self.who[i]
                return list(codes) if len(codes) == 1 else sorted(set(codes))
        return []

    def money_left(self, offer: Offer) -> int | None:
        """What the offer may still cost: of its own budget and its campaign's; None is without limit."""
        left = offer.limits.money_minor
        if left is not None:
            left = max(0, self.remaining.get(offer.money_key, left))
        if offer.campaign_key and (campaign := self.remaining.get(offer.campaign_key)) is not None:
            campaign = max(0, campaign - self._money.get(offer.campaign_key, 0))
            left = campaign if left is None else min(left, campaign)
        return left

    def units_left(self, offer: Offer) -> int | None:
        """How many units may still have the offer: of its quota, of the customer's part, of an order's."""
        limits, left = offer.limits, None
        for limit, key in ((limits.units, offer.units_key), (limits.units_per_customer, offer.units_per_customer_key)):
            if limit is not None:
                one = max(0, self.remaining.get(key, limit))
                left = one if left is None else min(left, one)
        if limits.units_per_order is not None:
            left = limits.units_per_order if left is None else min(left, limits.units_per_order)
        return left

    def take_off(
        self, offer: Offer, where: Sequence[int], amounts: Sequence[int], weights: Sequence[int], *, units: int
    ) -> int:
        """Takes ``amounts`` off the lines at ``where``, books shares and counters, and marks the lines; the sum."""
        coupon = self.coupon_of(offer)
        run, room, met, who, bit, code = self.run, self.room, self.met, self.who, offer.bit, offer.code
        payers = offer.payers
        total = 0
        for i, amount, weight in zip(where, amounts, weights, strict=True):
            met[i] |= bit
            who[i] = (*who[i], code)
            if not amount:
                continue
            total += amount
            run[i] -= amount
            room[i] -= amount
            number = self.lines[i][0]
            if len(payers) == 1:
                self.shares.append(Share(number, code, payers[0], coupon, amount, weight))
            else:
                self._share(offer, number, coupon, amount, weight)
        self.touched |= bit
        self.count(offer, total, units)
        return total

    def take_shipping(self, offer: Offer, amount: int) -> None:
        """Takes ``amount`` off the shipping charge, which is line 0 of the shares."""
        coupon = self.coupon_of(offer)
        if len(offer.payers) == 1:
            self.shares.append(Share(0, offer.code, offer.payers[0], coupon, amount, self.shipping))
        else:
            self._share(offer, 0, coupon, amount, self.shipping)
        self.shipping -= amount
        self.shipping_met |= offer.bit
        self.shipping_who = (*self.shipping_who, offer.code)
        self.count(offer, amount, 0)

    def _share(self, offer: Offer, number: int, coupon: str, amount: int, weight: int) -> None:
        for payer, part in zip(offer.payers, allocate(amount, offer.weights), strict=True):
            if part:
                self.shares.append(Share(number, offer.code, payer, coupon, part, weight))

    def coupon_of(self, offer: Offer) -> str:
        """The coupon that opened the offer, noted as used; "" for none."""
        coupon = self.coupons.get(offer.code)
        if coupon is None:
            return ""
        if coupon.code not in self.coupons_used:
            self.coupons_used.append(coupon.code)
        return coupon.code

    def count(self, offer: Offer, money: int, units: int) -> None:
        """Books what an applied offer takes from its counters."""
        limits, code = offer.limits, offer.code
        takes = self.takes
        counts: tuple[tuple[int | None, Literal["uses", "uses_per_day", "uses_per_customer"]], ...] = (
            (limits.uses, "uses"),
            (limits.uses_per_day, "uses_per_day"),
            (limits.uses_per_customer, "uses_per_customer"),
        )
        for limit, kind in counts:
            if limit is not None:
                takes.append(Take(counter(code, kind), 1))
        if limits.units is not None:
            takes.append(Take(offer.units_key, units))
        if limits.units_per_customer is not None:
            takes.append(Take(offer.units_per_customer_key, units))
        if money and limits.money_minor is not None:
            takes.append(Take(offer.money_key, money))
        if money and offer.campaign_key and offer.campaign_key in self.remaining:
            self._money[offer.campaign_key] = self._money.get(offer.campaign_key, 0) + money
            takes.append(Take(offer.campaign_key, money))
