"""The fit standard of listings: what is in force, its versions, and what becomes of what fails (PRD-03)."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.catalog.contents import current_standards, on_fail, publish_standard, set_on_fail
from tongpan.catalog.coverage import select_listings
from tongpan.catalog.models import FitStandard
from tongpan.catalog.roles import channel_roles
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal

EXAMPLE = [
    {"check": "title_length", "min": 10, "max": 60},
    {"check": "images", "min": 5},
    {"check": "detail_text", "min": 200},
    {"check": "video", "required": False},
    {"check": "attributes", "names": ["材质", "尺寸"]},
    {"check": "banned_words", "words": ["最佳", "国家级", "第一"]},
    {"check": "return_days", "min": 7},
    {"check": "ship_hours", "max": 48},
    {"check": "spares", "required": False},
]


class StandardForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    checks = forms.CharField(
        label=_("Checks"),
        widget=forms.Textarea(attrs={"rows": 16, "class": "mono"}),
        help_text=_("A JSON list of checks, as in the example that stands there."),
    )
    blocks = forms.BooleanField(label=_("A listing that fails is not put on sale"), required=False)

    def __init__(self, data: Any = None, *, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["channel"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [("", _("Every channel without one of its own"))] + [
            (one.code, local_name(one)) for one in channel_roles()
        ]

    def clean_checks(self) -> Any:
        try:
            return json.loads(self.cleaned_data["checks"])
        except ValueError as error:
            raise forms.ValidationError(gettext("This is not JSON: %(error)s") % {"error": error}) from None


@page("goods.view")
def standards(request: Request) -> HttpResponse:
    """The standards in force, every version, and what becomes of listings that fail."""
    failed = select_listings(fit="failed").order_by().values_list("fit__standard").annotate(Count("id"))
    counts = dict(failed)
    context = {
        "section": "goods",
        "tab": "standards",
        "standards": [(row, checks, counts.get(row.pk, 0)) for row, checks in current_standards().values()],
        "versions": FitStandard.objects.select_related("channel").order_by("-id")[:50],
        "on_fail": on_fail(),
        "can_edit": can(request.user, "goods.edit"),
    }
    return render(request, "console/goods/standards.html", context)


@page("goods.edit")
def standard_edit(request: Request) -> HttpResponse:
    """Publish the next version of a channel's standard."""
    channel = request.GET.get("channel", "")
    now_in_force = next((row for row, _checks in current_standards().values() if _code(row) == channel), None)
    checks = now_in_force.checks if now_in_force else EXAMPLE
    form = StandardForm(
        request.POST or None,
        initial={
            "channel": channel,
            "checks": json.dumps(checks, ensure_ascii=False, indent=1),
            "blocks": now_in_force.blocks if now_in_force else False,
        },
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            publish_standard(given["channel"], given["checks"], given["blocks"], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:standards")
    context = {"section": "goods", "form": form, "title": gettext("Fit standard"), "back": "console:standards"}
    return render(request, "console/goods/edit.html", context)


@page("goods.edit")
@require_POST
def standard_mode(request: Request) -> HttpResponse:
    """Refuse the sale to what fails, or only flag it."""
    set_on_fail("flag" if request.POST.get("on_fail") == "flag" else "refuse", **who(request))
    messages.success(request, gettext("Saved."))
    return redirect("console:standards")


def _code(standard: FitStandard) -> str:
    return standard.channel.code if standard.channel else ""
