"""Why a rule gave what it gave, in the reader's language; the words are those of ``promotions.engine.explaining``."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.promotions.engine.explaining import sentence_key, shown
from tongpan.promotions.engine.results import Trial

TRIALS: dict[str, str | Promise] = {
    "applied": _("It takes %(amount)s off."),
    "applied_in_part": _("It takes %(amount)s off; another %(unplaced)s would bring units under their floor."),
    "gift": _("It gives %(gifts)s."),
    "not_started": _("It starts at %(starts_at)s."),
    "over": _("It was over at %(ends_at)s."),
    "not_at_this_time": _("It is not open on this weekday, date or hour."),
    "channel": _("It is not for this channel, only for %(channels)s."),
    "shop": _("It is not for this shop, only for %(shops)s."),
    "node": _("It is not for this store, only for %(nodes)s."),
    "region": _("It is not for this region, only for %(regions)s."),
    "region_out": _("It is not for %(region)s."),
    "source": _("It is only for buyers who come by %(sources)s."),
    "payment": _("It is only for payment by %(payments)s."),
    "member": _("It is for members only."),
    "not_member": _("It is for buyers who are no members."),
    "tier": _("It is only for the tiers %(tiers)s."),
    "segment": _("It is only for the segments %(segments)s."),
    "segment_out": _("It is not for the segments %(segments)s."),
    "new_customer": _("It is for a first order only."),
    "not_new_customer": _("It is for buyers who have bought before."),
    "coupon_missing": _("Its coupon is missing."),
    "coupon_not_needed": _("The coupon %(coupon)s is not needed for it."),
    "unknown_rule": _("The coupon %(coupon)s belongs to no rule of this rulebook."),
    "once_per_order": _("It was used in this order already; the coupon %(coupon)s is left over."),
    "scope_empty": _("None of its goods are in the cart."),
    "excluded": _("It does not go together with %(rules)s."),
    "discounted": _("It is for goods without another discount; there is %(rules)s."),
    "below_amount": _("It needs %(needs)s more."),
    "below_qty": _("It needs %(needs)s more units."),
    "incomplete": _("Part %(part)s of the set lacks %(needs)s units."),
    "not_valued": _("What is traded in was not valued."),
    "outdone": _("%(rules)s gives more, and only one of them applies."),
    "no_gain": _("The price is as low already."),
    "floor": _("The goods are at their floor price."),
    "no_shipping": _("There is no shipping charge left to lower."),
    "uses_spent": _("It was used %(limit)s times, as often as it may be."),
    "day_spent": _("It was used %(limit)s times today, as often as it may be."),
    "customer_limit": _("This buyer used it %(limit)s times, as often as one may."),
    "units_spent": _("Its quota of units is sold."),
    "budget_spent": _("Its budget lacks %(needs)s for this cart."),
}


def trial_words(trial: Trial, currency: str) -> str:
    """The trial in one sentence."""
    return str(TRIALS[sentence_key(trial)]) % shown(trial.params, currency)
