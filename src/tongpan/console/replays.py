"""Replays: past orders through a rulebook, before and after, with the orders behind every number."""

from __future__ import annotations

from datetime import timedelta
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
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.orders.models import Payer, ReplayOrder, ReplayRun
from tongpan.orders.replaying.actions import ask_replay, forget_replay, stop_replay
from tongpan.orders.replaying.basics import COUPONS, PRICES, Ask
from tongpan.orders.replaying.queries import orders_of, replay_by_id, replays
from tongpan.promotions.models import Draft, RulebookVersion

_PLACE = {"section": "replays"}
_DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
PRICE_WORDS = {
    "recorded": _("What each line cost before discounts when it was sold"),
    "book": _("What the price lists ask now"),
}
COUPON_WORDS = {
    "brought": _("Those that the orders had"),
    "all": _("One of each rule that needs one, for every order"),
}
SIDES = {
    "changed": _("Changed"),
    "cheaper": _("Cheaper for the buyer"),
    "dearer": _("Dearer for the buyer"),
    "broken": _("Under a floor or outside a band"),
}
SKIPPED = {
    "no_goods": _("without goods"),
    "currency": _("in another currency than the rulebook"),
    "unpriceable": _("with lines that no cart can have"),
}
_SORTS = {"name": "name", "rulebook": "rulebook", "from": "day_from", "asked": "created_at"}


def _lines(row: ReplayOrder) -> str:
    return "; ".join(f"{sku} × {qty}: {before} → {after}" for _no, sku, qty, _list, before, after, *_offs in row.lines)


def _changed(row: ReplayRun) -> int | None:
    changed: int | None = row.result.get("changed")
    return changed


RUN_COLUMNS = (
    Column("name", _("Name"), lambda row: row.name, sort="name"),
    Column("rulebook", _("Rulebook"), lambda row: row.rulebook, sort="rulebook"),
    Column("from", _("Days"), lambda row: f"{row.day_from} – {row.day_to}", sort="from"),
    Column("orders", _("Orders"), lambda row: row.done, is_number=True),
    Column("changed", _("Changed orders"), _changed, is_number=True),
    Column("asked", _("Asked for"), lambda row: row.created_at, sort="asked", starts_descending=True),
)
COLUMNS = (
    Column("order", _("Order"), lambda row: row.order.external_id),
    Column("shop", _("Shop"), lambda row: row.order.shop.name),
    Column("tier", _("Tier"), lambda row: row.tier),
    Column("rules", _("Rules"), lambda row: ", ".join(row.rules)),
    Column("lines", _("Lines"), _lines),
    Column("before", _("Goods before"), lambda row: row.before_minor, is_number=True),
    Column("after", _("Goods after"), lambda row: row.after_minor, is_number=True),
    Column("margin_before", _("Margin before"), lambda row: row.margin_before, is_number=True),
    Column("margin_after", _("Margin after"), lambda row: row.margin_after, is_number=True),
    Column("breaks_before", _("Broken before"), lambda row: row.breaks_before, is_number=True),
    Column("breaks_after", _("Broken after"), lambda row: row.breaks_after, is_number=True),
)


class ReplayForm(forms.Form):
    rulebook = forms.ChoiceField(label=_("Rulebook"))
    day_from = forms.DateField(label=_("From"), widget=_DAY)
    day_to = forms.DateField(label=_("Up to, not with"), widget=_DAY)
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    prices = forms.ChoiceField(label=_("Prices before discounts"), choices=list(PRICE_WORDS.items()))
    coupons = forms.ChoiceField(label=_("Coupons"), choices=list(COUPON_WORDS.items()))
    tiers = forms.CharField(
        label=_("Tiers"),
        required=False,
        max_length=400,
        help_text=_(
            "From which amount spent before a buyer has which tier, as silver=1000, gold=5000. Orders that were priced "
            "here keep the tier that they had."
        ),
    )
    name = forms.CharField(label=_("Name"), required=False, max_length=80)

    def __init__(self, request: Request) -> None:
        today = utc_now().date()
        start = {"day_from": today - timedelta(days=30), "day_to": today, "rulebook": request.GET.get("rulebook", "")}
        super().__init__(request.POST or None, initial=start)
        drafts = [
            (name, gettext("Draft %(name)s") % {"name": name}) for name in Draft.objects.values_list("name", flat=True)
        ]
        numbers = RulebookVersion.objects.values_list("version", flat=True)[:50]
        versions = [(str(number), gettext("Version %(number)s") % {"number": number}) for number in numbers]
        self.fields["rulebook"].choices = [*drafts, *versions]  # type: ignore[attr-defined]
        shown = [(one.code, local_name(one)) for one in channels()]
        self.fields["channel"].choices = [("", _("All")), *shown]  # type: ignore[attr-defined]

    def clean_tiers(self) -> dict[str, int]:
        """Tier → minor units."""
        tiers = {}
        for part in filter(None, (one.strip() for one in self.cleaned_data["tiers"].replace("，", ",").split(","))):
            tier, _equals, amount = (one.strip() for one in part.partition("="))
            if not tier or not amount.isdecimal() or len(amount) > 12:
                raise forms.ValidationError(gettext("Write %(part)s as gold=5000.") % {"part": part})
            tiers[tier] = int(amount) * 100
        return tiers


class RunFilters(FilterForm):
    pass


class OrderFilters(FilterForm):
    side = forms.ChoiceField(label=_("Which"), required=False, choices=[("", _("All")), *SIDES.items()])
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    tier = forms.ChoiceField(label=_("Tier"), required=False)
    rule = forms.ChoiceField(label=_("Rule"), required=False)
    payer = forms.ChoiceField(label=_("Payer"), required=False, choices=[("", _("All")), *Payer.choices])

    def __init__(self, request: Request, run: ReplayRun) -> None:
        result = run.result
        every = [("", _("All"))]
        super().__init__(
            request,
            {
                "channel": [*every, *((one["channel"], one["channel"]) for one in result.get("channels", []))],
                "tier": [*every, *((one["tier"], one["tier"]) for one in result.get("tiers", []) if one["tier"])],
                "rule": [*every, *((one["rule"], one["rule"]) for one in result.get("rules", [])[:500])],
            },
        )

    def rows(self, run_id: int) -> Any:
        """The orders of the filter."""
        given = self.values
        return orders_of(
            run_id,
            text=given.get("q", ""),
            channel=given.get("channel", ""),
            tier=given.get("tier"),
            rule=given.get("rule", ""),
            payer=given.get("payer", ""),
            side=given.get("side", ""),
        )


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(f"{sign}{_SORTS[sort.removeprefix('-')]}", "-pk")


@page("promotions.view")
def replay_list(request: Request) -> HttpResponse:
    """The replays that are kept, the newest first."""
    filters = RunFilters(request)
    rows = replays(filters.values.get("q", ""))
    context = _PLACE | {
        "filters": filters,
        "may_edit": can(request.user, "promotions.edit"),
        "list": listing(
            request,
            RUN_COLUMNS,
            default_sort="-asked",
            fetch=lambda sort, offset, limit: list(_sorted(rows, sort)[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/promotions/replays.html", context)


@page("data.export")
def replay_list_export(request: Request) -> HttpResponseBase:
    """The replays of the search."""
    rows = _sorted(replays(RunFilters(request).values.get("q", "")), sort_of(request.GET, RUN_COLUMNS, "-asked"))
    return exports.respond("replays", RUN_COLUMNS, rows[:20_000], request.GET.get("format", ""))


@page("promotions.edit")
def replay_new(request: Request) -> HttpResponse:
    """Ask for a replay."""
    form = ReplayForm(request)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        ask = Ask(
            given["rulebook"],
            given["day_from"],
            given["day_to"],
            next(one for one in PRICES if one == given["prices"]),
            next(one for one in COUPONS if one == given["coupons"]),
            given["channel"],
            given["tiers"],
            given["name"],
        )
        try:
            run = ask_replay(ask, **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            return redirect("console:replay", run.pk)
    has_rulebook = bool(form.fields["rulebook"].choices)  # type: ignore[attr-defined]
    return render(request, "console/promotions/replay_new.html", _PLACE | {"form": form, "has_rulebook": has_rulebook})


@page("promotions.view")
def replay(request: Request, run_id: int) -> HttpResponse:
    """One replay: its progress, then both sides; ``with`` puts another run beside it."""
    run = _run(run_id)
    beside = whole(request.GET.get("with", ""), 0)
    other = _run(beside) if beside else None
    filters = OrderFilters(request, run)
    rows = filters.rows(run_id)
    result = run.result
    context = _PLACE | {
        "run": run,
        "other": other,
        "others": replays().filter(finished_at__isnull=False, error="").exclude(pk=run_id)[:20],
        "may_edit": can(request.user, "promotions.edit"),
        "prices": PRICE_WORDS[run.prices],
        "coupons": COUPON_WORDS[run.coupons],
        "figures": _figures(run, other) if result else [],
        "payers": _payers(run) if result else [],
        "groups": [
            (_("By channel"), "channel", _groups(result.get("channels", []), "channel")),
            (_("By tier"), "tier", _groups(result.get("tiers", []), "tier")),
        ],
        "rules": result.get("rules", [])[:100],
        "skipped": [(SKIPPED[why], number) for why, number in result.get("skipped", {}).items()],
        "filters": filters,
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/promotions/replay.html", context)


@page("data.export")
def replay_export(request: Request, run_id: int) -> HttpResponseBase:
    """The orders of the filter, as a file."""
    rows = OrderFilters(request, _run(run_id)).rows(run_id).iterator(chunk_size=2000)
    return exports.respond("replay", COLUMNS, rows, request.GET.get("format", ""))


@require_POST
@page("promotions.edit")
def replay_act(request: Request, run_id: int) -> HttpResponse:
    """Stop a run, or throw it away."""
    is_stopped = request.POST.get("do") == "stop"
    try:
        (stop_replay if is_stopped else forget_replay)(run_id, **who(request))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return redirect("console:replays")
    if is_stopped:
        return redirect("console:replay", run_id)
    messages.success(request, gettext("The replay is thrown away."))
    return redirect("console:replays")


def _run(run_id: int) -> ReplayRun:
    try:
        return replay_by_id(run_id)
    except Refusal as refusal:
        raise Http404 from refusal


def _figures(run: ReplayRun, other: ReplayRun | None) -> list[dict[str, Any]]:
    """What is compared: label, kind, before, after, and the same figure of another run; the change from before."""
    sides = [run.result["before"], run.result["after"]]
    if other is not None and other.result:
        sides.append(other.result["after"])
    kinds: list[tuple[str, str, Any]] = [
        (gettext("Goods at list price"), "money", lambda side: side["list_minor"]),
        (gettext("Revenue of goods"), "money", lambda side: side["revenue_minor"]),
        (gettext("Discounts on goods"), "money", lambda side: sum(side["offs"].values())),
        (gettext("Margin where the cost is known"), "money", lambda side: side["margin_minor"]),
        (gettext("Revenue whose cost is not known"), "money", lambda side: side["unknown_minor"]),
        (gettext("Shipping charged"), "money", lambda side: side["shipping_minor"]),
        (gettext("Lines under their floor"), "count", lambda side: side["under_floor"]),
        (gettext("Lines outside the band"), "count", lambda side: side["outside_band"]),
        (gettext("Gifts, units"), "count", lambda side: side["gifts"]),
    ]
    rows = []
    for label, kind, read in kinds:
        values = [read(side) for side in sides]
        rows.append({"label": label, "kind": kind, "values": values, "delta": values[1] - values[0]})
    return rows


def _payers(run: ReplayRun) -> list[dict[str, Any]]:
    """What each payer bears before and after; share: of the largest, for the bar."""
    before, after = run.result["before"]["offs"], run.result["after"]["offs"]
    names = dict(Payer.choices)
    most = max([*before.values(), *after.values()], default=0)
    return [
        {
            "payer": payer,
            "label": names.get(payer, payer),
            "before": before.get(payer, 0),
            "after": after.get(payer, 0),
            "most": most,
        }
        for payer in sorted({*before, *after}, key=lambda one: (-after.get(one, 0), one))
    ]


def _groups(groups: list[dict[str, Any]], word: str) -> list[dict[str, Any]]:
    return [
        {
            "name": one[word],
            "orders": one["orders"],
            "changed": one["changed"],
            "before": one["before"],
            "after": one["after"],
            "delta": one["after"]["revenue_minor"] - one["before"]["revenue_minor"],
            "off": sum(one["after"]["offs"].values()),
        }
        for one in groups
    ]
