"""What a refund gives back: to the buyer, to whoever bore a share of a discount, and by which tender. Pure.

1. ``share_out`` spreads what was paid over the goods and charges of the order, once: money off the whole order
   falls on the goods by their amounts, and what was paid differs from the total by every part in proportion.
2. A line of ``qty`` units and amount ``a`` owes its first k units cum(k) = k · (a div qty) + min(k, a mod qty): the
   largest-remainder split over equal units with ties to the earlier unit. Units that come back take
   cum(after) − what was given back for the line, so that partial returns in every order add up exactly.
3. The share of each payer of a discount is given back by the same rule.
4. The sum goes back to the tenders group by group (money before points before coupons, as the policy orders them),
   within a group in proportion to what is left of each tender: no tender gets back more than it gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from tongpan.core.money import allocate

ChargeMode = Literal["none", "share", "whole"]
CHARGE_MODES = ("none", "share", "whole")
"""none: charges (postage, fees) are kept. share: each unit takes its part of them. whole: with the last unit."""

GiftMode = Literal["keep", "return_or_charge"]
GIFT_MODES = ("keep", "return_or_charge")


class Share(NamedTuple):
    """What one payer bore of the price of a line, in minor units."""

    payer: str
    code: str
    amount_minor: int


class GoodsLine(NamedTuple):
    """A goods line. amount_minor: what the buyer paid for it. gift_minor: what one unit of a gift is charged at
    when it is kept, 0 for goods that are no gift."""

    line_id: int
    qty: int
    amount_minor: int
    shares: Sequence[Share] = ()
    gift_minor: int = 0


class ChargeLine(NamedTuple):
    """A charge that the buyer paid, above zero. parts: of each goods line, at the positions of ``Sale.lines``."""

    line_id: int
    code: str
    amount_minor: int
    parts: Sequence[int] = ()


class Tender(NamedTuple):
    """What the buyer paid with. kind: money, stored_value, gift_card, points or coupon."""

    seq: int
    method: str
    kind: str
    amount_minor: int


class Sale(NamedTuple):
    """What was paid for an order, shared out: Σ lines + Σ charges = Σ tenders = paid_minor."""

    lines: Sequence[GoodsLine]
    charges: Sequence[ChargeLine]
    tenders: Sequence[Tender]
    paid_minor: int


class Given(NamedTuple):
    """What was given back before, of refunds that are proposed, approved or paid, and by the channel itself.

    units, buyer: by line id (buyer also of charges). payers: by (line id, payer, code). withheld: of gifts kept.
    tenders: by their number. total: all that the buyer was given back.
    """

    units: Mapping[int, int] = {}
    buyer: Mapping[int, int] = {}
    payers: Mapping[tuple[int, str, str], int] = {}
    withheld_minor: int = 0
    tenders: Mapping[int, int] = {}
    total_minor: int = 0


class Terms(NamedTuple):
    """How the policy has this refund made. deduct_minor: the buyer's part of sending the goods back.

    charges_for: of which lines the units take their part of the charges (mode "share"); None for all.
    """

    charges: ChargeMode = "share"
    gifts: GiftMode = "return_or_charge"
    tender_groups: Sequence[Sequence[str]] = (("money",),)
    deduct_minor: int = 0
    charges_for: frozenset[int] | None = None


class LineRefund(NamedTuple):
    """Units of one line: what the buyer gets back for them, and what each payer of a discount does."""

    line_id: int
    qty: int
    buyer_minor: int
    shares: Sequence[Share]


class RefundShares(NamedTuple):
    """One refund: total = Σ lines + Σ charges − withheld − deducted − cut, from 0 to what is left of the payment.

    withheld_minor: for gifts that were kept; below zero when they came back later. cut_minor: what the channel
    has given back already. charges: (line id, minor units). tenders: (tender, minor units).
    """

    lines: Sequence[LineRefund]
    charges: Sequence[tuple[int, int]]
    withheld_minor: int
    deducted_minor: int
    cut_minor: int
    total_minor: int
    tenders: Sequence[tuple[Tender, int]]


def cumulated(amount_minor: int, qty: int, units: int) -> int:
    """What the first ``units`` of ``qty`` equal units carry of ``amount_minor`` (≥ 0)."""
    whole, rest = divmod(amount_minor, qty)
    return units * whole + min(units, rest)


def share_out(
    lines: Sequence[GoodsLine],
    charges: Sequence[tuple[int, str, int]],
    tenders: Sequence[Tender],
    paid_minor: int | None,
) -> Sale:
    """What was paid, spread over goods and charges. charges: (line id, code, signed minor units).

    Negative charges lower the goods. paid_minor: what was paid in all, None for the total of the order. Tenders
    that do not add up to it are scaled; without any there is one of kind "money" and method "".
    """
    goods = [max(0, line.amount_minor) for line in lines]
    plus = [charge for charge in charges if charge[2] > 0]
    off = sum(charge[2] for charge in charges if charge[2] < 0)
    wanted = max(0, sum(goods) + off)
    owed = allocate(wanted, goods) if goods and wanted != sum(goods) else goods
    extras = [charge[2] for charge in plus]
    total = sum(owed) + sum(extras)
    paid = total if paid_minor is None else max(0, paid_minor)
    if paid != total and owed + extras:
        spread = allocate(paid, owed + extras)
        owed, extras = spread[: len(owed)], spread[len(owed) :]
    return Sale(
        [line._replace(amount_minor=amount) for line, amount in zip(lines, owed, strict=True)],
        [
            ChargeLine(line_id, code, amount, allocate(amount, owed) if owed else ())
            for (line_id, code, _), amount in zip(plus, extras, strict=True)
        ],
        _scaled(tenders, paid),
        paid,
    )


def _scaled(tenders: Sequence[Tender], paid: int) -> list[Tender]:
    given = [tender for tender in tenders if tender.amount_minor > 0]
    if not given:
        return [Tender(0, "", "money", paid)]
    amounts = [tender.amount_minor for tender in given]
    if sum(amounts) == paid:
        return given
    return [t._replace(amount_minor=share) for t, share in zip(given, allocate(paid, amounts), strict=True)]


def refund_of(sale: Sale, given: Given, units: Mapping[int, int], terms: Terms) -> RefundShares:
    """What ``units`` (by line id) take back after what was given before.

    Raises ValueError when more units would be taken back than the line has, or a line is not the order's: the
    caller refuses such a request before.
    """
    if unknown := units.keys() - {line.line_id for line in sale.lines}:
        raise ValueError(f"Line {min(unknown)} is not of this order.")
    back: list[LineRefund] = []
    positions: list[tuple[int, GoodsLine, int, int]] = []
    goods_minor, gift_target, is_whole = 0, 0, True
    for position, line in enumerate(sale.lines):
        line_id, qty, amount, shares, gift = line
        before = given.units.get(line_id, 0)
        now = units.get(line_id, 0)
        after = before + now
        if now < 0 or after > qty:
            raise ValueError(f"Line {line_id} has {qty} units; {after} cannot come back.")
        if gift:
            gift_target += (qty - after) * gift
        elif after < qty:
            is_whole = False
        if now:
            positions.append((position, line, before, after))
            buyer = max(0, cumulated(amount, qty, after) - given.buyer.get(line_id, 0))
            goods_minor += buyer
            back.append(LineRefund(line_id, now, buyer, _payers(line_id, qty, shares, after, given)))
    charges = _charges(sale.charges, given, positions, terms, is_whole=is_whole) if sale.charges else []
    gross = goods_minor + sum(amount for _, amount in charges)
    target = gift_target if is_whole and terms.gifts == "return_or_charge" else 0
    withheld = min(gross, target - given.withheld_minor) if units else 0
    deducted = min(terms.deduct_minor, gross - withheld)
    left = max(0, sale.paid_minor - given.total_minor)
    asked = gross - withheld - deducted
    total = min(asked, left)
    return RefundShares(
        back, charges, withheld, deducted, asked - total, total, pay_back(sale.tenders, given.tenders, total, terms)
    )


def _payers(line_id: int, qty: int, shares: Sequence[Share], after: int, given: Given) -> list[Share]:
    found = []
    for payer, code, amount in shares:
        due = cumulated(amount, qty, after) - given.payers.get((line_id, payer, code), 0)
        if due > 0:
            found.append(Share(payer, code, due))
    return found


def _charges(
    charges: Sequence[ChargeLine],
    given: Given,
    positions: Sequence[tuple[int, GoodsLine, int, int]],
    terms: Terms,
    *,
    is_whole: bool,
) -> list[tuple[int, int]]:
    if terms.charges == "none" or (terms.charges == "whole" and not is_whole):
        return []
    found = []
    for charge in charges:
        left = charge.amount_minor - given.buyer.get(charge.line_id, 0)
        if terms.charges == "whole":
            due = left
        else:
            due = sum(
                cumulated(charge.parts[position], line.qty, after) - cumulated(charge.parts[position], line.qty, before)
                for position, line, before, after in positions
                if terms.charges_for is None or line.line_id in terms.charges_for
            )
            due = min(due, left)
        if due > 0:
            found.append((charge.line_id, due))
    return found


def pay_back(
    tenders: Sequence[Tender], given: Mapping[int, int], amount_minor: int, terms: Terms
) -> list[tuple[Tender, int]]:
    """``amount_minor`` (at most what is left of all tenders) by tender, group by group of the terms.

    Kinds that no group names come last.
    """
    if not amount_minor:
        return []
    named = {kind for group in terms.tender_groups for kind in group}
    rest = tuple({tender.kind for tender in tenders} - named)
    found: list[tuple[Tender, int]] = []
    for group in (*terms.tender_groups, rest):
        members = [t for t in tenders if t.kind in group and t.amount_minor > given.get(t.seq, 0)]
        if not members:
            continue
        room = [t.amount_minor - given.get(t.seq, 0) for t in members]
        taken = min(amount_minor, sum(room))
        shares = [taken] if len(room) == 1 else allocate(taken, room)
        found += [(t, share) for t, share in zip(members, shares, strict=True) if share]
        amount_minor -= taken
        if not amount_minor:
            break
    return found


def add(given: Given, refund: RefundShares) -> Given:
    """What was given back once ``refund`` is, too."""
    units, buyer, payers = dict(given.units), dict(given.buyer), dict(given.payers)
    for line_id, qty, amount, shares in refund.lines:
        units[line_id] = units.get(line_id, 0) + qty
        buyer[line_id] = buyer.get(line_id, 0) + amount
        for payer, code, share in shares:
            key = (line_id, payer, code)
            payers[key] = payers.get(key, 0) + share
    for line_id, amount in refund.charges:
        buyer[line_id] = buyer.get(line_id, 0) + amount
    tenders = dict(given.tenders)
    for tender, amount in refund.tenders:
        tenders[tender.seq] = tenders.get(tender.seq, 0) + amount
    return Given(
        units,
        buyer,
        payers,
        given.withheld_minor + refund.withheld_minor,
        tenders,
        given.total_minor + refund.total_minor,
    )
