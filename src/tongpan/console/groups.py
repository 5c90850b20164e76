"""Group-buy: how groups of each rule are made, and how far each group is."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.promotions.activities.groups import GroupOfferSpec, save_group_offer
from tongpan.promotions.activities.queries import select_groups
from tongpan.promotions.models import GroupOffer, GroupState
from tongpan.promotions.queries import current_book

COLUMNS = (
    Column("code", _("Group"), lambda row: row.code),
    Column("rule", _("Rule"), lambda row: row.offer.rule),
    Column("state", _("Status"), lambda row: row.get_state_display()),
    Column("paid", _("Paid"), lambda row: row.paid, is_number=True),
    Column("size", _("Group size"), lambda row: row.size, is_number=True),
    Column("opened", _("Opened"), lambda row: row.opened_at),
    Column("until", _("Until"), lambda row: row.expires_at),
)


class GroupFilters(FilterForm):
    state = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *GroupState.choices])

    def rows(self) -> Any:
        return select_groups(self.values.get("q", ""), self.values.get("state", ""))


@page("promotions.view")
def group_list(request: Request) -> HttpResponse:
    """Groups, the last opened first, and how they are made."""
    filters = GroupFilters(request)
    rows = filters.rows()
    context = {
        "section": "groups",
        "filters": filters,
        "may_edit": can(request.user, "promotions.edit"),
        "offers": list(GroupOffer.objects.all()),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/activities/groups.html", context)


@page("data.export")
def group_export(request: Request) -> HttpResponseBase:
    """All groups of the filter."""
    rows = GroupFilters(request).rows().iterator(chunk_size=2000)
    return exports.respond("groups", COLUMNS, rows, request.GET.get("format", ""))


class GroupOfferForm(forms.Form):
    rule = forms.ChoiceField(label=_("Rule"), help_text=_("Rules of the kind group price that are published."))
    size = forms.IntegerField(
        label=_("Group size"), min_value=2, max_value=1000, initial=3, help_text=_("Paid orders that make a group.")
    )
    hours = forms.IntegerField(
        label=_("Hours"),
        min_value=1,
        max_value=720,
        initial=24,
        help_text=_("From the leader's payment until the group must be whole; then it is called off and paid back."),
    )
    is_open = forms.BooleanField(label=_("New groups may be opened"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["rule"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        rules = [rule for rule in current_book(utc_now()).rulebook.rules if rule.kind == "group_price"]
        field.choices = [(rule.code, rule.code) for rule in rules]


@page("promotions.edit")
def group_offer(request: Request) -> HttpResponse:
    """Say how groups of a rule are made."""
    known = GroupOffer.objects.filter(rule=request.GET.get("rule", "")).first()
    initial = {"rule": known.rule, "size": known.size, "hours": known.hours, "is_open": known.is_open} if known else {}
    form = GroupOfferForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_group_offer(GroupOfferSpec(**form.cleaned_data), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Saved."))
            return redirect("console:groups")
    field = form.fields["rule"]
    has_rules = isinstance(field, forms.ChoiceField) and bool(field.choices)
    context = {"section": "groups", "form": form, "has_rules": has_rules}
    return render(request, "console/activities/group_offer.html", context)
