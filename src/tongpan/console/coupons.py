"""Coupons: batches, how far they are made, what became of their codes, and stopping them."""

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
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.promotion_words import COUPON_STATES
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.customers.models import Customer
from tongpan.promotions.actions.batches import MOST, BatchSpec, ask_for_batch, stop_batch, void_unissued
from tongpan.promotions.codes import NUMBERS, spelt
from tongpan.promotions.coupon_queries import (
    Counts,
    code_of,
    codes_of,
    counts_of,
    select_batches,
    select_coupons,
    space,
)
from tongpan.promotions.models import BatchKind, Coupon, CouponBatch, Draft
from tongpan.promotions.queries import coupon_rules

_MOMENT = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
_SORTS = {"name": "name", "rule": "rule", "from": "valid_from", "until": "valid_until", "made": "created_at"}


def _counts(row: Any) -> Counts:
    found: Counts = row.counts
    return found


COLUMNS = (
    Column("name", _("Batch"), lambda row: row.name, sort="name"),
    Column("rule", _("Rule"), lambda row: row.rule, sort="rule"),
    Column("kind", _("Kind"), lambda row: row.get_kind_display()),
    Column("count", _("Codes"), lambda row: row.count, is_number=True),
    Column("claimed", _("Claimed"), lambda row: _counts(row).out, is_number=True),
    Column("used", _("Used"), lambda row: _counts(row).used, is_number=True),
    Column("from", _("Valid from"), lambda row: row.valid_from, sort="from"),
    Column("until", _("Valid until"), lambda row: row.valid_until, sort="until"),
)


class BatchFilters(FilterForm):
    state = forms.ChoiceField(
        label=_("Status"),
        required=False,
        choices=[("", _("All")), ("open", _("Open")), ("stopped", _("Stopped")), ("making", _("Being made"))],
    )

    def rows(self) -> Any:
        return select_batches(self.values.get("q", ""), state=self.values.get("state", ""))


def _sorted(rows: Any, sort: str) -> Any:
    sign = "-" if sort.startswith("-") else ""
    return rows.order_by(f"{sign}{_SORTS[sort.removeprefix('-')]}", "-pk")


def _counted(rows: list[CouponBatch]) -> list[CouponBatch]:
    counts = counts_of([row.pk for row in rows])
    for row in rows:
        row.counts = counts[row.pk]  # type: ignore[attr-defined]
    return rows


@page("promotions.view")
def batch_list(request: Request) -> HttpResponse:
    """Batches, the newest first, with what became of their codes and how much of the space of codes is used."""
    filters = BatchFilters(request)
    rows = filters.rows()
    now = space()
    context = {
        "section": "coupons",
        "filters": filters,
        "may_edit": can(request.user, "promotions.edit"),
        "space": now,
        "guess": now.guess.denominator // max(1, now.guess.numerator),
        "numbers": NUMBERS,
        "list": listing(
            request,
            COLUMNS,
            default_sort="-from",
            fetch=lambda sort, offset, limit: _counted(list(_sorted(rows, sort)[offset : offset + limit])),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/promotions/coupons.html", context)


@page("data.export")
def batch_export(request: Request) -> HttpResponseBase:
    """All batches of the filter."""
    rows = _counted(list(_sorted(BatchFilters(request).rows(), sort_of(request.GET, COLUMNS, "-from"))[:20_000]))
    return exports.respond("coupon-batches", COLUMNS, rows, request.GET.get("format", ""))


class BatchForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    rule = forms.ChoiceField(label=_("Opens the rule"), help_text=_("Rules that only a coupon opens."))
    word = forms.CharField(
        label=_("Public code"),
        max_length=40,
        required=False,
        help_text=_("One code for everybody, such as GO618. Empty: a code for each use."),
    )
    count = forms.IntegerField(
        label=_("Codes"),
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=_("How many; of a public code how many uses, empty for any number."),
    )
    per_customer = forms.IntegerField(
        label=_("For one customer at most"), min_value=1, max_value=10_000, required=False
    )
    valid_from = forms.DateTimeField(label=_("Valid from"), widget=_MOMENT)
    valid_until = forms.DateTimeField(label=_("Valid until, not included"), widget=_MOMENT, required=False)
    days_after_claim = forms.IntegerField(
        label=_("Good for so many days after the claim"), min_value=1, max_value=3660, required=False
    )
    segment = forms.CharField(label=_("Only for this segment"), max_length=60, required=False)
    customers = forms.CharField(
        label=_("Only for these customers"),
        required=False,
        max_length=500_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Customer numbers, one a line. Empty: everybody."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["rule"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [(code, f"{name} ({code})" if name else code) for code, name in coupon_rules()]

    def spec(self) -> BatchSpec:
        given = dict(self.cleaned_data)
        codes = given.pop("customers").split()
        known = dict(Customer.objects.filter(code__in=codes).values_list("code", "pk"))
        if missing := sorted(set(codes) - set(known)):
            raise Refusal("customer.unknown", f"There is no customer {missing[0]!r}.")
        return BatchSpec(**given, customers=sorted(known.values()))


@page("promotions.edit")
def batch_new(request: Request) -> HttpResponse:
    """Make a batch."""
    form = BatchForm(request.POST or None, initial={"rule": request.GET.get("rule", "")})
    if request.method == "POST" and form.is_valid():
        try:
            batch = ask_for_batch(form.spec(), **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The batch is made; its codes come in the background."))
            return redirect("console:coupon_batch", batch.pk)
    context = {
        "section": "coupons",
        "form": form,
        "has_rules": bool(coupon_rules()),
        "has_draft": Draft.objects.exists(),
        "space": space(),
    }
    return render(request, "console/promotions/coupon_new.html", context)


CODE_COLUMNS = (
    Column("code", _("Code"), lambda row: row.shown),
    Column("state", _("Status"), lambda row: str(COUPON_STATES[row.state])),
    Column("customer", _("Customer"), lambda row: row.customer.code if row.customer else ""),
    Column("order", _("Order"), lambda row: row.order_id or row.reference),
    Column("claimed", _("Claimed at"), lambda row: row.claimed_at),
    Column("used", _("Used at"), lambda row: row.used_at),
)


class CodeFilters(FilterForm):
    state = forms.ChoiceField(label=_("Status"), required=False, choices=[("", _("All")), *COUPON_STATES.items()])


@page("promotions.view")
def batch_detail(request: Request, batch_id: int) -> HttpResponse:
    """One batch: how far it is, its codes and who has them."""
    batch = _batch(batch_id)
    may_edit = can(request.user, "promotions.edit")
    sees_customers = can(request.user, "customers.view")
    filters = CodeFilters(request)
    rows = select_coupons(
        batch_id,
        state=filters.values.get("state", ""),
        text=filters.values.get("q", ""),
        sees_customers=sees_customers,
    )

    def fetch(_sort: str, offset: int, limit: int) -> list[Coupon]:
        found = list(rows.order_by("pk")[offset : offset + limit])
        for one in found:
            whole = code_of(one, batch.word)
            # Who may not hand coupons out does not see codes that nobody has used.
            seen = may_edit or one.state in ("used", "void") or batch.word
            one.shown = (spelt(whole) if not batch.word else whole) if seen else f"{whole[:4]}-····-···"  # type: ignore[attr-defined]
            one.state_name = COUPON_STATES[one.state]  # type: ignore[attr-defined]
        return found

    context = {
        "section": "coupons",
        "batch": batch,
        "counts": counts_of([batch_id])[batch_id],
        "filters": filters,
        "may_edit": may_edit,
        "sees_customers": sees_customers,
        "list": listing(
            request, CODE_COLUMNS, default_sort="", fetch=fetch, count=lambda cap: rows.order_by()[:cap].count()
        ),
    }
    return render(request, "console/promotions/coupon_batch.html", context)


@page("promotions.edit")
def batch_codes(request: Request, batch_id: int) -> HttpResponseBase:
    """All codes of a batch, for printing and sending."""
    _batch(batch_id)
    columns = (
        Column("code", _("Code"), lambda row: spelt(row[0])),
        Column("state", _("Status"), lambda row: row[1]),
    )
    return exports.respond(f"coupons-{batch_id}", columns, codes_of(batch_id), request.GET.get("format", ""))


@page("promotions.edit")
@require_POST
def batch_act(request: Request, batch_id: int) -> HttpResponse:
    """Stop a batch, let it go on, or void what nobody has claimed."""
    _batch(batch_id)
    done = request.POST.get("do", "")
    try:
        if done == "void":
            count = void_unissued(batch_id, **who(request))
            messages.success(request, gettext("%(count)s codes are void.") % {"count": f"{count:,}"})
        elif done in ("stop", "resume"):
            stop_batch(batch_id, is_stopped=done == "stop", **who(request))
            messages.success(request, gettext("Saved."))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:coupon_batch", batch_id)


def _batch(batch_id: int) -> CouponBatch:
    batch = CouponBatch.objects.filter(pk=batch_id).first()
    if batch is None:
        raise Http404
    batch.is_unique = batch.kind == BatchKind.UNIQUE  # type: ignore[attr-defined]
    batch.is_making = batch.kind == BatchKind.UNIQUE and batch.made < (batch.count or 0)  # type: ignore[attr-defined]
    return batch
