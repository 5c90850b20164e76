"""Words of the patrol, its cases and diversion."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

PART_REASONS = {
    "counted": _("Counted"),
    "filled": _("Its share of a cart filled up to the threshold"),
    "threshold": _("One unit does not reach the threshold"),
    "audience": _("Not for a normal buyer"),
    "excluded": _("Another one of the same choice takes more off"),
    "gift_ignored": _("Gifts do not count under the rules"),
    "gift_unknown": _("What the gift is worth is not known"),
}
PART_KINDS = {
    "percent": _("Percent off"),
    "direct": _("Direct discount"),
    "full_reduction": _("Full reduction"),
    "coupon": _("Coupon"),
    "cash_back": _("Cash back"),
    "gift": _("Gift"),
}
STEPS = {
    "open": _("Opened"),
    "evidence": _("Evidence asked for"),
    "confirmed": _("Confirmed"),
    "dismissed": _("Dismissed"),
    "warning": _("Warned"),
    "fine": _("Fined"),
    "termination": _("Cooperation ends"),
    "closed": _("Closed"),
    "appeal": _("Appeal filed"),
    "granted": _("Appeal granted"),
    "rejected": _("Appeal rejected"),
}
TAKE = {
    "evidence": _("Ask for evidence"),
    "confirmed": _("Confirm the violation"),
    "dismissed": _("Dismiss the case"),
    "warning": _("Warn"),
    "fine": _("Fine"),
    "termination": _("End the cooperation"),
    "closed": _("Close the case"),
    "appeal": _("File an appeal"),
    "granted": _("Grant the appeal"),
    "rejected": _("Reject the appeal"),
}
CONFLICTS = {
    "violation": _("A price that broke a rule"),
    "channels": _("Our channels differ"),
    "": _("None found"),
}
ACTIONS = {
    "hold": _("Leave it"),
    "match": _("Match the price"),
    "promote": _("Answer with a coupon"),
    "differ": _("Do not follow; differ by service or gifts"),
    "raise": _("Raise the price"),
}
SUGGESTION_REASONS = {
    "gap": _("Ours %(ours)s, theirs %(theirs)s"),
    "near": _("The gap is within %(percent)s%%"),
    "band_high": _("The band ends at %(high)s"),
    "band_low": _("The band begins at %(low)s"),
    "floor": _("Their price is under our floor of %(floor)s"),
    "cost": _("Their price is under our cost of %(cost)s"),
}
SIGNALS = {
    "region_mix": _("Shipped outside the territory"),
    "bulk": _("Bulk buying"),
    "codes": _("Serials and batches seen outside"),
    "returns": _("Returned in another province"),
    "price": _("Price under the landed cost"),
}
FOUND_BY = {"buyer": _("Buyer"), "phone": _("Phone")}
SIGNAL_HEADS = {
    "region_mix": (_("Province"), _("City"), _("Orders"), _("Units")),
    "bulk": (
        _("SKU"),
        _("Found by"),
        _("Key (blind)"),
        _("Orders"),
        _("Units here"),
        _("Units in all shops"),
        _("Shops"),
        _("A household buys"),
    ),
    "codes": (
        _("Kind"),
        _("Code"),
        _("SKU"),
        _("Seen as"),
        _("Province"),
        _("City"),
        _("Shipped"),
        _("Seen"),
    ),
    "returns": (_("SKU"), _("Sold to"), _("Came back in"), _("Units")),
    "price": (_("SKU"), _("Price seen"), _("Province"), _("Effective price"), _("Landed cost"), _("Nearest place")),
}
