"""Evaluating a cart: which rules apply, what each takes off which line, who bears it, and why others do not. Pure.

1. The index of the book gives the offers that are open at the instant in the channel and name goods of the cart.
2. Lanes go in sequence. An offer may touch a line when its group and those of all offers that touched the line before
   are declared pairs of the stack matrix; its thresholds count only lines that it may touch.
3. Inside a lane: *all* applies every offer by priority, then code. *best* and *first* let at most one offer of the lane
   onto a line (``choosing``).
4. Where rules may not meet, the earlier lane has the line, or the buyer what costs least (``clashing``).
5. What is taken off lines together is spread by what is left to pay (``spreading``); no unit goes under its floor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby

from tongpan.core.errors import Refusal
from tongpan.promotions.engine.book import Book, Offer
from tongpan.promotions.engine.carts import ANYONE, Cart, Customer, Line, Remaining
from tongpan.promotions.engine.choosing import choose
from tongpan.promotions.engine.clashing import plans
from tongpan.promotions.engine.extras import run_extras
from tongpan.promotions.engine.gates import Moment
from tongpan.promotions.engine.offering import propose, ready_lines
from tongpan.promotions.engine.results import LineResult, Result
from tongpan.promotions.engine.tally import Tally

MAX_LINES = 10_000
MOST_MINOR = 10**15
NOTHING_TAKEN: Remaining = {}


class BadCart(Refusal):
    """The cart makes no sense; nothing was evaluated."""

    def __init__(self, sentence: str) -> None:
        super().__init__("promotions.cart", sentence)


def evaluate(
    book: Book,
    cart: Cart,
    customer: Customer = ANYONE,
    *,
    at: datetime,
    remaining: Remaining = NOTHING_TAKEN,
) -> Result:
    """What ``cart`` costs at the aware instant ``at`` under ``book``, and why.

    remaining: what is left of counters; of one that it lacks, the whole limit is. ``Result.trials`` tells of each rule
    that is open now and names goods of the cart, or was asked for by a coupon; ``explaining.explain`` tells of all.
    Raises BadCart for carts that make no sense and ValueError for an instant without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("The instant of an evaluation has no time zone.")
    check_cart(book, cart)
    tally = Tally(cart, customer, remaining)
    moment = Moment(at)
    found = candidates(book, cart, moment, tally)
    offers = []
    for offer, where in found:
        for gate in offer.gates:
            if (shut := gate(cart, customer, moment, remaining)) is not None:
                tally.refuse(offer, *shut)
                break
        else:
            offers.append((offer, where))
    if book.rulebook.settings.clash == "buyer" and (sets := plans([offer for offer, _ in offers])):
        tally = _cheapest(book, offers, sets, tally)
    else:
        _run_lanes(book, offers, tally)
    lines = tally.lines
    results = tuple(
        [LineResult(line[0], init, net) for line, init, net in zip(lines, tally.init, tally.run, strict=True)]
    )
    return Result(
        book.version,
        results,
        tuple(tally.shares),
        tuple(tally.gifts),
        tally.shipping,
        tuple(tally.takes),
        tuple(tally.coupons_used),
        tuple(tally.trials),
        tally.total,
    )


def _cheapest(book: Book, offers: list[tuple[Offer, list[int]]], sets: list[int], tally: Tally) -> Tally:
    """Of the lanes in sequence and of each set of groups by itself, what costs least; the first of equals."""
    best, left = tally.copy(), list[Offer]()
    _run_lanes(book, offers, best)
    for bits in sets:
        one = tally.copy()
        _run_lanes(book, [pair for pair in offers if not pair[0].is_lowering or pair[0].bit & bits], one)
        if one.total < best.total:
            best, left = one, [pair[0] for pair in offers if pair[0].is_lowering and not pair[0].bit & bits]
    rules = sorted({trial.rule for trial in best.trials if trial.applied})
    for offer in left:
        best.refuse(offer, "outdone", {"rules": rules})
    return best


def evaluate_many(
    book: Book, requests: Iterable[tuple[Cart, Customer, datetime]], remaining: Remaining = NOTHING_TAKEN
) -> Iterator[Result]:
    """``evaluate`` of each request by itself, one after the other; counters are not moved between them."""
    for cart, customer, at in requests:
        yield evaluate(book, cart, customer, at=at, remaining=remaining)


def check_cart(book: Book, cart: Cart) -> None:
    """Raises BadCart, in one sentence, for a cart that cannot be priced."""
    lines, currency = cart.lines, cart.currency
    if currency != book.rulebook.settings.currency:
        raise BadCart(
            f"The cart is in {currency}, the rulebook in {book.rulebook.settings.currency}; price them apart."
        )
    if len(lines) > MAX_LINES:
        raise BadCart(f"The cart has {len(lines)} lines; at most {MAX_LINES} are priced at once.")
    if cart.shipping_minor < 0:
        raise BadCart("The shipping charge is negative.")
    numbers = set()
    for line in lines:
        number, _sku, qty, unit, floor, _cost, _product, _categories, _tags, own = line
        if (
            type(qty) is not int
            or type(unit) is not int
            or qty <= 0
            or unit < 0
            or floor < 0
            or number <= 0
            or (own and own != currency)
            or qty * unit > MOST_MINOR
        ):
            raise BadCart(_fault(line, currency))
        numbers.add(number)
    if len(numbers) != len(lines):
        twice = next(number for number, count in Counter(line.number for line in lines).items() if count > 1)
        raise BadCart(f"Two lines have the number {twice}; give each its own.")


def _fault(line: Line, currency: str) -> str:
    """What is wrong with a line, in one sentence."""
    name = f"Line {line.number} ({line.sku})"
    if type(line.qty) is not int or type(line.unit_minor) is not int:
        return f"{name} has a quantity or a price that is no whole number; prices are minor units."
    if line.qty <= 0:
        return f"{name} has the quantity {line.qty}; it must be at least 1."
    if line.unit_minor < 0:
        return f"{name} has the negative price {line.unit_minor}."
    if line.floor_minor < 0:
        return f"{name} has the negative floor {line.floor_minor}."
    if line.number <= 0:
        return f"{name} has no number above 0."
    if line.currency and line.currency != currency:
        return f"{name} is in {line.currency}, the cart in {currency}; price them apart."
    return f"{name} comes to {line.qty * line.unit_minor}; more than {MOST_MINOR} is not priced."


def candidates(book: Book, cart: Cart, moment: Moment, tally: Tally) -> list[tuple[Offer, list[int]]]:
    """The offers that are open and name lines of the cart, with these, in the order of lane, priority and code."""
    index = book.index(moment.at, cart.channel)
    lines, offers, orders = tally.lines, book.offers, index.orders
    found: dict[int, list[int]] = {}
    for position, line in enumerate(lines):
        for order in orders(line):
            where = found.get(order)
            if where is None:
                found[order] = [position]
            else:
                where.append(position)
    if index.everywhere and lines:
        every = list(range(len(lines)))
        for offer in index.everywhere:
            found[offer.order] = every
    if cart.coupons:
        for offer in _opened(book, cart, index.opened, moment, tally):
            if where := [position for position, line in enumerate(lines) if offer.touches(line)]:
                found[offer.order] = where
            else:
                tally.refuse(offer, "scope_empty", {})
    return [(offers[order], found[order]) for order in sorted(found)]


def _opened(book: Book, cart: Cart, opened: Mapping[str, Offer], moment: Moment, tally: Tally) -> Iterator[Offer]:
    """The offers that the cart's coupons open here and now; of two coupons of one rule that of more value counts."""
    for coupon in sorted(cart.coupons, key=lambda coupon: (-coupon.value_minor, coupon.code)):
        offer = book.by_code.get(coupon.rule)
        if offer is None:
            tally.say(coupon.rule, "unknown_rule", {"coupon": coupon.code})
        elif not offer.rule.is_opened:
            tally.say(coupon.rule, "coupon_not_needed", {"coupon": coupon.code})
        elif offer.code in tally.coupons:
            tally.say(coupon.rule, "once_per_order", {"coupon": coupon.code})
        else:
            tally.coupons[offer.code] = coupon
            if offer.code in opened:
                yield offer
            else:
                for gate in offer.indexed_gates:
                    if (shut := gate(cart, tally.customer, moment, tally.remaining)) is not None:
                        tally.refuse(offer, *shut)
                        break


def _run_lanes(book: Book, offers: list[tuple[Offer, list[int]]], tally: Tally) -> None:
    for lane, group in groupby(offers, key=_lane):
        _run(book, lane, list(group), tally)


def _lane(pair: tuple[Offer, list[int]]) -> int:
    return pair[0].lane


def _run(book: Book, lane_number: int, group: list[tuple[Offer, list[int]]], tally: Tally) -> None:
    """One lane: its gifts and shipping offers by themselves, the others by the chooser."""
    lane = book.lanes[lane_number]
    base = tally.init if lane.base == "initial" else tally.run
    lowering = [(offer, where) for offer, where in group if offer.is_lowering]
    if lane.chooser == "all":
        for offer, where in lowering:
            if (ready := ready_lines(tally, offer, base, where)) is not None:
                propose(tally, offer, base, ready).apply_alone(tally)
    elif lane.chooser == "best":
        choose(tally, base, lowering, None)
    else:
        taken = [False] * len(tally.lines)
        for _, level in groupby(lowering, key=lambda pair: pair[0].priority):
            choose(tally, base, list(level), taken)
    if len(lowering) < len(group):
        extras = [pair for pair in group if not pair[0].is_lowering]
        run_extras(tally, base, extras, is_one=lane.chooser != "all", is_best=lane.chooser == "best")
