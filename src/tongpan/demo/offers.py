"""The demo's rulebook, campaign and coupons: the offers that the plans name, made by the ordinary actions."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from tongpan.channels.queries import channels
from tongpan.core.clock import DEFAULT_ZONE, business_day, zone
from tongpan.customers.models import Customer
from tongpan.promotions.actions import publish, save_draft
from tongpan.promotions.actions.batches import BatchSpec, create_batch, make_coupons
from tongpan.promotions.actions.campaigns import CampaignSpec, Words, save_campaign
from tongpan.promotions.actions.claiming import claim
from tongpan.promotions.actions.rulebooks import Notice
from tongpan.promotions.conflicts.actions import accept, ensure_checked
from tongpan.promotions.conflicts.queries import last_check
from tongpan.promotions.models import RulebookVersion
from tongpan.promotions.presets import COMMUNITY_COUPON, LIVE_COUPON, TRY_ON_COUPON, known_offers
from tongpan.promotions.queries import draft_of

ACTOR = "demo"
DRAFT = "demo"


def make_offers(now: datetime) -> None:
    """Publish the plans' offers, with a campaign over their channels and coupons. Done twice, it is done once."""
    known = [channel.code for channel in channels()]
    if RulebookVersion.objects.exists() or not known:
        return
    today = business_day(now, DEFAULT_ZONE)
    begins = datetime.combine(today - timedelta(days=7), time(), zone(DEFAULT_ZONE))
    by: dict[str, Any] = {"actor": ACTOR, "now": now}
    online = tuple(code for code in ("tmall", "jd", "douyin", "mini_program", "own_mall") if code in known)
    shop, live, community = (_first(known, code) for code in ("tmall", "douyin", "mini_program"))
    stores = next((code for code in known if "store" in code), known[-1])
    document = known_offers(
        shop=shop,
        live=live,
        community=community,
        stores=stores,
        online=online or (shop,),
        starts=today - timedelta(days=7),
        ends=today + timedelta(days=21),
    )
    for rule in document["rules"]:
        if rule["code"] in ("shop-300-50", LIVE_COUPON, COMMUNITY_COUPON):
            rule["campaign"] = "season"
    save_campaign(
        CampaignSpec(
            code="season",
            name_zh="换季大促",
            name_en="Season sale",
            theme_zh="全渠道同享",
            theme_en="The same on every channel",
            core_benefit_zh="满300减50，社群再减20",
            core_benefit_en="300 minus 50, another 20 in the community",
            starts=begins,
            ends=begins + timedelta(days=29),
            announce_at=now - timedelta(days=10),
            channels=sorted({shop, live, community}),
            discount_mode="per_channel",
            tolerance_bp=500,
            announcements=[
                Words(shop, "banner", "店铺满300减50", "300 minus 50 in the shop"),
                *(
                    [Words(live, "live preview", "直播间领50元券", "A coupon of 50 in the live room")]
                    if live != shop
                    else []
                ),
            ],
        ),
        **by,
    )
    save_draft(DRAFT, document, note="The offers of the plans", **by)
    _let_stand(now)
    publish(
        DRAFT,
        notice=Notice(
            "店铺满减可与社群券叠加；直播券不与满减叠加；会员折扣可与满减、社群券、直播券、门店券叠加。",
            "300 minus 50 and the community coupon may be combined; the live-room coupon may not be combined with it.",
        ),
        **by,
    )
    public = BatchSpec("直播间50元券", LIVE_COUPON, now - timedelta(days=7), word="LIVE50", per_customer=1, count=5_000)
    create_batch(public, **by)
    for name, rule, count in (("社群券", COMMUNITY_COUPON, 2_000), ("到店试穿券", TRY_ON_COUPON, 500)):
        batch = create_batch(
            BatchSpec(name, rule, now - timedelta(days=7), count=count, per_customer=1, days_after_claim=30), **by
        )
        make_coupons(batch.pk)
        takers = list(Customer.objects.order_by("pk").values_list("pk", flat=True)[: count // 10])
        claim(batch.pk, takers, source=community, now=now)


def _let_stand(now: datetime) -> None:
    """Accept what the check before launch finds in the plans' offers, so that the demo can show it."""
    ensure_checked(DRAFT, actor=ACTOR, now=now)
    found = last_check(draft_of(DRAFT))
    for one in found.findings if found else ():
        if one.is_open:
            accept(DRAFT, one.row.key, reason="The demo shows what the check finds.", actor=ACTOR, now=now)


def _first(known: list[str], code: str) -> str:
    return code if code in known else known[0]
