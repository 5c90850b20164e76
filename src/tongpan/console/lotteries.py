"""Lotteries: announced, followed, revealed and recomputed."""

from __future__ import annotations

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
from tongpan.console import exports
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.promotions.activities.lotteries import LotterySpec, PrizeSpec, announce_lottery, check, reveal
from tongpan.promotions.activities.queries import select_lotteries
from tongpan.promotions.models import Lottery, LotteryDraw

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
COLUMNS = (
    Column("code", _("Lottery"), lambda row: row.code),
    Column("name_zh", _("Chinese name"), lambda row: row.name_zh),
    Column("starts", _("Starts"), lambda row: row.starts),
    Column("ends", _("Ends"), lambda row: row.ends),
    Column("entries", _("Entries"), lambda row: row.entries, is_number=True),
    Column("seed", _("Seed"), lambda row: row.seed),
)
DRAW_COLUMNS = (
    Column("number", _("Entry"), lambda row: row.number, is_number=True),
    Column("customer", _("Customer"), lambda row: row.customer.code),
    Column("source", _("Source"), lambda row: row.get_source_display()),
    Column("reference", _("Reference"), lambda row: row.reference),
    Column("drawn", _("Number drawn"), lambda row: row.drawn, is_number=True),
    Column("prize", _("Prize"), lambda row: row.hit.name_zh if row.hit else ""),
    Column("given", _("Given"), lambda row: "1" if row.is_given else "0"),
    Column("at", _("When"), lambda row: row.at),
    Column("chain", _("Chain"), lambda row: row.chain),
)


class LotteryFilters(FilterForm):
    def rows(self) -> Any:
        return select_lotteries(self.values.get("q", ""))


@page("promotions.view")
def lottery_list(request: Request) -> HttpResponse:
    """Lotteries, the last announced first."""
    filters = LotteryFilters(request)
    rows = filters.rows()
    context = {
        "section": "lotteries",
        "filters": filters,
        "may_publish": can(request.user, "promotions.publish"),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/activities/lotteries.html", context)


@page("data.export")
def lottery_export(request: Request) -> HttpResponseBase:
    """All lotteries of the filter."""
    rows = LotteryFilters(request).rows().iterator(chunk_size=2000)
    return exports.respond("lotteries", COLUMNS, rows, request.GET.get("format", ""))


class LotteryForm(forms.Form):
    code = forms.RegexField(r"^[a-z0-9][a-z0-9-]{0,39}$", label=_("Code"))
    name_zh = forms.CharField(label=_("Chinese name"), max_length=60)
    name_en = forms.CharField(label=_("English name"), max_length=60)
    campaign = forms.CharField(label=_("Campaign"), max_length=40, required=False)
    starts = forms.DateTimeField(label=_("Starts"), widget=_MOMENT)
    ends = forms.DateTimeField(label=_("Ends, not included"), widget=_MOMENT)
    per_customer = forms.IntegerField(
        label=_("Entries of one customer at most"), min_value=1, max_value=10_000, initial=1
    )
    prizes = forms.CharField(
        label=_("Prizes"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_(
            "One a line: kind | Chinese name | English name | what | chance in millionths | how many. "
            "Kinds: coupon (number of a batch), points (an amount), goods (a SKU)."
        ),
    )

    def spec(self) -> LotterySpec:
        given = dict(self.cleaned_data)
        prizes = []
        for number, text in enumerate(given.pop("prizes").strip().splitlines(), 1):
            words = [word.strip() for word in text.split("|")]
            if len(words) != 6 or not words[4].isdecimal() or not words[5].isdecimal():
                raise Refusal("lottery.prizes", f"Line {number} of the prizes does not have its six parts.")
            prizes.append(PrizeSpec(words[0], words[1][:80], words[2][:80], words[3], int(words[4]), int(words[5])))
        return LotterySpec(**given, prizes=prizes)


@page("promotions.publish")
def lottery_new(request: Request) -> HttpResponse:
    """Announce a lottery."""
    form = LotteryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            lottery = announce_lottery(form.spec(), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The lottery is announced; its prizes and chances stand."))
            return redirect("console:lottery", lottery.code)
    return render(request, "console/activities/lottery_new.html", {"section": "lotteries", "form": form})


def _find(code: str) -> Lottery:
    row = select_lotteries("").filter(code=code).first()
    if row is None:
        raise Http404
    return row


def _draws(lottery: Lottery) -> Any:
    return LotteryDraw.objects.filter(lottery=lottery).select_related("customer", "hit")


@page("promotions.view")
def lottery_detail(request: Request, code: str) -> HttpResponse:
    """Prizes and the fairness log; of a revealed lottery also whether every draw recomputes."""
    lottery = _find(code)
    rows = _draws(lottery)
    prizes = list(lottery.prizes.all())
    context = {
        "section": "lotteries",
        "lottery": lottery,
        "prizes": prizes,
        "nothing": 1_000_000 - sum(prize.per_million for prize in prizes),
        "faults": [localized(fault) for fault in check(lottery)] if lottery.seed else None,
        "may_reveal": can(request.user, "promotions.publish") and not lottery.seed and lottery.ends <= utc_now(),
        "list": listing(
            request,
            DRAW_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/activities/lottery.html", context)


@page("data.export")
def lottery_log(request: Request, code: str) -> HttpResponseBase:
    """The whole fairness log, to be recomputed elsewhere."""
    rows = _draws(_find(code)).order_by("number").iterator(chunk_size=2000)
    return exports.respond(f"lottery-{code}", DRAW_COLUMNS, rows, request.GET.get("format", ""))


@require_POST
@page("promotions.publish")
def lottery_reveal(request: Request, code: str) -> HttpResponse:
    """Publish the seed."""
    try:
        reveal(code, **who(request))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    else:
        messages.success(request, gettext("The seed is published; everybody can recompute the draws."))
    return redirect("console:lottery", code)
