"""Routing decisions in words: why a rule was taken, why a node was not."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.fulfillment.models import RejectReason
from tongpan.fulfillment.routing.ranking import UNKNOWN

Text = str | Promise

RANKS: dict[str, Text] = {
    "covers_all": gettext_lazy("has all goods"),
    "group": gettext_lazy("group"),
    "priority": gettext_lazy("priority"),
    "distance": gettext_lazy("distance"),
    "cost": gettext_lazy("cost"),
    "capacity_left": gettext_lazy("capacity left today"),
    "balance": gettext_lazy("share of the day's limit used"),
    "load": gettext_lazy("orders of today"),
    "stock_age": gettext_lazy("age of the stock"),
    "store_minimum": gettext_lazy("goods above the node's minimum"),
    "parcels": gettext_lazy("number of parcels"),
    "territory": gettext_lazy("a territory of its own"),
    "node_id": gettext_lazy("code of the node"),
}


SERVICES: dict[str, Text] = {
    "home_delivery": gettext_lazy("Home delivery"),
    "installation": gettext_lazy("Installation"),
    "repair": gettext_lazy("Repair"),
    "return": gettext_lazy("Returns"),
    "display": gettext_lazy("Display"),
}


def rule_words(code: str) -> Text:
    """What the rule of a decision means; the name of a rule that a policy of the company gave."""
    rules = {
        "named-node": _("The channel named the node that ships."),
        "nearest-with-all": _("The nearest of the nodes that have all of the goods."),
        "fewest-nodes": _("No node has all of the goods: the fewest nodes that have them together."),
        "chosen-store": _("The buyer chose the node."),
        "dealer-of-place": _("The dealer who owes home delivery where the address is."),
        "instant-named": _("Instant delivery from the node that the order names."),
        "instant-open": _("Instant delivery: the nearest open node near the address that has all of the goods."),
        "instant-near": _("Instant delivery: the nearest node near the address that has all of the goods."),
        "no-stock": _("All nodes together do not have enough."),
        "no-node": _("No node serves this shop."),
        "no-rule": _("No rule of the policy finds a node that may send the order."),
        "all-rejected": _("Every node that has the goods refused the order."),
        "batch": _("The policy leaves orders like this one out."),
        "promised-to-others": _("What the nodes have is promised to other orders."),
        "quota": _("The channel's quota does not leave enough."),
    }
    return rules.get(code) or _("Rule %(rule)s") % {"rule": code}


def why_words(candidate: Mapping[str, Any], sku_codes: Mapping[int, str]) -> Text:
    """The reason a node was chosen or not, as a sentence."""
    have, of, why = candidate["have"], candidate["of"], candidate.get("why")
    if candidate["outcome"] == "chosen":
        if why == "named":
            return _("Named by the channel")
        if have != of:
            return _("%(have)d of %(of)d goods in stock; part of the smallest set") % {"have": have, "of": of}
        if "values" in candidate:
            return _("Has all of the goods, and ranks first of those that do")
        return _("Has all of the goods, and is the nearest that does")
    if why == "farther":
        return _("Has all of the goods, but a nearer node has them too")
    if taken_out := _taken_out(str(why), candidate.get("because") or {}):
        return taken_out
    sentence = (
        _("%(have)d of %(of)d goods in stock; another set needs fewer nodes or less distance")
        if why == "more-nodes"
        else _("%(have)d of %(of)d goods in stock")
    ) % {"have": have, "of": of}
    missing = ", ".join(sku_codes.get(sku_id, str(sku_id)) for sku_id in candidate.get("missing", ()))
    if missing:
        sentence = _("%(sentence)s. Missing: %(skus)s") % {"sentence": sentence, "skus": missing}
    for floor in candidate.get("floors", ()):
        sentence = _("%(sentence)s. %(sku)s: floor %(floor)d leaves %(leaves)d of %(of)d") % {
            "sentence": sentence, "sku": sku_codes.get(floor["sku_id"], str(floor["sku_id"])), **floor,
        }  # fmt: skip
    return sentence


def _taken_out(why: str, because: Mapping[str, Any]) -> str:
    """What took a node out before its stock was looked at, or what ranks before it; "" for anything else."""
    if why == "worse":
        return _("Has all of the goods, but another node is better by %(rank)s") % {
            "rank": RANKS.get(because.get("by", ""), because.get("by", ""))
        }
    if why == "closed":
        if "until" not in because:
            return _("Closed")
        opens = timezone.localtime(datetime.fromisoformat(because["until"]))
        return _("Closed until %(when)s") % {"when": date_format(opens, "SHORT_DATETIME_FORMAT")}
    if why == "rejected" and because.get("reason"):
        reasons: dict[str, Text] = dict(RejectReason.choices)
        return _("Refused this order before: %(reason)s") % {
            "reason": reasons.get(because["reason"], because["reason"])
        }
    texts = {
        "group": _("Is in none of the groups %(names)s") % {"names": ", ".join(because.get("groups", ()))},
        "facility": _("Lacks %(names)s") % {"names": ", ".join(because.get("lacks", ()))},
        "territory": _("The address is outside its territory (%(names)s)")
        % {"names": ", ".join(because.get("places", ()))},
        "service": _("No contract in force owes the service: %(service)s")
        % {"service": SERVICES.get(because.get("service", ""), because.get("service", ""))},
        "not-in-pool": _("Its stock is not in the pool"),
        "rejected": _("Refused this order before"),
        "beyond": _("Beyond %(km)s km") % {"km": because.get("km", "")},
        "order-limit": _("Order limit reached: %(given)s of %(limit)s today")
        % {"given": because.get("given", ""), "limit": because.get("limit", "")},
        "young": _("Its oldest unit is %(days)s days old; the rule wants %(least)s")
        % {"days": because.get("days", ""), "least": because.get("least", "")},
    }
    return texts.get(why, "")


def tried_words(explanation: Mapping[str, Any]) -> list[str]:
    """Sentences on the rules that were tried and found nothing, where the order waits, and what is odd about it."""
    said = []
    ended = explanation.get("ended")
    for one in [*explanation.get("tried", ()), *([ended] if ended else [])]:
        reasons = {
            "none": _("it leaves no node"),
            "short": _("no node that it leaves has all of the goods"),
            "value": _("the order is worth too little to be split"),
            "parcels": _("it would take too many parcels"),
            "waits": _("goods are being gathered"),
            "waited": _("gathering the goods took too long"),
        }
        if one.get("why"):
            said.append(
                _("Rule %(rule)s: %(reason)s.") % {"rule": one["rule"], "reason": reasons.get(one["why"], one["why"])}
            )
    for move in explanation.get("transfers", ()):
        said.append(_("A transfer brings %(qty)s from %(from)s to %(to)s.") % move)
    if explanation.get("place") == "province":
        said.append(_("The city of the address is not known: distances are to the capital of its province."))
    if explanation.get("place") == "unknown":
        said.append(_("The place of the address is not known: no distance counts."))
    if explanation.get("queue"):
        said.append(_("Waits in the queue %(queue)s.") % {"queue": explanation["queue"]})
    return said


def rank_words(explanation: Mapping[str, Any]) -> list[Text]:
    """What the nodes were compared by, in order."""
    return [RANKS.get(key, key) for key in explanation.get("ranks", ())]


def values_of(explanation: Mapping[str, Any], candidate: Mapping[str, Any]) -> str:
    """The rank tuple of a node as people read it: kilometres, not tenths of them; "" without one."""
    shown = []
    for key, value in zip(explanation.get("ranks", ()), candidate.get("values", ()), strict=False):
        if value is None or value >= UNKNOWN:
            shown.append("—")
        elif key == "distance":
            shown.append(f"{value / 10:g} km")
        elif key == "cost":
            shown.append(f"{value / 100:.2f}")
        else:
            shown.append(str(value))
    return " · ".join(shown)
