"""What each kind of finding says: a title, a sentence with its figures, what to do. Marked for translation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_noop as _

from tongpan.core.money import to_decimal

TITLES = {
    "floor": _("Net price under the floor"),
    "cost": _("Net price under cost"),
    "band": _("Outside the price band"),
    "depth": _("Discount that needs approval"),
    "unified": _("Not the same in all channels"),
    "threshold": _("Thresholds that contradict each other"),
    "steps": _("More spent, less given"),
    "one_channel": _("Promised in one channel only"),
    "exclusive": _("Offers that shut each other out"),
    "stack": _("Stacking that was not announced"),
    "budget": _("Budget or quota that cannot last"),
    "stock": _("Stock that cannot cover"),
    "dates": _("Dates that do not fit"),
    "overlap": _("Campaigns that overlap"),
}
TODO = {
    "floor": _("Lower the discount, leave the goods out of the rule, or take the pair out of the stack matrix."),
    "cost": _("Lower the discount, leave the goods out of the rule, or take the pair out of the stack matrix."),
    "band": _("Bring the list price into the band, or leave the goods out of the campaign."),
    "depth": _("Lower the discount, or let somebody entitled accept it with the reason."),
    "unified": _("Give both channels the same rule, or let the campaign allow each channel its own discount."),
    "threshold": _("Ask for the same threshold in both channels, or make the easier offer smaller."),
    "steps": _("Let the higher threshold take off at least as much, or raise its priority."),
    "one_channel": _("Add the channels to the rule, or take the promise out of the campaign."),
    "exclusive": _("Announce that they do not go together, declare the pair, or keep their goods or times apart."),
    "stack": _("Announce the stack matrix before the offers begin, or take the pair out of it."),
    "budget": _("Raise the limit, shorten the offer, or limit it by customer or day."),
    "stock": _("Order more, lower the quota, or leave the goods out."),
    "dates": _("Move the rule into its campaign, or take it out of the rulebook."),
    "overlap": _("Move one campaign, keep their goods apart, or announce that their offers do not go together."),
}
_SENTENCES = {
    "floor": _(
        "A unit of %(sku)s nets %(net)s in %(channel)s; its floor is %(limit)s. Tongpan's own checkout stops at the "
        "floor, so the buyer gets less than was promised; a channel's checkout does not stop."
    ),
    "cost": _("A unit of %(sku)s nets %(net)s in %(channel)s and costs %(limit)s."),
    "band.net": _("A unit of %(sku)s nets %(net)s in %(channel)s; the bands of the channels begin at %(limit)s."),
    "band.list": _("%(channel)s asks %(list)s for %(sku)s; the band of %(other)s goes from %(low)s to %(high)s."),
    "depth": _("A unit of %(sku)s nets %(net)s instead of %(list)s in %(channel)s: %(depth)s off."),
    "unified": _(
        "Campaign %(campaign)s promises the same everywhere: the cart has %(cheap_off)s off in %(cheap)s and "
        "%(dear_off)s off in %(dear)s."
    ),
    "unified.each": _(
        "The channels of campaign %(campaign)s drift apart: the cart costs %(cheap_net)s in %(cheap)s and "
        "%(dear_net)s in %(dear)s."
    ),
    "threshold": _(
        "%(other)s takes as much off from %(easy)s on in %(cheap)s as %(rule)s does from %(strict)s on in %(dear)s, "
        "for the same goods."
    ),
    "steps": _(
        "%(many)s units of %(sku)s have %(many_off)s taken off in %(channel)s, %(few)s units have %(few_off)s: who "
        "buys more gets less."
    ),
    "one_channel": _("%(rule)s of campaign %(campaign)s counts in %(having)s; %(missing)s has nothing like it."),
    "exclusive.groups": _(
        "Offers of %(one)s and %(two)s reach the same goods in %(channel)s and do not go together; nobody was told."
    ),
    "exclusive.rules": _("%(one)s and %(two)s set two prices for the same goods in %(channel)s."),
    "stack": _("Offers of %(one)s and %(two)s stack in %(channel)s, and this was not announced."),
    "budget.units": _(
        "%(rule)s has %(limit)s units; %(need)s may be asked for. They last %(hours)s of %(of_hours)s hours."
    ),
    "budget.uses": _(
        "%(rule)s may be used %(limit)s times; %(need)s may want it. That lasts %(hours)s of %(of_hours)s hours."
    ),
    "budget.money": _(
        "%(rule)s may cost %(limit)s; %(need)s may be asked for. That lasts %(hours)s of %(of_hours)s hours."
    ),
    "budget.uses_per_day": _("%(rule)s may be used %(limit)s times a day; %(need)s a day may want it."),
    "stock.expected": _("%(need)s units of %(sku)s are expected to go while the offers run, and %(stock)s are there."),
    "stock.quota": _("%(rule)s promises %(need)s units; all its goods together have %(stock)s."),
    "stock.gift": _("%(rule)s may give %(need)s of %(sku)s away, and %(stock)s are there."),
    "dates.over": _("%(rule)s was over at %(ends_at)s."),
    "dates.never": _("%(rule)s never opens: none of its times lie ahead."),
    "dates.unknown_campaign": _("%(rule)s belongs to campaign %(campaign)s, which nobody knows."),
    "dates.channel": _("%(rule)s counts in %(channels)s, where campaign %(campaign)s does not run."),
    "dates.outside": _("%(rule)s is open at %(at)s; its campaign %(campaign)s runs from %(starts)s to %(ends)s."),
    "overlap": _(
        "Offers of the campaigns %(one)s and %(two)s reach the same buyers and goods in %(channel)s at "
        "the same time and shut each other out."
    ),
}
BOUNDS = {
    "floor": _("All goods by arithmetic; what it cannot clear, by carts of up to two SKUs that just reach thresholds."),
    "cost": _("All goods by arithmetic; what it cannot clear, by carts of up to two SKUs that just reach thresholds."),
    "depth": _("All goods by arithmetic; what it cannot clear, by carts of up to two SKUs that just reach thresholds."),
    "band": _("List prices: every SKU in every channel. Net prices: as for the floor."),
    "unified": _(
        "Goods with the same rules everywhere are cleared; of the others carts of up to two SKUs are compared."
    ),
    "threshold": _("Every pair of rules, with carts of one SKU."),
    "steps": _("Every pair of rules of a channel, with carts of one SKU."),
    "one_channel": _("Every rule of a unified campaign."),
    "exclusive": _("Every pair of rules that count together."),
    "stack": _("Every pair of rules that count together."),
    "overlap": _("Every pair of rules that count together."),
    "budget": _("Every rule with a limit, as if every expected buyer used it with the smallest cart that opens it."),
    "stock": _("Every SKU whose stock is kept, against what is expected to be sold."),
    "dates": _("Every rule."),
}


def _same(text: str) -> str:
    return text


def sentence_of(content: Mapping[str, Any], currency: str, say: Callable[[str], str] = _same) -> str:
    """What a finding (``Finding.content``) says. say: puts its words into the reader's language first."""
    return say(_SENTENCES[_key(content)]) % shown(content["params"], currency)


def shown(params: Mapping[str, Any], currency: str) -> dict[str, str]:
    """Figures as text: ``net_minor`` becomes ``net`` in major units, ``depth_bp`` becomes ``depth`` as a percentage."""
    found = {}
    for word, value in params.items():
        if word.endswith("_minor"):
            found[word.removesuffix("_minor")] = f"{to_decimal(int(value), currency)} {currency}"
        elif word.endswith("_bp"):
            found[word.removesuffix("_bp")] = f"{int(value) / 100:g}%"
        else:
            found[word] = str(value)
    if "cheap_bp" in params:
        found |= {
            "cheap": str(params["cheap"]),
            "dear": str(params["dear"]),
            "cheap_off": f"{int(params['cheap_bp']) / 100:g}%",
            "dear_off": f"{int(params['dear_bp']) / 100:g}%",
            "cheap_net": f"{to_decimal(int(params['cheap_minor']), currency)} {currency}",
            "dear_net": f"{to_decimal(int(params['dear_minor']), currency)} {currency}",
        }
    return found


def _key(content: Mapping[str, Any]) -> str:
    kind, params = str(content["kind"]), content["params"]
    if kind == "band":
        return "band.list" if params.get("of") == "list" else "band.net"
    if kind == "unified":
        return kind if params["mode"] == "unified" else "unified.each"
    if kind == "exclusive":
        return f"exclusive.{params['of']}"
    if kind in ("budget", "stock"):
        return f"{kind}.{params['what']}"
    return f"dates.{params['why']}" if kind == "dates" else kind
