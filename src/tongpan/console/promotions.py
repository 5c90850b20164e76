"""Promotions: rules of the rulebook that counts or of a draft, drafts and versions, and publishing them."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of, whole
from tongpan.console.promotion_forms import RuleForm
from tongpan.console.promotion_words import CHANGES, KINDS, LANES, PHASE_TONES, PHASES
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.promotions.actions import (
    bring_up_to_date,
    discard_draft,
    open_draft,
    publish,
    put_rule,
    remove_rule,
    save_draft,
)
from tongpan.promotions.actions.rulebooks import EMPTY, Notice
from tongpan.promotions.differences import HEAD, differences
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.reading import BadRulebook
from tongpan.promotions.models import Draft, RulebookVersion
from tongpan.promotions.queries import draft_of, select_campaigns, version_at, version_of
from tongpan.promotions.rule_queries import RuleFilter, RuleRow, raw_rule, rules_of

_PLACE = {"section": "promotions"}


def _name(row: RuleRow) -> str:
    return local_name(row.rule) or row.rule.code


COLUMNS = (
    Column("code", _("Rule"), lambda row: row.rule.code, sort="code"),
    Column("name", _("Name"), _name),
    Column("kind", _("Kind"), lambda row: str(KINDS[row.rule.kind]), sort="kind"),
    Column("lane", _("Lane"), lambda row: str(LANES.get(row.rule.lane, row.rule.lane))),
    Column("priority", _("Priority"), lambda row: row.rule.priority, sort="priority", is_number=True),
    Column("channels", _("Channels"), lambda row: ", ".join(sorted(row.rule.conditions.channels))),
    Column("starts", _("Starts"), lambda row: row.rule.window.starts_at, sort="starts"),
    Column("ends", _("Ends"), lambda row: row.rule.window.ends_at, sort="ends"),
    Column("campaign", _("Campaign"), lambda row: row.rule.campaign, sort="campaign"),
    Column("state", _("Status"), lambda row: str(PHASES[row.phase])),
)
SHOWN = tuple(column for column in COLUMNS if column.key != "name")
_FAR = "9999"
_SORTS: dict[str, Any] = {
    "code": lambda row: row.rule.code,
    "kind": lambda row: (row.rule.kind, row.rule.code),
    "priority": lambda row: (row.rule.priority, row.rule.code),
    "starts": lambda row: (row.rule.window.starts_at.isoformat() if row.rule.window.starts_at else "", row.rule.code),
    "ends": lambda row: (row.rule.window.ends_at.isoformat() if row.rule.window.ends_at else _FAR, row.rule.code),
    "campaign": lambda row: (row.rule.campaign, row.rule.code),
}


class RuleFilters(FilterForm):
    draft = forms.ChoiceField(label=_("Rulebook"), required=False)
    phase = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *PHASES.items()])
    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *KINDS.items()])
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    campaign = forms.ChoiceField(label=_("Campaign"), required=False)

    def __init__(self, request: Request) -> None:
        drafts = [(name, gettext("Draft %(name)s") % {"name": name}) for name in _draft_names()]
        super().__init__(
            request,
            {
                "draft": [("", _("The one that counts")), *drafts],
                "channel": [("", _("All")), *((one.code, local_name(one)) for one in channels())],
                "campaign": [("", _("All")), *((one.code, local_name(one)) for one in select_campaigns())],
            },
        )

    def rows(self, sort: str) -> list[RuleRow]:
        """The rules of the filter, sorted."""
        given = self.values
        document = draft_of(given["draft"]).document if "draft" in given else _current()[1]
        wanted = RuleFilter(
            given.get("q", ""),
            given.get("phase", ""),
            given.get("kind", ""),
            given.get("channel", ""),
            given.get("campaign", ""),
        )
        found = rules_of(read_rulebook(document, "shown"), wanted, at=utc_now())
        return sorted(found, key=_SORTS[sort.removeprefix("-")], reverse=sort.startswith("-"))


def _draft_names() -> list[str]:
    return list(Draft.objects.order_by("name").values_list("name", flat=True))


def _current() -> tuple[int, dict[str, Any]]:
    number = version_at(utc_now())
    return number, version_of(number).document if number else EMPTY


@page("promotions.view")
def rule_list(request: Request) -> HttpResponse:
    """The rules of the rulebook that counts, or of a draft."""
    filters = RuleFilters(request)
    rows = filters.rows(sort_of(request.GET, COLUMNS, "code"))
    context = _PLACE | {
        "filters": filters,
        "draft": filters.values.get("draft", ""),
        "version": version_at(utc_now()),
        "may_edit": can(request.user, "promotions.edit"),
        "list": listing(
            request,
            SHOWN,
            default_sort="code",
            fetch=lambda _sort, offset, limit: [_shown(row) for row in rows[offset : offset + limit]],
            count=lambda cap: min(len(rows), cap),
        ),
    }
    return render(request, "console/promotions/list.html", context)


def _shown(row: RuleRow) -> dict[str, Any]:
    rule = row.rule
    return {
        "rule": rule,
        "name": _name(row),
        "kind": KINDS[rule.kind],
        "lane": LANES.get(rule.lane, rule.lane),
        "channels": sorted(rule.conditions.channels),
        "phase": PHASES[row.phase],
        "tone": PHASE_TONES[row.phase],
    }


@page("data.export")
def rule_export(request: Request) -> HttpResponseBase:
    """All rules of the filter."""
    rows = RuleFilters(request).rows(sort_of(request.GET, COLUMNS, "code"))
    return exports.respond("promotions", COLUMNS, rows, request.GET.get("format", ""))


class DraftForm(forms.Form):
    name = forms.RegexField(
        r"^[a-z0-9][a-z0-9-]{0,39}$", label=_("Name"), help_text=_("1 to 40 small letters, digits and hyphens.")
    )
    note = forms.CharField(label=_("Why it is changed"), max_length=500, required=False)


class NoticeForm(forms.Form):
    notice_zh = forms.CharField(
        label=_("Notice in Chinese: what may be combined"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    notice_en = forms.CharField(label=_("Notice in English"), required=False, widget=forms.Textarea(attrs={"rows": 3}))


class TextForm(forms.Form):
    document = forms.CharField(
        label=_("Document"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 32, "spellcheck": "false", "class": "mono"}),
        help_text=_("JSON."),
    )
    note = forms.CharField(label=_("Why it is changed"), max_length=500, required=False)


@page("promotions.view")
def rulebook(request: Request) -> HttpResponse:
    """Drafts and versions of the rulebook; another draft."""
    may_edit = can(request.user, "promotions.edit")
    form = DraftForm(request.POST or None)
    if request.method == "POST":
        if not may_edit:
            return render(request, "console/no_permission.html", {"permission": "promotions.edit"}, status=403)
        if form.is_valid():
            back = whole(request.POST.get("from_version", ""), 0) or None
            try:
                draft = open_draft(
                    form.cleaned_data["name"], from_version=back, note=form.cleaned_data["note"], **who(request)
                )
            except Refusal as refusal:
                form.add_error(None, localized(refusal.sentence))
            else:
                return redirect("console:rulebook_draft", draft.name)
    context = {
        "section": "rulebook",
        "form": form,
        "back": whole(request.GET.get("back", ""), 0),
        "drafts": Draft.objects.all(),
        "versions": RulebookVersion.objects.defer("document")[:100],
        "may_edit": may_edit,
    }
    return render(request, "console/promotions/rulebook.html", context)


@page("promotions.view")
def rulebook_draft(request: Request, name: str) -> HttpResponse:
    """One draft: what it changes, and publishing it."""
    draft = _draft(name)
    number, before = _current()
    context = {
        "section": "rulebook",
        "draft": draft,
        "version": number,
        "differences": _told(before, draft.document),
        "notice": NoticeForm(),
        "may_edit": can(request.user, "promotions.edit"),
        "may_publish": can(request.user, "promotions.publish"),
    }
    return render(request, "console/promotions/draft.html", context)


def _told(before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    """What two documents differ in, values as the document has them; at most 60 words of a rule."""

    def said(value: Any) -> str | None:
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    return [
        {
            "rule": one.rule if one.rule != HEAD else "",
            "change": CHANGES[one.change],
            "words": [
                {"path": word.path, "before": said(word.before), "after": said(word.after)} for word in one.words[:60]
            ],
        }
        for one in differences(before, after)
    ]


@page("promotions.edit")
@require_POST
def draft_act(request: Request, name: str) -> HttpResponse:
    """Bring a draft up to date, or throw it away."""
    _draft(name)
    try:
        if request.POST.get("do") == "discard":
            discard_draft(name, **who(request))
            messages.success(request, gettext("The draft is gone."))
            return redirect("console:rulebook")
        both = bring_up_to_date(name, **who(request))
        said = gettext("The draft begins with the newest version now.")
        if both:
            said += " " + gettext("Look at what both changed: %(rules)s.") % {"rules": ", ".join(both)}
        messages.success(request, said)
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:rulebook_draft", name)


@page("promotions.publish")
@require_POST
def draft_publish(request: Request, name: str) -> HttpResponse:
    """Publish a draft with its notice."""
    _draft(name)
    notice = Notice(request.POST.get("notice_zh", "")[:4000], request.POST.get("notice_en", "")[:4000])
    try:
        version = publish(name, notice=notice, **who(request))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return redirect("console:rulebook_draft", name)
    messages.success(request, gettext("Version %(number)s is published.") % {"number": version.version})
    return redirect("console:rulebook_version", version.version)


@page("promotions.view")
def rulebook_version(request: Request, number: int) -> HttpResponse:
    """One version: its notice, its rules, and what it changed."""
    version = RulebookVersion.objects.filter(version=number).first()
    if version is None:
        raise Http404
    earlier = RulebookVersion.objects.filter(version=number - 1).first()
    context = {
        "section": "rulebook",
        "version": version,
        "text": json.dumps(version.document, ensure_ascii=False, indent=2),
        "differences": _told(earlier.document if earlier else EMPTY, version.document),
        "may_edit": can(request.user, "promotions.edit"),
    }
    return render(request, "console/promotions/version.html", context)


@page("promotions.edit")
def rule_edit(request: Request, name: str, code: str = "") -> HttpResponse:
    """Change one rule of a draft, or add one of the kind in the address."""
    draft = _draft(name)
    rule = raw_rule(draft.document, code) if code else None
    kind = str(rule["kind"]) if rule else request.GET.get("kind", "")
    if (code and rule is None) or (kind and kind not in KINDS):
        raise Http404
    if not kind:
        return render(request, "console/promotions/kinds.html", _PLACE | {"draft": draft, "kinds": list(KINDS.items())})
    book = read_rulebook(draft.document, "draft")
    form = RuleForm(
        request.POST or None,
        kind=kind,
        currency=book.settings.currency,
        lanes=[lane.code for lane in book.lanes],
        campaigns=[(one.code, local_name(one)) for one in select_campaigns()],
        rule=rule,
    )
    if request.method == "POST" and request.POST.get("remove"):
        return _remove(request, name, code)
    if request.method == "POST" and form.is_valid():
        codes = [one.get("code") for one in draft.document["rules"]]
        if not code and form.cleaned_data["code"] in codes:
            form.add_error("code", gettext("The draft has a rule of this code already."))
        elif _put(request, name, form, codes.index(code) if code else len(codes)):
            messages.success(request, gettext("The rule is kept in the draft."))
            return redirect("console:rulebook_draft", name)
    context = _PLACE | {"draft": draft, "form": form, "code": code, "kind": kind, "kind_name": KINDS[kind]}
    return render(request, "console/promotions/rule.html", context)


def _put(request: Request, name: str, form: RuleForm, at: int) -> bool:
    try:
        put_rule(name, form.document, **who(request))
    except BadRulebook as bad:
        form.put_faults(bad.faults, at, localized)
    except Refusal as refusal:
        form.add_error(None, localized(refusal.sentence))
    else:
        return True
    return False


def _remove(request: Request, name: str, code: str) -> HttpResponse:
    try:
        remove_rule(name, code, **who(request))
        messages.success(request, gettext("The rule is out of the draft."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:rulebook_draft", name)


@page("promotions.edit")
def draft_text(request: Request, name: str) -> HttpResponse:
    """Change a draft as a whole document: lanes, stack matrix, rules."""
    draft = _draft(name)
    text = json.dumps(draft.document, ensure_ascii=False, indent=2)
    form = TextForm(request.POST or None, initial={"document": text, "note": draft.note})
    faults: list[Any] = []
    if request.method == "POST" and form.is_valid():
        try:
            document = json.loads(form.cleaned_data["document"])
            if not isinstance(document, dict):
                raise ValueError("no object")
            save_draft(name, document, note=form.cleaned_data["note"], **who(request))
        except BadRulebook as bad:
            faults = [{"where": fault.where, "sentence": localized(fault.sentence)} for fault in bad.faults]
        except (ValueError, RecursionError):
            form.add_error("document", gettext("This is no JSON object; look at brackets and commas."))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The draft is kept."))
            return redirect("console:rulebook_draft", name)
    context = {"section": "rulebook", "draft": draft, "form": form, "faults": faults}
    return render(request, "console/promotions/text.html", context, status=422 if faults else 200)


def _draft(name: str) -> Draft:
    try:
        return draft_of(name)
    except Refusal as refusal:
        raise Http404 from refusal
