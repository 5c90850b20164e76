"""Why each rule of a book gave what it gave, as reasons and as sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from tongpan.core.money import to_decimal
from tongpan.promotions.engine.book import Book, Offer
from tongpan.promotions.engine.carts import ANYONE, Cart, Customer, Remaining
from tongpan.promotions.engine.evaluate import NOTHING_TAKEN, evaluate
from tongpan.promotions.engine.gates import Moment
from tongpan.promotions.engine.results import Trial

SENTENCES = {
    "applied": "It takes %(amount)s off.",
    "applied_in_part": "It takes %(amount)s off; another %(unplaced)s would bring units under their floor.",
    "gift": "It gives %(gifts)s.",
    "not_started": "It starts at %(starts_at)s.",
    "over": "It was over at %(ends_at)s.",
    "not_at_this_time": "It is not open on this weekday, date or hour.",
    "channel": "It is not for this channel, only for %(channels)s.",
    "shop": "It is not for this shop, only for %(shops)s.",
    "node": "It is not for this store, only for %(nodes)s.",
    "region": "It is not for this region, only for %(regions)s.",
    "region_out": "It is not for %(region)s.",
    "source": "It is only for buyers who come by %(sources)s.",
    "payment": "It is only for payment by %(payments)s.",
    "member": "It is for members only.",
    "not_member": "It is for buyers who are no members.",
    "tier": "It is only for the tiers %(tiers)s.",
    "segment": "It is only for the segments %(segments)s.",
    "segment_out": "It is not for the segments %(segments)s.",
    "new_customer": "It is for a first order only.",
    "not_new_customer": "It is for buyers who have bought before.",
    "coupon_missing": "Its coupon is missing.",
    "coupon_not_needed": "The coupon %(coupon)s is not needed for it.",
    "unknown_rule": "The coupon %(coupon)s belongs to no rule of this rulebook.",
    "once_per_order": "It was used in this order already; the coupon %(coupon)s is left over.",
    "scope_empty": "None of its goods are in the cart.",
    "excluded": "It does not go together with %(rules)s.",
    "discounted": "It is for goods without another discount; there is %(rules)s.",
    "below_amount": "It needs %(needs)s more.",
    "below_qty": "It needs %(needs)s more units.",
    "incomplete": "Part %(part)s of the set lacks %(needs)s units.",
    "not_valued": "What is traded in was not valued.",
    "outdone": "%(rules)s gives more, and only one of them applies.",
    "no_gain": "The price is as low already.",
    "floor": "The goods are at their floor price.",
    "no_shipping": "There is no shipping charge left to lower.",
    "uses_spent": "It was used %(limit)s times, as often as it may be.",
    "day_spent": "It was used %(limit)s times today, as often as it may be.",
    "customer_limit": "This buyer used it %(limit)s times, as often as one may.",
    "units_spent": "Its quota of units is sold.",
    "budget_spent": "Its budget lacks %(needs)s for this cart.",
}
"""The sentence of each reason; a face translates it, and fills in what ``shown`` gives."""


def explain(
    book: Book,
    cart: Cart,
    customer: Customer = ANYONE,
    *,
    at: datetime,
    remaining: Remaining = NOTHING_TAKEN,
) -> tuple[Trial, ...]:
    """One trial for each rule of the book, in the order in which rules are tried, and for coupons of no rule.

    Rules that ``evaluate`` never looked at, since its index knew better, are asked through the same gates. What
    ``evaluate`` raises, this does.
    """
    result = evaluate(book, cart, customer, at=at, remaining=remaining)
    told: dict[str, list[Trial]] = {}
    for trial in result.trials:
        told.setdefault(trial.rule, []).append(trial)
    moment = Moment(at)
    trials: list[Trial] = []
    for offer in book.offers:
        found = told.pop(offer.code, [])
        if not any(trial.reason not in ("coupon_not_needed", "once_per_order") for trial in found):
            trials.append(_unasked(offer, cart, customer, moment, remaining))
        trials += found
    return (*trials, *(trial for rest in told.values() for trial in rest))


def _unasked(offer: Offer, cart: Cart, customer: Customer, moment: Moment, remaining: Remaining) -> Trial:
    for gate in (*offer.indexed_gates, *offer.gates):
        if (shut := gate(cart, customer, moment, remaining)) is not None:
            return Trial(offer.code, False, *shut)
    return Trial(offer.code, False, "scope_empty", {})


def sentence(trial: Trial, currency: str) -> str:
    """The trial in one English sentence."""
    return SENTENCES[sentence_key(trial)] % shown(trial.params, currency)


def sentence_key(trial: Trial) -> str:
    """The key of ``SENTENCES`` for a trial: applied rules have three, by what they gave."""
    if trial.reason != "applied":
        return trial.reason
    if "gifts" in trial.params:
        return "gift"
    return "applied_in_part" if "unplaced_minor" in trial.params else "applied"


def shown(params: Mapping[str, object], currency: str) -> dict[str, str]:
    """What a sentence names, as text: amounts in major units (``needs_minor`` becomes ``needs``), lists with commas."""
    found = {}
    for word, value in params.items():
        if word.endswith("_minor") and isinstance(value, int):
            found[word.removesuffix("_minor")] = f"{to_decimal(value, currency)} {currency}"
        elif word == "gifts" and isinstance(value, list):
            found[word] = ", ".join(f"{qty} × {sku}" for sku, qty in value)
        elif isinstance(value, list):
            found[word] = ", ".join(str(one) for one in value)
        elif isinstance(value, datetime):
            found[word] = value.isoformat(" ", "minutes")
        else:
            found[word] = str(value)
    return found
