"""What a campaign brought, week by week."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render

from tongpan.analytics.queries.campaigns import effect_of
from tongpan.console.access import Request, page
from tongpan.console.choices import local_name
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.orders.models import Payer
from tongpan.promotions.queries import campaign_of


@page("metrics.view")
def campaign_effect(request: Request, code: str) -> HttpResponse:
    """Orders, GMV, average order and margin beside the same weekdays before; costs by payer; planned and done."""
    try:
        campaign = campaign_of(code)
    except Refusal as refusal:
        raise Http404 from refusal
    effect = effect_of(campaign, now=utc_now())
    context = {
        "section": "campaigns",
        "name": local_name(campaign) or campaign.code,
        "effect": effect,
        "increment": round(float(effect.whole.orders), 1),
        "roi": None if effect.roi is None else round(float(effect.roi), 2),
        "weeks": [(monday, gain, round(float(gain.orders), 1)) for monday, gain in effect.weeks.items()],
        "costs": [(Payer(payer).label, amount) for payer, amount in effect.costs.items()],
        "done": sum(step.is_done for step in effect.steps),
    }
    return render(request, "console/activities/effect.html", context)
