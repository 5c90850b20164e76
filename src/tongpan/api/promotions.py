"""The rulebook: versions, drafts that are edited rule by rule, publication; and campaigns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem
from tongpan.api.values import Code, In, Instant, Name60, Out, Text40, Text80, Text300, Text2000
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.promotions.actions.campaigns import CampaignSpec, Phase, Words, note_announced, save_campaign
from tongpan.promotions.actions.rulebooks import (
    Notice,
    bring_up_to_date,
    discard_draft,
    open_draft,
    publish,
    put_rule,
    remove_rule,
    save_draft,
)
from tongpan.promotions.differences import differences
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.reading import BadRulebook
from tongpan.promotions.models import Campaign, Draft, RulebookVersion
from tongpan.promotions.queries import campaign_of, draft_of, select_campaigns, version_at, version_of

router = Router(tags=["promotions"])
DraftName = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Rulebook = dict[str, Any]


class RulebookOut(Out):
    version: int = Field(description="0: nothing is published yet")
    document: Rulebook


class RulebookVersionOut(RulebookOut):
    note: str
    published_by: str
    published_at: Instant
    notice_zh: str = Field(description="How offers may be stacked, as customers were told")
    notice_en: str


class RulebookDraftOut(Out):
    name: str
    base_version: int = Field(description="The version that it was begun with")
    revision: int
    note: str
    updated_by: str
    updated_at: Instant
    document: Rulebook


class RulebookDraftIn(In):
    document: Rulebook
    note: Text300 = ""
    revision: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        None, description="Of the draft that was looked at: a draft that was changed since is not overwritten"
    )


class OpenDraftIn(In):
    from_version: Annotated[int, Field(ge=1, le=10**9)] | None = Field(
        None, description="Begin with an older version, to bring it back"
    )
    note: Text300 = ""


class RuleIn(In):
    rule: dict[str, Any]


class RulebookIn(In):
    document: Rulebook


class RuleFaultOut(Out):
    where: str = Field(description="The path to the word that is wrong: rules[3].benefit.percent")
    sentence: str


class RulebookCheckOut(Out):
    is_valid: bool
    faults: list[RuleFaultOut]


class PublishIn(In):
    notice_zh: Text2000 = ""
    notice_en: Text2000 = ""


class ChangedWordOut(Out):
    path: str
    before: Any
    after: Any


class RuleDifferenceOut(Out):
    rule: str = Field(description='"" is what is no rule: lanes, groups, the stack matrix')
    change: Literal["added", "removed", "changed"]
    words: list[ChangedWordOut]


class RuleDifferencesOut(Out):
    items: list[RuleDifferenceOut]


class RebasedOut(Out):
    draft: RulebookDraftOut
    both: list[str] = Field(description="Rules that draft and version both changed: the draft's words stand")


class CampaignPhaseIn(In):
    name_zh: Text80 = ""
    name_en: Text80 = ""
    starts: Instant
    ends: Instant = Field(description="Not included")


class AnnouncementIn(In):
    channel: Code
    form: Text40 = Field("", examples=["live preview"])
    words_zh: Text2000 = ""
    words_en: Text2000 = ""


class CampaignIn(In):
    name_zh: Text80 = ""
    name_en: Text80 = ""
    theme_zh: Text80 = ""
    theme_en: Text80 = ""
    core_benefit_zh: Text80 = ""
    core_benefit_en: Text80 = ""
    starts: Instant
    ends: Instant = Field(description="Not included")
    channels: list[Code] = Field(max_length=200)
    discount_mode: Literal["unified", "per_channel"] = "unified"
    tolerance_bp: Annotated[int, Field(ge=0, le=10_000)] = Field(
        0, description="How far net prices of its channels may lie apart, in hundredths of a percent"
    )
    budget_minor: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        None, description="What all its rules may cost together, in minor units"
    )
    announce_at: Instant | None = Field(None, description="When all channels announce it")
    rhythm: list[CampaignPhaseIn] = Field([], max_length=20)
    announcements: list[AnnouncementIn] | None = Field(None, max_length=200)


class AnnouncementOut(Out):
    channel: str
    form: str
    words_zh: str
    words_en: str
    announced_at: Instant | None
    announced_by: str


class CampaignOut(Out):
    code: str
    name_zh: str
    name_en: str
    theme_zh: str
    theme_en: str
    core_benefit_zh: str
    core_benefit_en: str
    starts: Instant
    ends: Instant
    channels: list[str]
    discount_mode: str
    tolerance_bp: int
    budget_minor: int | None
    announce_at: Instant | None
    rhythm: list[dict[str, str]]
    announcements: list[AnnouncementOut]


class CampaignQuery(PageQuery):
    search: Text80 = ""


class AnnouncedIn(In):
    channel: Code


@read(router, "/rulebook", "promotions.view", RulebookOut)
def get_rulebook(request: HttpRequest) -> RulebookOut:
    """The rulebook that counts now."""
    number = version_at(utc_now())
    return RulebookOut(version=number, document=version_of(number).document if number else {"rules": []})


@read(router, "/rulebook/versions", "promotions.view", Page[RulebookVersionOut])
def list_rulebook_versions(request: HttpRequest, query: Query[PageQuery]) -> Page[RulebookVersionOut]:
    """Every version there was, the newest first; none is ever changed."""
    return page_of(RulebookVersion.objects.all(), ("-published_at",), query, _version)


@read(router, "/rulebook/versions/{number}", "promotions.view", RulebookVersionOut)
def get_rulebook_version(request: HttpRequest, number: Path[Annotated[int, Field(ge=1, le=2**31 - 1)]]) -> Any:
    """One version."""
    return _version(_known(lambda: version_of(number)))


@read(router, "/rulebook/drafts", "promotions.view", Page[RulebookDraftOut])
def list_rulebook_drafts(request: HttpRequest, query: Query[PageQuery]) -> Page[RulebookDraftOut]:
    """The drafts that are being worked on."""
    return page_of(Draft.objects.all(), ("name",), query, _draft)


@read(router, "/rulebook/drafts/{name}", "promotions.view", RulebookDraftOut)
def get_rulebook_draft(request: HttpRequest, name: Path[DraftName]) -> RulebookDraftOut:
    """One draft."""
    return _draft(_known(lambda: draft_of(name)))


@write(router, "POST", "/rulebook/check", "promotions.view", RulebookCheckOut)
def check_rulebook(request: HttpRequest, body: RulebookIn) -> RulebookCheckOut:
    """Every fault of a document, at its place; nothing is kept."""
    try:
        read_rulebook(body.document, "check")
    except BadRulebook as bad:
        faults = [RuleFaultOut(where=fault.where, sentence=fault.sentence) for fault in bad.faults]
        return RulebookCheckOut(is_valid=False, faults=faults)
    return RulebookCheckOut(is_valid=True, faults=[])


@write(router, "POST", "/rulebook/drafts/{name}", "promotions.edit", RulebookDraftOut)
def open_rulebook_draft(request: HttpRequest, name: Path[DraftName], body: OpenDraftIn) -> RulebookDraftOut:
    """Begin a draft with the rulebook that counts, or with an older version to bring it back."""
    draft = _known(
        lambda: open_draft(name, from_version=body.from_version, note=body.note, actor=actor_of(request), now=utc_now())
    )
    return _draft(draft)


@write(router, "PUT", "/rulebook/drafts/{name}", "promotions.edit", RulebookDraftOut)
def save_rulebook_draft(request: HttpRequest, name: Path[DraftName], body: RulebookDraftIn) -> RulebookDraftOut:
    """Keep a whole document as a draft, which is made when there is none."""
    return _draft(
        save_draft(name, body.document, note=body.note, revision=body.revision, actor=actor_of(request), now=utc_now())
    )


@write(router, "PUT", "/rulebook/drafts/{name}/rules", "promotions.edit", RulebookDraftOut)
def put_rulebook_rule(request: HttpRequest, name: Path[DraftName], body: RuleIn) -> RulebookDraftOut:
    """Put one rule into a draft, in place of its rule of that code."""
    return _draft(_known(lambda: put_rule(name, body.rule, actor=actor_of(request), now=utc_now())))


@write(router, "DELETE", "/rulebook/drafts/{name}/rules/{code}", "promotions.edit", RulebookDraftOut)
def remove_rulebook_rule(request: HttpRequest, name: Path[DraftName], code: Path[Code]) -> RulebookDraftOut:
    """Take one rule out of a draft."""
    return _draft(_known(lambda: remove_rule(name, code, actor=actor_of(request), now=utc_now())))


@write(router, "DELETE", "/rulebook/drafts/{name}", "promotions.edit", RulebookOut)
def discard_rulebook_draft(request: HttpRequest, name: Path[DraftName]) -> RulebookOut:
    """Throw a draft away; the rulebook that counts."""
    _known(lambda: discard_draft(name, actor=actor_of(request), now=utc_now()))
    return get_rulebook(request)


@write(router, "POST", "/rulebook/drafts/{name}/update", "promotions.edit", RebasedOut)
def update_rulebook_draft(request: HttpRequest, name: Path[DraftName]) -> RebasedOut:
    """Let a draft begin with the version that counts now and keep what it changed."""
    both = _known(lambda: bring_up_to_date(name, actor=actor_of(request), now=utc_now()))
    return RebasedOut(draft=_draft(draft_of(name)), both=both)


@read(router, "/rulebook/drafts/{name}/differences", "promotions.view", RuleDifferencesOut)
def diff_rulebook_draft(request: HttpRequest, name: Path[DraftName]) -> RuleDifferencesOut:
    """What a draft changes of the rulebook that counts, rule by rule and word by word."""
    draft = _known(lambda: draft_of(name))
    number = version_at(utc_now())
    before = version_of(number).document if number else {"rules": []}
    return RuleDifferencesOut(
        items=[
            RuleDifferenceOut(
                rule=one.rule,
                change=one.change,
                words=[ChangedWordOut(path=word.path, before=word.before, after=word.after) for word in one.words],
            )
            for one in differences(before, draft.document)
        ]
    )


@write(router, "POST", "/rulebook/drafts/{name}/publish", "promotions.publish", RulebookVersionOut)
def publish_rulebook_draft(request: HttpRequest, name: Path[DraftName], body: PublishIn) -> RulebookVersionOut:
    """Publish a draft: from now on every cart is priced by it, each rule within its window."""
    notice = Notice(body.notice_zh, body.notice_en)
    return _version(_known(lambda: publish(name, notice=notice, actor=actor_of(request), now=utc_now())))


@read(router, "/campaigns", "promotions.view", Page[CampaignOut])
def list_campaigns(request: HttpRequest, query: Query[CampaignQuery]) -> Page[CampaignOut]:
    """Campaigns, those that begin last first."""
    return page_of(select_campaigns(query.search), ("-starts", "-id"), query, _campaign)


@read(router, "/campaigns/{code}", "promotions.view", CampaignOut)
def get_campaign(request: HttpRequest, code: Path[Name60]) -> CampaignOut:
    """One campaign with what each channel says of it."""
    return _campaign(_known(lambda: campaign_of(code)))


@write(router, "PUT", "/campaigns/{code}", "promotions.edit", CampaignOut)
def put_campaign(request: HttpRequest, code: Path[Code], body: CampaignIn) -> CampaignOut:
    """Make a campaign or change it."""
    given = body.model_dump(exclude={"rhythm", "announcements"})
    spec = CampaignSpec(
        code=code,
        rhythm=[Phase(**one.model_dump()) for one in body.rhythm],
        announcements=None if body.announcements is None else [Words(**one.model_dump()) for one in body.announcements],
        **given,
    )
    return _campaign(save_campaign(spec, actor=actor_of(request), now=utc_now()))


@write(router, "POST", "/campaigns/{code}/announced", "promotions.edit", CampaignOut)
def post_announced(request: HttpRequest, code: Path[Code], body: AnnouncedIn) -> CampaignOut:
    """Note that a channel has announced a campaign."""
    _known(lambda: note_announced(code, body.channel, actor=actor_of(request), now=utc_now()))
    return _campaign(campaign_of(code))


def _known(work: Any) -> Any:
    """What ``work`` gives; a version, draft or campaign that there is not is a 404."""
    try:
        return work()
    except Refusal as refusal:
        if refusal.code in ("draft.unknown", "rulebook.version", "campaign.unknown", "draft.rule"):
            raise Problem(404, refusal.code, refusal.sentence) from refusal
        raise


def _version(row: RulebookVersion) -> RulebookVersionOut:
    return RulebookVersionOut(
        version=row.version,
        document=row.document,
        note=row.note,
        published_by=row.published_by,
        published_at=row.published_at,
        notice_zh=row.notice_zh,
        notice_en=row.notice_en,
    )


def _draft(row: Draft) -> RulebookDraftOut:
    return RulebookDraftOut(
        name=row.name,
        base_version=row.base_version,
        revision=row.revision,
        note=row.note,
        updated_by=row.updated_by,
        updated_at=row.updated_at,
        document=row.document,
    )


def _campaign(row: Campaign) -> CampaignOut:
    return CampaignOut(
        code=row.code,
        name_zh=row.name_zh,
        name_en=row.name_en,
        theme_zh=row.theme_zh,
        theme_en=row.theme_en,
        core_benefit_zh=row.core_benefit_zh,
        core_benefit_en=row.core_benefit_en,
        starts=row.starts,
        ends=row.ends,
        channels=row.channels,
        discount_mode=row.discount_mode,
        tolerance_bp=row.tolerance_bp,
        budget_minor=row.budget_minor,
        announce_at=row.announce_at,
        rhythm=row.rhythm,
        announcements=[
            AnnouncementOut(
                channel=one.channel,
                form=one.form,
                words_zh=one.words_zh,
                words_en=one.words_en,
                announced_at=one.announced_at,
                announced_by=one.announced_by,
            )
            for one in row.announcements.all()
        ],
    )
