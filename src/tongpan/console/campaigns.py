"""Campaigns: theme, rhythm and core benefit for all their channels, and what each channel announces (CAL-04)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.promotion_words import PHASE_TONES, PHASES
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.promotions.actions.campaigns import CampaignSpec, Phase, Words, note_announced, save_campaign
from tongpan.promotions.models import Campaign, DiscountMode
from tongpan.promotions.queries import campaign_of, current_book, select_campaigns
from tongpan.promotions.rule_queries import RuleFilter, rules_of

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_SORTS = {"code": "code", "starts": "starts", "ends": "ends"}
_CURRENCY = "CNY"
_ONE_DAY = timedelta(days=1)

COLUMNS = (
    Column("code", _("Campaign"), lambda row: row.code, sort="code"),
    Column("name", _("Name"), local_name),
    Column("mode", _("Discount"), lambda row: row.get_discount_mode_display()),
    Column("channels", _("Channels"), lambda row: ", ".join(row.channels)),
    Column("starts", _("Starts"), lambda row: row.starts, sort="starts", starts_descending=True),
    Column("ends", _("Ends"), lambda row: row.ends, sort="ends"),
    Column("announced", _("Announced by"), lambda row: f"{_announced(row)}/{len(row.channels)}"),
)
SHOWN = tuple(column for column in COLUMNS if column.key != "name")


def _announced(row: Campaign) -> int:
    return sum(1 for one in row.announcements.all() if one.announced_at)


class CampaignFilters(FilterForm):
    phase = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *PHASES.items()])

    def rows(self, now: datetime) -> Any:
        return select_campaigns(self.values.get("q", ""), phase=self.values.get("phase", ""), at=now)


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(f"{sign}{_SORTS[sort.removeprefix('-')]}", "pk")


def _phase(campaign: Campaign, now: datetime) -> str:
    if now < campaign.starts:
        return "ahead"
    return "over" if now >= campaign.ends else "running"


@page("promotions.view")
def campaign_list(request: Request) -> HttpResponse:
    """Campaigns, those that begin last first."""
    now = utc_now()
    filters = CampaignFilters(request)
    rows = filters.rows(now)

    def fetch(sort: str, offset: int, limit: int) -> list[dict[str, Any]]:
        return [
            {
                "campaign": one,
                "name": local_name(one),
                "phase": PHASES[_phase(one, now)],
                "tone": PHASE_TONES[_phase(one, now)],
                "announced": _announced(one),
            }
            for one in _sorted(rows, sort)[offset : offset + limit]
        ]

    context = {
        "section": "campaigns",
        "filters": filters,
        "may_edit": can(request.user, "promotions.edit"),
        "list": listing(
            request, SHOWN, default_sort="-starts", fetch=fetch, count=lambda cap: rows.order_by()[:cap].count()
        ),
    }
    return render(request, "console/promotions/campaigns.html", context)


@page("data.export")
def campaign_export(request: Request) -> HttpResponseBase:
    """All campaigns of the filter."""
    rows = _sorted(CampaignFilters(request).rows(utc_now()), sort_of(request.GET, COLUMNS, "-starts"))
    return exports.respond("campaigns", COLUMNS, rows.iterator(chunk_size=500), request.GET.get("format", ""))


class CampaignForm(forms.Form):
    code = forms.RegexField(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$", label=_("Code"))
    name_zh = forms.CharField(label=_("Chinese name"), max_length=80)
    name_en = forms.CharField(label=_("English name"), max_length=80, required=False)
    theme_zh = forms.CharField(label=_("Theme in Chinese"), max_length=200, required=False)
    theme_en = forms.CharField(label=_("Theme in English"), max_length=200, required=False)
    core_benefit_zh = forms.CharField(label=_("Core benefit in Chinese"), max_length=200, required=False)
    core_benefit_en = forms.CharField(label=_("Core benefit in English"), max_length=200, required=False)
    starts = forms.DateTimeField(label=_("Starts"), widget=_MOMENT)
    ends = forms.DateTimeField(label=_("Ends, not included"), widget=_MOMENT)
    announce_at = forms.DateTimeField(label=_("All channels announce it at"), widget=_MOMENT, required=False)
    channels = forms.MultipleChoiceField(label=_("Channels"), widget=forms.CheckboxSelectMultiple)
    discount_mode = forms.ChoiceField(label=_("Discount"), choices=DiscountMode.choices)
    tolerance = forms.DecimalField(
        label=_("Net prices may differ by percent"),
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=2,
        required=False,
        help_text=_("Between its channels, when each has its own discount."),
    )
    budget = forms.DecimalField(
        label=_("Budget"), min_value=Decimal(0), max_digits=14, decimal_places=2, required=False
    )
    rhythm = forms.CharField(
        label=_("Rhythm"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 4, "class": "mono"}),
        help_text=_("One phase a line: name, first day, last day. Such as: 预热, 2026-11-01, 2026-11-10"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["channels"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(one.code, local_name(one)) for one in channels()]

    def clean_rhythm(self) -> list[Phase]:
        phases = []
        for line in self.cleaned_data["rhythm"].splitlines():
            if not line.strip():
                continue
            parts = [part.strip() for part in line.replace("，", ",").split(",")]
            try:
                name, first, last = parts
                starts, ends = (timezone.make_aware(datetime.strptime(day, "%Y-%m-%d")) for day in (first, last))
            except ValueError as error:
                raise forms.ValidationError(gettext("A line cannot be read; look at the example.")) from error
            phases.append(Phase(name, "", starts, ends + _ONE_DAY))
        return phases

    def spec(self, announcements: list[Words] | None) -> CampaignSpec:
        given = dict(self.cleaned_data)
        tolerance, budget = given.pop("tolerance"), given.pop("budget")
        return CampaignSpec(
            **given,
            tolerance_bp=int((tolerance or 0) * 100),
            budget_minor=None if budget is None else to_minor(budget, _CURRENCY),
            announcements=announcements,
        )


def _initial(campaign: Campaign) -> dict[str, Any]:
    plain = ("code", "name_zh", "name_en", "theme_zh", "theme_en", "core_benefit_zh", "core_benefit_en")
    return {name: getattr(campaign, name) for name in (*plain, "starts", "ends", "announce_at", "channels")} | {
        "discount_mode": campaign.discount_mode,
        "tolerance": Decimal(campaign.tolerance_bp) / 100,
        "budget": None if campaign.budget_minor is None else to_decimal(campaign.budget_minor, _CURRENCY),
        "rhythm": "\n".join(_line(phase) for phase in campaign.rhythm),
    }


def _line(phase: Mapping[str, str]) -> str:
    first = timezone.localtime(datetime.fromisoformat(phase["starts"]))
    last = timezone.localtime(datetime.fromisoformat(phase["ends"])) - _ONE_DAY
    return f"{phase['name_zh'] or phase['name_en']}, {first:%Y-%m-%d}, {last:%Y-%m-%d}"


@page("promotions.edit")
def campaign_edit(request: Request, code: str = "") -> HttpResponse:
    """Make a campaign, or change one and what its channels say."""
    campaign = _campaign(code) if code else None
    form = CampaignForm(request.POST or None, initial=_initial(campaign) if campaign else {})
    if campaign:
        form.fields["code"].disabled = True
    said = list(campaign.announcements.all()) if campaign else []
    if request.method == "POST" and form.is_valid():
        words = [
            Words(
                one.channel,
                request.POST.get(f"form-{one.channel}", "").strip(),
                request.POST.get(f"zh-{one.channel}", "").strip(),
                request.POST.get(f"en-{one.channel}", "").strip(),
            )
            for one in said
            if one.channel in form.cleaned_data["channels"]
        ]
        try:
            kept = save_campaign(form.spec(words), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:campaign", kept.code)
    names = {one.code: local_name(one) for one in channels()}
    context = {
        "section": "campaigns",
        "form": form,
        "campaign": campaign,
        "said": [{"words": one, "name": names.get(one.channel, one.channel)} for one in said],
    }
    return render(request, "console/promotions/campaign_edit.html", context)


@page("promotions.view")
def campaign_detail(request: Request, code: str) -> HttpResponse:
    """One campaign: what it says on which channel, its phases and its rules."""
    campaign = _campaign(code)
    now = utc_now()
    names = {one.code: local_name(one) for one in channels()}
    rules = rules_of(current_book(now).rulebook, RuleFilter(campaign=code), at=now)
    context = {
        "section": "campaigns",
        "campaign": campaign,
        "name": local_name(campaign),
        "phase": PHASES[_phase(campaign, now)],
        "tone": PHASE_TONES[_phase(campaign, now)],
        "channels": [names.get(one, one) for one in campaign.channels],
        "said": [{"words": one, "name": names.get(one.channel, one.channel)} for one in campaign.announcements.all()],
        "rhythm": [_line(phase) for phase in campaign.rhythm],
        "rules": [
            {"rule": row.rule, "name": local_name(row.rule) or row.rule.code, "phase": PHASES[row.phase]}
            for row in rules
        ],
        "tolerance": Decimal(campaign.tolerance_bp) / 100,
        "currency": _CURRENCY,
        "now": now,
        "may_edit": can(request.user, "promotions.edit"),
        "may_see_effect": can(request.user, "metrics.view"),
    }
    return render(request, "console/promotions/campaign.html", context)


@page("promotions.edit")
@require_POST
def campaign_announced(request: Request, code: str) -> HttpResponse:
    """Note that a channel has announced the campaign."""
    _campaign(code)
    try:
        note_announced(code, request.POST.get("channel", ""), **who(request))
        messages.success(request, gettext("Noted."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:campaign", code)


def _campaign(code: str) -> Campaign:
    try:
        return campaign_of(code)
    except Refusal as refusal:
        raise Http404 from refusal
