"""The rules that counts and replenishment go by."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console.access import Request, page, who
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import save_count_rules, save_replenish_rules
from tongpan.inventory.counts import count_rules
from tongpan.inventory.engine.counting import CountRules
from tongpan.inventory.engine.replenishing import ReplenishRules
from tongpan.inventory.replenishment import replenish_rules


class CountRulesForm(forms.Form):
    tolerance_units = forms.IntegerField(
        label=_("Units off that need no second person"), min_value=0, max_value=1_000_000
    )
    tolerance_percent = forms.DecimalField(
        label=_("and at most so many percent of the book"), min_value=0, max_value=100, decimal_places=2
    )
    accuracy = forms.ChoiceField(
        label=_("Accuracy is measured by"),
        choices=[("units", _("Units: 1 − Σ|counted − book| ÷ Σ book")), ("lines", _("Lines whose book was right"))],
    )
    target_percent = forms.DecimalField(
        label=_("Target of the accuracy, in percent"), min_value=0, max_value=100, decimal_places=2
    )
    days_a = forms.IntegerField(
        label=_("Count class A again after days"),
        min_value=1,
        max_value=3650,
        help_text=_("A is what makes up the first 80 percent of the units that leave, B the next 15, C the rest."),
    )
    days_b = forms.IntegerField(label=_("Count class B again after days"), min_value=1, max_value=3650)
    days_c = forms.IntegerField(label=_("Count class C again after days"), min_value=1, max_value=3650)


class ReplenishRulesForm(forms.Form):
    target_percent = forms.IntegerField(
        label=_("Fill a node up to so many percent of its safety line"), min_value=100, max_value=10_000
    )
    due_hours = forms.IntegerField(label=_("Replenishment is due within hours"), min_value=1, max_value=24 * 365)
    urgent_hours = forms.IntegerField(
        label=_("Urgent replenishment is due within hours"), min_value=1, max_value=24 * 365
    )


@page("stock.view")
def stock_rules(request: Request) -> HttpResponse:
    """Both sets of rules; a POST of one of them puts it in force."""
    may_edit = can(request.user, "stock.approve")
    if request.method == "POST" and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "stock.approve"}, status=403)
    what = request.POST.get("rules", "")
    counting = CountRulesForm(
        request.POST if what == "counts" else None, initial=_values(count_rules()), auto_id="counts-%s"
    )
    filling = ReplenishRulesForm(
        request.POST if what == "replenishment" else None,
        initial=_values(replenish_rules()),
        auto_id="replenishment-%s",
    )
    form = counting if what == "counts" else filling
    if form.is_bound and form.is_valid():
        try:
            if what == "counts":
                save_count_rules(CountRules(**form.cleaned_data), **who(request))
            else:
                save_replenish_rules(ReplenishRules(**form.cleaned_data), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The rules count from now on."))
            return redirect("console:stock_rules")
    if not may_edit:
        for field in (*counting.fields.values(), *filling.fields.values()):
            field.disabled = True
    context = {"section": "stock_rules", "counting": counting, "filling": filling, "may_edit": may_edit}
    return render(request, "console/stock/rules.html", context)


def _values(rules: CountRules | ReplenishRules) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in rules.as_json()}
