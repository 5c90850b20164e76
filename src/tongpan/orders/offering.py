"""Between a priced cart and an order: what the front says, what the buyer agreed to, the lines it becomes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal
from tongpan.orders.engine import DiscountDoc, LineDoc
from tongpan.promotions.coupons import refuse
from tongpan.promotions.engine.rules import Rule
from tongpan.promotions.pricing_carts import Opened, Quote

POSTAGE = frozenset({"postage", "shipping", "freight"})
"""Codes of charges that offers of free shipping lower."""


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """What the shop front says of a cart beside its lines; fields as in ``promotions.pricing_carts.CartRequest``."""

    coupons: Sequence[str] = ()
    opened: Sequence[Opened] = ()
    source: str = ""
    payment: str = ""
    tier: str = ""
    segments: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_member: bool = False


NO_OFFERS = OfferFacts()


def postage_of(charges: Sequence[LineDoc]) -> int:
    """What the charges ask for shipping, in minor units."""
    return max(0, sum(charge.amount_minor for charge in charges if charge.code in POSTAGE))


def agree(quote: Quote, token: str) -> None:
    """Refuse a cart that costs something else than its buyer was shown.

    token: of the quote that was shown, "" for none: then the unit prices of the front must be those of the price book.
    Raises Refusal coupon.* for a coupon that cannot be used, or cart.price_changed.
    """
    currency = quote.request.currency
    for found in quote.coupons:
        if found.problem:
            raise refuse(found)
    if token:
        if token != quote.token:
            raise Refusal(
                "cart.price_changed",
                f"The cart was changed, or its prices were: it costs {to_decimal(quote.total_minor, currency)} "
                f"{currency} now. Ask for a new quote and let the buyer agree to it.",
            )
        return
    for line in quote.changed:
        shown = to_decimal(line.asked_minor or 0, currency)
        raise Refusal(
            "cart.price_changed",
            f"SKU {line.sku} costs {to_decimal(line.unit_minor, currency)} {currency} a unit now, not {shown}. "
            "Ask for a new quote and let the buyer agree to it.",
        )


def documents_of(quote: Quote, charges: Sequence[LineDoc]) -> tuple[list[LineDoc], list[DiscountDoc]]:
    """The lines of the order: goods at what is to be paid for them, gifts at 0, charges; and who bears what was
    taken off. What is off the shipping charge lowers the charge itself."""
    currency = quote.request.currency
    rules = {rule.code: rule for rule in quote.book.rulebook.rules}
    lines = [
        LineDoc("goods", line.sku, line.name, line.qty, line.net_minor, to_decimal(line.unit_minor, currency))
        for line in quote.lines
    ]
    lines += [
        LineDoc("goods", gift.sku, "", gift.qty, 0, to_decimal(0, currency), f"gift:{gift.rule}")
        for gift in quote.result.gifts
    ]
    discounts = [
        DiscountDoc(
            share.payer, share.amount_minor, share.line - 1, share.coupon or share.rule, _name(rules, share.rule)
        )
        for share in quote.result.discounts
        if share.line
    ]
    off = quote.request.shipping_minor - quote.result.shipping_minor
    for charge in charges:
        if off and charge.code in POSTAGE and charge.amount_minor > 0:
            taken = min(off, charge.amount_minor)
            off -= taken
            lines.append(charge._replace(amount_minor=charge.amount_minor - taken))
        else:
            lines.append(charge)
    return lines, discounts


def _name(rules: Mapping[str, Rule], code: str) -> str:
    rule = rules.get(code)
    return (rule.name_zh or rule.name_en or code) if rule else code
