"""The words of prices on pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CELL_STATES = {
    "under_floor": _("Under the floor"),
    "outside": _("Outside the band"),
    "no_guide": _("No guide price"),
    "none": _("No price"),
    "inside": _("Inside the band"),
}
REASONS = {
    "chosen": _("This price counts."),
    "other_channel": _("The list is for another channel."),
    "other_region": _("The list is for another province."),
    "other_tier": _("The list is for another tier."),
    "not_live": _("The price holds in live rooms only."),
    "not_community": _("The price holds in communities only."),
    "not_member": _("The price holds for members only."),
    "other_currency": _("The list is in another currency."),
    "too_few": _("It needs more units."),
    "more_units": _("A step for more units counts."),
    "lower_priority": _("Another list counts before it."),
    "not_below_public": _("It is not below the price for everybody."),
    "dearer": _("Another exclusive price is lower."),
}
OUTCOMES = {
    "applied": _("Applied"),
    "pending": _("Waits for approval"),
    "refused": _("Refused by the rules"),
    "rejected": _("Rejected"),
    "unchanged": _("Unchanged"),
}
REQUEST_STATES = {
    "pending": _("Waits for approval"),
    "done": _("Done"),
    "refused": _("Refused by the rules"),
    "rejected": _("Rejected"),
    "withdrawn": _("Withdrawn"),
}
LOGGED = {
    "entry": _("Price"),
    "floor": _("Floor"),
    "cost": _("Cost"),
    "band": _("Band"),
    "settings": _("Settings"),
    "list": _("Price list"),
}
LOG_WORDS = {"region": "", "min_qty": _("from units"), "ends_at": _("until"), "priority": _("priority")}
