"""Routing policies: what there is, its versions, the editor, and where each counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.models import Channel, Shop
from tongpan.console.access import Request, page, who
from tongpan.console.lists import whole
from tongpan.console.routing_forms import (
    AfterForm,
    AssignForm,
    BatchForms,
    DocumentForm,
    NewPolicyForm,
    RuleForm,
    initial_of,
    put_problems,
)
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.fulfillment.dryrun.queries import dry_runs
from tongpan.fulfillment.routing.actions import assign, discard_draft, publish, save_draft
from tongpan.fulfillment.routing.language import BadPolicy, as_text, load_text
from tongpan.fulfillment.routing.presets import PRESETS, VERSION
from tongpan.fulfillment.routing.queries import (
    assignments,
    differences,
    document_of,
    list_policies,
    scope_of,
    versions_of,
)

_SHOWN = 50


@page("network.view")
def routing_list(request: Request) -> HttpResponse:
    """The policies and where each counts; the newest dry runs and assignments."""
    rows = list_policies()
    named = _scope_names()
    may_edit = can(request.user, "network.edit")
    published = [row.code for row in rows if row.published]
    history = [
        {"row": row, "scope": named.get(scope_of(row), scope_of(row)) or _("Everywhere else")}
        for row in assignments()[:20]
    ]
    context = {
        "section": "routing",
        "rows": [
            {"row": row, "scopes": [named.get(scope, scope) or _("Everywhere else") for scope in row.scopes]}
            for row in rows
        ],
        "runs": dry_runs()[:10],
        "history": history,
        "may_edit": may_edit,
        "assign_form": AssignForm(None, published, _scopes()) if may_edit else None,
    }
    return render(request, "console/routing/list.html", context)


@page("network.edit")
def routing_new(request: Request) -> HttpResponse:
    """A draft of a new policy that begins with the words of another."""
    form = NewPolicyForm(request.POST or None, initial={"start": request.GET.get("start", "default-cn")})
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        try:
            if versions_of(code):
                raise Refusal("policy.exists", f"There is a policy {code} already; change it or choose another code.")
            document = PRESETS[form.cleaned_data["start"]]
            save_draft(code, document, name=form.cleaned_data["name"], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            return redirect("console:routing_edit", code)
    return render(request, "console/routing/new.html", {"section": "routing", "form": form})


@page("network.view")
def routing_policy(request: Request, code: str) -> HttpResponse:
    """One policy: its versions, the document of one of them, and what it differs in from another."""
    versions = versions_of(code)
    if not versions and code not in PRESETS:
        raise Http404
    shown = whole(request.GET.get("version", ""), versions[0].number if versions else VERSION)
    against = whole(request.GET.get("against", ""), 0)
    try:
        number, document = document_of(code, shown)
        lines = differences(document_of(code, against)[1], document) if against else []
    except Refusal as refusal:
        raise Http404 from refusal
    context = {
        "section": "routing",
        "code": code,
        "name": versions[0].policy.name if versions else code,
        "is_preset": code in PRESETS,
        "versions": versions,
        "number": number,
        "text": as_text(document),
        "against": against,
        "lines": lines,
        "draft": next((one for one in versions if one.status == "draft"), None),
        "may_edit": can(request.user, "network.edit"),
        "runs": dry_runs(code)[:10],
    }
    return render(request, "console/routing/policy.html", context)


@page("network.edit")
def routing_edit(request: Request, code: str) -> HttpResponse:
    """Change a policy: as a form with one part for each rule, or as the document itself (``view=document``)."""
    versions = versions_of(code)
    if not versions:
        raise Http404
    document = versions[0].document
    if request.GET.get("view") == "document":
        return _edit_text(request, code, document, versions[0].note)
    rules = document["rules"]
    data = request.POST if request.method == "POST" else None
    count = min(whole(data.get("count", ""), len(rules)), 50) if data else len(rules)
    forms = [
        RuleForm(data, prefix=f"r{n}", initial=initial_of(rules[n - 1], n) if n <= len(rules) else {"position": n})
        for n in range(1, count + 1)
    ]
    batch = BatchForms(data, document)
    after = AfterForm(data, prefix="after", initial={**(document.get("after") or {}), "note": versions[0].note})
    if data is not None and data.get("add"):
        forms.append(RuleForm(prefix=f"r{count + 1}", initial={"position": count + 1, "rank": "distance"}))
    elif data is not None and all([form.is_valid() for form in forms] + [batch.is_valid(), after.is_valid()]):
        kept = sorted(
            (form for form in forms if not form.cleaned_data["is_removed"]), key=lambda f: f.cleaned_data["position"]
        )
        changed = {
            **document,
            "batch": batch.document(),
            "rules": [form.document() for form in kept],
            "after": after.document(),
        }
        try:
            save_draft(code, changed, note=after.cleaned_data["note"], **who(request))
        except BadPolicy as bad:
            put_problems(bad.problems, kept, batch, after, localized)
        except Refusal as refusal:
            after.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, _("The draft is kept. Try it on past orders before you publish it."))
            return redirect("console:routing_policy", code)
    context = {"section": "routing", "code": code, "forms": forms, "batch": batch, "after": after, "count": len(forms)}
    return render(request, "console/routing/edit.html", context)


def _edit_text(request: Request, code: str, document: Mapping[str, Any], note: str) -> HttpResponse:
    form = DocumentForm(request.POST or None, initial={"document": as_text(document), "note": note})
    problems: list[dict[str, Any]] = []
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["document"]
        try:
            save_draft(code, load_text(text), note=form.cleaned_data["note"], **who(request))
        except BadPolicy as bad:
            lines = _lines_of(text)
            problems = [
                {"where": where, "line": _line(lines, where), "sentence": localized(sentence)}
                for where, sentence in bad.problems
            ]
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, _("The draft is kept. Try it on past orders before you publish it."))
            return redirect("console:routing_policy", code)
    context = {"section": "routing", "code": code, "form": form, "problems": problems}
    return render(request, "console/routing/edit_text.html", context, status=422 if problems else 200)


def _lines_of(text: str) -> dict[str, int]:
    """The line of each path of a document ("rules[2].nodes.within_km"), from 1."""
    found: dict[str, int] = {}

    def walk(node: Any, path: str) -> None:
        found.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = f"{path}.{key.value}".lstrip(".")
                found[inner] = key.start_mark.line + 1
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value, 1):
                walk(value, f"{path}[{number}]")

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return {}
    if root is not None:
        walk(root, "")
    return found


def _line(lines: Mapping[str, int], where: str) -> int | None:
    """The line of ``where``, or of the nearest word above it that the document has."""
    while where and where not in lines:
        where = where.rpartition(".")[0]
    return lines.get(where)


@page("network.edit")
@require_POST
def routing_publish(request: Request, code: str) -> HttpResponse:
    """Publish the draft, or throw it away."""
    try:
        if request.POST.get("discard"):
            discard_draft(code, **who(request))
            messages.success(request, _("The draft is gone."))
        else:
            version = publish(code, **who(request))
            messages.success(request, _("Version %(number)s is published.") % {"number": version.number})
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:routing_policy", code) if versions_of(code) else redirect("console:routing")


@page("network.edit")
@require_POST
def routing_assign(request: Request) -> HttpResponse:
    """Let a policy count for a scope."""
    form = AssignForm(request.POST, [row.code for row in list_policies() if row.published], _scopes())
    if form.is_valid():
        what, _colon, where = form.cleaned_data["scope"].partition(":")
        scope = {what: where} if where else {}
        try:
            assign(form.cleaned_data["policy"], **scope, **who(request))
        except Refusal as refusal:
            messages.error(request, localized(refusal.sentence))
        else:
            messages.success(request, _("It counts from now on; orders that are routed already stay where they are."))
    else:
        messages.error(request, _("Choose a policy and where it counts."))
    return redirect(f"{reverse('console:routing')}#assign")


def _scopes() -> list[tuple[str, str]]:
    return [(scope, name) for scope, name in _scope_names().items() if scope]


def _scope_names() -> dict[str, str]:
    named = {"": ""}
    for channel in Channel.objects.order_by("position", "code"):
        named[f"channel:{channel.code}"] = f"{channel.name_zh} · {channel.name_en}"
    for shop in Shop.objects.filter(is_active=True).order_by("code")[:500]:
        named[f"shop:{shop.code}"] = f"{shop.name} ({shop.code})"
    return named
