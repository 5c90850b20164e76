"""One past order through a rulebook. Pure: no clock, no table; the moment is when the order was placed.

Goods go into the cart at what they cost before discounts, or at what the price lists ask; channel, shop, region,
payment and buyer are those of the order. Margin and discounts are of goods; the shipping charge is told by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tongpan.orders.replaying.basics import Ask, Figures, LineOutcome, Off, Outcome, PastLine, PastOrder, Said
from tongpan.orders.replaying.counters import Counters
from tongpan.orders.replaying.shelf import Shelf
from tongpan.promotions.engine.book import Book
from tongpan.promotions.engine.carts import Cart, Coupon, Customer, Line, Remaining
from tongpan.promotions.engine.evaluate import BadCart, evaluate
from tongpan.promotions.engine.results import Result
from tongpan.promotions.engine.rules import OPENED_KINDS

OWN = frozenset({"shop", "unknown"})
"""Payers whose part nobody gives back to the shop."""
NOTHING_SAID = Said()
_NO_LIMITS: Remaining = {}


@dataclass(slots=True)
class Replay:
    """Plays orders in the order of time. counters: what limits have left inside this run."""

    book: Book
    ask: Ask
    shelf: Shelf
    counters: Counters
    _tiers: list[tuple[int, str]] = field(init=False)
    _everyones: tuple[Coupon, ...] = field(init=False)
    _currency: str = field(init=False)

    def __post_init__(self) -> None:
        self._tiers = sorted(((amount, tier) for tier, amount in self.ask.tiers.items()), reverse=True)
        self._everyones = tuple(
            Coupon(f"any:{rule.code}", rule.code)
            for rule in self.book.rulebook.rules
            if self.ask.coupons == "all" and rule.needs_coupon and rule.kind not in OPENED_KINDS
        )
        self._currency = self.book.rulebook.settings.currency

    def play(self, order: PastOrder) -> Outcome:
        """The order before and after; books what it takes of limits."""
        said = order.said or NOTHING_SAID
        tier = said.tier if order.said else self._tier(order)
        bought = [line for line in order.lines if not line.is_gift and line.qty > 0]
        before, rules_before = self._before(order)
        skipped = ""
        if not bought:
            skipped = "no_goods"
        elif order.currency != self._currency:
            skipped = "currency"
        if not skipped:
            try:
                result = self.price(order, bought, said, tier)
            except BadCart:
                skipped = "unpriceable"
        if skipped:
            return Outcome(order, tier, skipped, before, before, (), (), rules_before, rules_before, False, False)
        return self._compare(order, bought, result, tier=tier, before=before, rules_before=rules_before)

    def _tier(self, order: PastOrder) -> str:
        if order.customer_id is not None:
            for amount, tier in self._tiers:
                if order.spent_minor >= amount:
                    return tier
        return ""

    def price(self, order: PastOrder, bought: Sequence[PastLine], said: Said, tier: str) -> Result:
        """What the rulebook says of what was ``bought``; books what it takes of limits. Raises BadCart."""
        lines: list[Line] = []
        is_member = said.is_member or (order.said is None and bool(tier))
        scopes = said.scopes | {"member"} if is_member else said.scopes
        for position, line in enumerate(bought):
            facts = self.shelf.facts(line.sku, order.channel, order.region, order.currency)
            unit = None
            if self.ask.prices == "book":
                unit = self.shelf.price(
                    line.sku, order.channel, order.currency, tier=tier, region=order.region, qty=line.qty, scopes=scopes
                )
            if unit is None:
                amount = line.net_minor + sum([off.amount_minor for off in line.offs])
                unit, odd = divmod(amount, line.qty)
            else:
                odd = 0
            # An amount that its units do not share evenly becomes two lines, so that no minor unit is lost.
            number, qty = 2 * position + 1, line.qty
            if odd:
                lines.append(
                    Line(number + 1, line.sku, odd, unit + 1, facts.floor_minor, None, facts.product,
                         facts.categories, facts.tags)
                )  # fmt: skip
                qty -= odd
            lines.append(
                Line(number, line.sku, qty, unit, facts.floor_minor, None, facts.product, facts.categories, facts.tags)
            )
        cart = Cart(
            tuple(lines),
            order.channel,
            order.currency,
            order.shop,
            order.node,
            order.region,
            said.source,
            said.payment or order.payment,
            max(0, order.shipping_minor + order.shipping_off_minor),
            self._coupons(order, said),
        )
        customer = Customer(
            "" if order.customer_id is None else str(order.customer_id),
            tier,
            said.segments,
            is_member,
            said.is_new if order.said else order.is_new,
        )
        if not self.counters.is_needed:
            return evaluate(self.book, cart, customer, at=order.placed_at, remaining=_NO_LIMITS)
        self.counters.turn_to(order.customer_id, order.placed_at)
        result = evaluate(self.book, cart, customer, at=order.placed_at, remaining=self.counters)
        self.counters.take(result.takes)
        return result

    def _coupons(self, order: PastOrder, said: Said) -> tuple[Coupon, ...]:
        """Those that the order had; of one that was not priced here, those whose rules its discounts are named by."""
        if order.said is not None:
            brought = tuple(Coupon(*coupon) for coupon in said.coupons)
        else:
            by_code = self.book.by_code
            names = {off.rule for line in order.lines for off in line.offs if off.rule in by_code}
            brought = tuple(Coupon(name, name) for name in sorted(names) if by_code[name].rule.is_opened)
        if not self._everyones:
            return brought
        opened = {coupon.rule for coupon in brought}
        return (*brought, *(coupon for coupon in self._everyones if coupon.rule not in opened))

    def _before(self, order: PastOrder) -> tuple[Figures, dict[str, int]]:
        figures, rules = Figures(), dict[str, int]()
        figures.shipping_minor = order.shipping_minor
        for line in order.lines:
            if line.is_gift:
                figures.gifts += line.qty
            offs = line.offs
            listed = line.net_minor + sum([off.amount_minor for off in offs]) if offs else line.net_minor
            self._count(figures, order, line, listed=listed, net=line.net_minor, offs=offs)
            for rule, payer, amount in offs:
                figures.offs[payer] = figures.offs.get(payer, 0) + amount
                rules[rule] = rules.get(rule, 0) + amount
        return figures, rules

    def _compare(
        self,
        order: PastOrder,
        bought: Sequence[PastLine],
        result: Result,
        *,
        tier: str,
        before: Figures,
        rules_before: dict[str, int],
    ) -> Outcome:
        amounts, nets = [0] * len(bought), [0] * len(bought)
        offs: list[list[Off]] = [[] for _ in bought]
        figures, rules = Figures(), dict[str, int]()
        for number, amount, net in result.lines:
            position = (number - 1) // 2
            amounts[position] += amount
            nets[position] += net
        for number, rule, payer, _coupon, amount, _weight in result.discounts:
            rules[rule] = rules.get(rule, 0) + amount
            if number:
                offs[(number - 1) // 2].append(Off(rule, payer, amount))
                figures.offs[payer] = figures.offs.get(payer, 0) + amount
        is_changed = False
        lines = []
        for line, amount, net, taken in zip(bought, amounts, nets, offs, strict=True):
            self._count(figures, order, line, listed=amount, net=net, offs=taken)
            is_changed |= net != line.net_minor
            lines.append(
                LineOutcome(
                    line.number, line.sku, line.qty, amount, line.net_minor, net, line.offs, tuple(taken)
                )
            )  # fmt: skip
        gifts: dict[str, int] = {}
        for gift in result.gifts:
            gifts[gift.sku] = gifts.get(gift.sku, 0) + gift.qty
            figures.gifts += gift.qty
            rules.setdefault(gift.rule, 0)
            cost = self.shelf.cost(gift.sku, order.currency, order.placed_at)
            if gift.payer in OWN and cost is not None:
                figures.cost_minor += cost * gift.qty
                figures.margin_minor -= cost * gift.qty
            elif gift.payer in OWN:
                figures.unknown_lines += 1
        figures.shipping_minor = result.shipping_minor
        given: dict[str, int] = {}
        for line in order.lines:
            if line.is_gift and line.qty:
                given[line.sku] = given.get(line.sku, 0) + line.qty
        is_changed |= gifts != given or result.shipping_minor != order.shipping_minor
        is_touched = bool(
            is_changed or rules or rules_before or before.under_floor or before.outside_band
            or figures.under_floor or figures.outside_band
        )  # fmt: skip
        return Outcome(
            order, tier, "", before, figures, tuple(lines), tuple(sorted(gifts.items())), rules_before, rules,
            is_changed, is_touched,
        )  # fmt: skip

    def _count(
        self, figures: Figures, order: PastOrder, line: PastLine, *, listed: int, net: int, offs: Sequence[Off]
    ) -> None:
        """Count one line of goods: what it cost, what is earned on it, and what it breaks."""
        sku, qty = line.sku, line.qty
        figures.list_minor += listed
        figures.revenue_minor += net
        cost = self.shelf.cost(sku, order.currency, order.placed_at)
        if cost is None:
            figures.unknown_lines += 1
            figures.unknown_minor += net
        else:
            borne = sum([off.amount_minor for off in offs if off.payer not in OWN]) if offs else 0
            figures.cost_minor += cost * qty
            figures.margin_minor += net + borne - cost * qty
        if line.is_gift or qty <= 0:
            return
        floor, low, high, *_ = self.shelf.facts(sku, order.channel, order.region, order.currency)
        if net < floor * qty:
            figures.under_floor += 1
        if low is not None and high is not None:
            judged = net if self.shelf.is_net_banded else listed
            if not low * qty <= judged <= high * qty:
                figures.outside_band += 1
