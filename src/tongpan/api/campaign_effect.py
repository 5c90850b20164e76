"""What campaigns brought."""

from __future__ import annotations

from datetime import date
from typing import Literal

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import Field

from tongpan.analytics.queries.campaigns import Gain, effect_of
from tongpan.api.operations import read
from tongpan.api.values import Code, MoneyOut, Out, money
from tongpan.core.clock import utc_now
from tongpan.promotions.queries import campaign_of

router = Router(tags=["promotions"])


class GainOut(Out):
    """Incremental figures are against the mean of the same weekdays of the four weeks before the campaign."""

    orders: int
    gmv: MoneyOut
    margin: MoneyOut = Field(description="Of the units whose cost is known")
    average_order: MoneyOut | None
    incremental_orders: float
    incremental_gmv: MoneyOut
    incremental_margin: MoneyOut
    average_order_before: MoneyOut | None


class WeekGainOut(GainOut):
    monday: date


class PayerCostOut(Out):
    payer: str
    amount: MoneyOut


class CampaignStepOut(Out):
    kind: Literal["announcement", "rule"]
    name: str
    is_done: bool


class CampaignEffectOut(Out):
    campaign: str
    first: date
    end: date = Field(description="Not included; not after today")
    is_comparable: bool = Field(description="There were orders in the four weeks before")
    units: int
    units_with_cost: int
    whole: GainOut
    weeks: list[WeekGainOut]
    costs: list[PayerCostOut] = Field(description="What the campaign's rules took off, by who bore it")
    roi: float | None = Field(description="Incremental GMV over what shop and brand bore")
    steps: list[CampaignStepOut] = Field(description="What was planned, and whether it was done")


def _gain(gain: Gain, currency: str) -> GainOut:
    average, before = gain.sold.average_minor, gain.base_average_minor
    return GainOut(
        orders=gain.sold.orders,
        gmv=money(gain.sold.gmv_minor, currency),
        margin=money(gain.sold.margin_minor, currency),
        average_order=None if average is None else money(average, currency),
        incremental_orders=float(gain.orders),
        incremental_gmv=money(gain.gmv_minor, currency),
        incremental_margin=money(gain.margin_minor, currency),
        average_order_before=None if before is None else money(before, currency),
    )


@read(router, "/campaigns/{code}/effect", "metrics.view", CampaignEffectOut)
def get_campaign_effect(request: HttpRequest, code: Path[Code]) -> CampaignEffectOut:
    """What a campaign brought until now."""
    effect = effect_of(campaign_of(code), now=utc_now())
    return CampaignEffectOut(
        campaign=code,
        first=effect.first,
        end=effect.end,
        is_comparable=effect.is_comparable,
        units=effect.whole.sold.units,
        units_with_cost=effect.whole.sold.costed,
        whole=_gain(effect.whole, effect.currency),
        weeks=[
            WeekGainOut(monday=monday, **_gain(gain, effect.currency).model_dump())
            for monday, gain in effect.weeks.items()
        ],
        costs=[PayerCostOut(payer=p, amount=money(a, effect.currency)) for p, a in effect.costs.items()],
        roi=None if effect.roi is None else float(effect.roi),
        steps=[CampaignStepOut(kind=s.kind, name=s.name, is_done=s.is_done) for s in effect.steps],  # type: ignore[arg-type]
    )
