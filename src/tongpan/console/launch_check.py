"""The check before launch: what it found in a draft, the stack matrix with its notice, and campaigns that overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.forecasting.launches import check_launch
from tongpan.promotions.conflicts.actions import accept, announce, reopen
from tongpan.promotions.conflicts.loading import campaign_facts, check_limits, goods_of
from tongpan.promotions.conflicts.matrix import notice_texts, stack_matrix
from tongpan.promotions.conflicts.overlaps import overlaps_of
from tongpan.promotions.conflicts.queries import FoundRow, last_check, notices
from tongpan.promotions.conflicts.words import BOUNDS, TITLES, TODO, sentence_of
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.models import Campaign, Draft
from tongpan.promotions.queries import current_book, draft_book

_MONTHS_SHOWN = 93


@page("promotions.view")
def launch_check(request: Request, name: str) -> HttpResponse:
    """What the last check of a draft found, by kind, and what became of each finding."""
    draft = _draft(name)
    checked = last_check(draft)
    book = read_rulebook(draft.document, "draft")
    currency = book.settings.currency
    found = [_shown(one, name, currency) for one in checked.findings] if checked else []
    groups = [
        {"kind": kind, "title": _(title), "todo": _(TODO[kind]), "rows": rows}
        for kind, title in TITLES.items()
        if (rows := [one for one in found if one["kind"] == kind])
    ]
    context = {
        "section": "rulebook",
        "draft": draft,
        "checked": checked,
        "groups": groups,
        "open": len(checked.open) if checked else 0,
        "coverage": [
            {
                "title": _(TITLES[one["kind"]]),
                "how": _(BOUNDS[one["kind"]]),
                "is_exhaustive": one["search"] == "exhaustive",
                **one,
            }
            for one in (checked.run.coverage if checked else [])
        ],
        "currency": currency,
        "depth": check_limits().max_depth_bp / 10_000,
        "may_check": can(request.user, "promotions.edit"),
        "may_accept": can(request.user, "promotions.accept"),
    }
    return render(request, "console/launch/check.html", context)


@page("promotions.view")
@require_POST
def launch_check_act(request: Request, name: str) -> HttpResponse:
    """Run the check, accept a finding, or take an acceptance back."""
    _draft(name)
    do, key = request.POST.get("do", ""), request.POST.get("key", "")
    needed = "promotions.edit" if do == "check" else "promotions.accept"
    if not can(request.user, needed):
        return render(request, "console/no_permission.html", {"permission": needed}, status=403)
    try:
        if do == "check":
            run = check_launch(name, **who(request))
            messages.success(request, _("The check took %(seconds)s s.") % {"seconds": f"{run.took_ms / 1000:.1f}"})
        elif do == "accept":
            accept(name, key, reason=request.POST.get("reason", ""), **who(request))
            messages.success(request, _("The finding stands accepted; publication does not wait for it any more."))
        elif do == "reopen":
            reopen(name, key, **who(request))
            messages.success(request, _("The finding is open again."))
        else:
            raise Http404
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect(f"{reverse('console:launch_check', args=[name])}{'#' + key if key else ''}")


@page("promotions.view")
def stacking(request: Request, name: str) -> HttpResponse:
    """The stack matrix of a draft, the public notice of it, and the notices of before."""
    draft = _draft(name)
    book = read_rulebook(draft.document, "draft")
    if request.method == "POST":
        if not can(request.user, "promotions.publish"):
            return render(request, "console/no_permission.html", {"permission": "promotions.publish"}, status=403)
        try:
            announce(
                name,
                text_zh=request.POST.get("text_zh", ""),
                text_en=request.POST.get("text_en", ""),
                **who(request),
            )
        except Refusal as refusal:
            messages.error(request, localized(refusal.sentence))
        else:
            messages.success(request, _("The notice is published. Run the check again: what it tells is no finding."))
        return redirect("console:stacking", name)
    matrix = stack_matrix(book)
    zh, en = notice_texts(book)
    context = {
        "section": "rulebook",
        "draft": draft,
        "groups": matrix.groups,
        "rows": [
            {"group": one, "cells": list(zip(matrix.groups, may, strict=True))}
            for one, may in zip(matrix.groups, matrix.may, strict=True)
        ],
        "text_zh": zh,
        "text_en": en,
        "notices": notices()[:20],
        "may_announce": can(request.user, "promotions.publish"),
    }
    return render(request, "console/launch/stacking.html", context)


@page("promotions.view")
def overlaps(request: Request) -> HttpResponse:
    """Campaigns on one calendar, and which of them share time, channels, goods and buyers."""
    now = utc_now()
    chosen = request.GET.get("draft", "")
    try:
        book = (draft_book(chosen) if chosen else current_book(now)).rulebook
    except Refusal as refusal:
        raise Http404 from refusal
    facts = [one for one in campaign_facts() if one.ends > now - timedelta(days=14)]
    named = {one.code: one for one in Campaign.objects.filter(code__in=[fact.code for fact in facts])}
    start = min((one.starts for one in facts), default=now)
    start = max(start, now - timedelta(days=14))
    end = min(max((one.ends for one in facts), default=now), start + timedelta(days=_MONTHS_SHOWN))
    context = {
        "section": "campaigns",
        "bars": [
            {"campaign": named[one.code], **_bar(one.starts, one.ends, start, end)} for one in facts if one.starts < end
        ],
        "start": start,
        "end": end,
        "today": _bar(now, now, start, end)["left"],
        "overlaps": [
            {"row": one, "one": named[one.one], "two": named[one.two], "channels": _channel_names(one.channels)}
            for one in overlaps_of(book, facts, goods_of(book))
        ],
        "drafts": list(Draft.objects.values_list("name", flat=True)),
        "chosen": chosen,
    }
    return render(request, "console/launch/overlaps.html", context)


def _bar(starts: datetime, ends: datetime, start: datetime, end: datetime) -> dict[str, str]:
    """Where a span lies on the calendar, in per cent."""
    whole = max((end - start).total_seconds(), 1)
    left = max((starts - start).total_seconds() / whole, 0)
    right = min((ends - start).total_seconds() / whole, 1)
    return {"left": f"{left * 100:.2f}", "width": f"{max(right - left, 0.005) * 100:.2f}"}


def _channel_names(codes: Sequence[str]) -> list[Any]:
    known = {one.code: one for one in channels()}
    return [known[code] for code in codes if code in known]


def _draft(name: str) -> Draft:
    draft = Draft.objects.filter(name=name).first()
    if draft is None:
        raise Http404
    return draft


def _shown(one: FoundRow, name: str, currency: str) -> dict[str, Any]:
    content = one.row.content
    return {
        "kind": one.row.kind,
        "row": one,
        "key": one.row.key,
        "sentence": sentence_of(content, currency, _),
        "rules": content["rules"],
        "skus": content["skus"][:12],
        "more": max(content["sku_count"] - len(content["skus"][:12]), 0),
        "examples": [{"cart": cart, "link": _simulator_link(cart, name)} for cart in content["examples"]],
    }


def _simulator_link(cart: Mapping[str, Any], name: str) -> str:
    """The simulator with the cart of a counter-example, priced as the check priced it."""
    words: list[tuple[str, str]] = [("book", f"draft:{name}"), ("channel", cart["channel"]), ("at", cart["at"])]
    words += [("line", f"{line['sku']}:{line['qty']}") for line in cart["lines"]]
    words += [("rule", code) for code in cart["coupons"]]
    words += [(word, cart[word]) for word in ("tier", "shop", "node", "region", "source", "payment") if cart[word]]
    words += [("segment", segment) for segment in cart["segments"]]
    words += [(word, "1") for word in ("is_member", "is_new") if cart[word]]
    return f"{reverse('console:simulator')}?{urlencode([*words, ('floors', 'no')])}"
