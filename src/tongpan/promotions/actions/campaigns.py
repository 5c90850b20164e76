"""Campaigns: one theme, one rhythm and one core benefit for all their channels, announced at the same time (CAL-04)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tongpan.access.actions import audit
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.promotions.models import Announcement, Campaign, DiscountMode

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
MOST_PHASES = 20


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a campaign's rhythm, half-open."""

    name_zh: str
    name_en: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Words:
    """How ``channel`` announces a campaign. form: a live preview, a banner, a community post."""

    channel: str
    form: str = ""
    words_zh: str = ""
    words_en: str = ""


@dataclass(frozen=True, slots=True)
class CampaignSpec:
    """A campaign; fields as in ``Campaign``. announcements: None leaves them as they are."""

    code: str
    name_zh: str
    name_en: str
    starts: datetime
    ends: datetime
    channels: Sequence[str]
    theme_zh: str = ""
    theme_en: str = ""
    core_benefit_zh: str = ""
    core_benefit_en: str = ""
    discount_mode: str = "unified"
    tolerance_bp: int = 0
    budget_minor: int | None = None
    announce_at: datetime | None = None
    rhythm: Sequence[Phase] = ()
    announcements: Sequence[Words] | None = None


def save_campaign(spec: CampaignSpec, *, actor: str, now: datetime) -> Campaign:
    """Make a campaign or change it; every channel of it has an announcement, empty until somebody words it.

    Locks the campaign. Raises Refusal("campaign.code"), ("campaign.words"), ("campaign.window"), ("campaign.rhythm"),
    ("campaign.discount"), ("campaign.channels") or ("campaign.budget").
    """
    _check(spec)

    def work() -> Campaign:
        known = {code for (code,) in fetch_all("SELECT code FROM channels_channel")}
        worded = {one.channel for one in spec.announcements or ()}
        if missing := sorted({*spec.channels, *worded} - known):
            raise Refusal("campaign.channels", f"There is no channel {missing[0]!r}.")
        if outside := sorted(worded - set(spec.channels)):
            raise Refusal("campaign.channels", f"The campaign is not on channel {outside[0]}; add it there first.")
        campaign, is_new = Campaign.objects.select_for_update(no_key=True).get_or_create(
            code=spec.code,
            defaults={"starts": spec.starts, "ends": spec.ends, "updated_by": actor, "updated_at": now},
        )
        for name in _PLAIN:
            setattr(campaign, name, getattr(spec, name))
        campaign.channels = sorted(set(spec.channels))
        campaign.rhythm = [
            {
                "name_zh": one.name_zh,
                "name_en": one.name_en,
                "starts": one.starts.isoformat(),
                "ends": one.ends.isoformat(),
            }
            for one in spec.rhythm
        ]
        campaign.updated_by, campaign.updated_at = actor, now
        campaign.save()
        _announce(campaign, spec)
        done = "campaign.made" if is_new else "campaign.changed"
        audit(actor, done, "campaign", spec.code, {"channels": campaign.channels}, now=now)
        return campaign

    return run_in_transaction(work, constraints=("promotions_campaign_code_key",))


_PLAIN = (
    "name_zh", "name_en", "theme_zh", "theme_en", "core_benefit_zh", "core_benefit_en", "discount_mode",
    "tolerance_bp", "budget_minor", "starts", "ends", "announce_at",
)  # fmt: skip


def _announce(campaign: Campaign, spec: CampaignSpec) -> None:
    campaign.announcements.exclude(channel__in=campaign.channels).filter(announced_at=None).delete()
    execute(
        """INSERT INTO promotions_announcement (campaign_id, channel, form, words_zh, words_en, announced_by)
           SELECT %s, c, '', '', '', '' FROM unnest(%s::text[]) c ON CONFLICT DO NOTHING""",
        [campaign.pk, campaign.channels],
    )
    for words in spec.announcements or ():
        campaign.announcements.filter(channel=words.channel).update(
            form=words.form, words_zh=words.words_zh, words_en=words.words_en
        )


def note_announced(code: str, channel: str, *, actor: str, now: datetime) -> Announcement:
    """Note that a channel has announced a campaign, once.

    Raises Refusal("campaign.unknown"), ("campaign.channels"), or ("campaign.early") before the time of the campaign's
    announcement: all channels say it at the same time.
    """

    def work() -> Announcement:
        campaign = Campaign.objects.filter(code=code.replace("\x00", "")).first()
        if campaign is None:
            raise Refusal("campaign.unknown", f"There is no campaign {code!r}.")
        said = campaign.announcements.select_for_update().filter(channel=channel.replace("\x00", "")).first()
        if said is None:
            raise Refusal("campaign.channels", f"The campaign {code} is not on channel {channel!r}.")
        if campaign.announce_at is not None and now < campaign.announce_at:
            raise Refusal(
                "campaign.early",
                f"All channels announce {code} from {campaign.announce_at:%Y-%m-%d %H:%M} UTC on, none before.",
            )
        if said.announced_at is None:
            said.announced_at, said.announced_by = now, actor
            said.save(update_fields=["announced_at", "announced_by"])
            audit(actor, "campaign.announced", "campaign", code, {"channel": channel}, now=now)
        return said

    return run_in_transaction(work)


def _check(spec: CampaignSpec) -> None:
    if not _CODE.fullmatch(spec.code):
        raise Refusal(
            "campaign.code", f"{spec.code!r} cannot be a code: 1 to 40 letters, digits, dots, hyphens and underscores."
        )
    texts = [spec.name_zh, spec.name_en, spec.theme_zh, spec.theme_en, spec.core_benefit_zh, spec.core_benefit_en]
    texts += [text for one in spec.rhythm for text in (one.name_zh, one.name_en)]
    texts += [text for one in spec.announcements or () for text in (one.form, one.words_zh, one.words_en)]
    if not (spec.name_zh or spec.name_en) or any("\x00" in text or len(text) > 2000 for text in texts):
        raise Refusal("campaign.words", "A campaign has a name; a text has at most 2000 characters and no NUL byte.")
    if any(len(text) > 80 for text in texts[:2]) or any(len(text) > 200 for text in texts[2:6]):
        raise Refusal("campaign.words", "A name has at most 80 characters, theme and core benefit at most 200.")
    if any(len(one.form) > 40 for one in spec.announcements or ()):
        raise Refusal("campaign.words", "The form of an announcement has at most 40 characters.")
    _check_rhythm(spec)
    if spec.discount_mode not in DiscountMode.values or not 0 <= spec.tolerance_bp <= 10_000:
        raise Refusal("campaign.discount", "The discount is unified or per_channel, the tolerance 0 to 100 %.")
    if spec.discount_mode == "unified" and spec.tolerance_bp:
        raise Refusal("campaign.discount", "A unified discount has no tolerance; choose per_channel, or 0.")
    if spec.budget_minor is not None and not 0 <= spec.budget_minor <= 10**15:
        raise Refusal("campaign.budget", "A budget is an amount from 0.")
    if not spec.channels:
        raise Refusal("campaign.channels", "Name the channels that the campaign runs on.")


def _check_rhythm(spec: CampaignSpec) -> None:
    if spec.ends <= spec.starts:
        raise Refusal("campaign.window", "The campaign would end before it begins; say a later end.")
    if spec.announce_at is not None and spec.announce_at > spec.starts:
        raise Refusal("campaign.window", "A campaign is announced before it begins.")
    if len(spec.rhythm) > MOST_PHASES:
        raise Refusal("campaign.rhythm", f"A campaign has at most {MOST_PHASES} phases.")
    ordered = sorted(spec.rhythm, key=lambda one: one.starts)
    for one in ordered:
        if one.ends <= one.starts or not (one.name_zh or one.name_en):
            raise Refusal("campaign.rhythm", "Each phase has a name and ends after it begins.")
    for before, after in pairwise(ordered):
        if after.starts < before.ends:
            name = after.name_zh or after.name_en
            raise Refusal("campaign.rhythm", f"The phase {name} begins before the one before it ends.")
