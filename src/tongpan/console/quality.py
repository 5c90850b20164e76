"""Data quality: both rates with their targets, rows that were refused, records that differ, and delays."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.channels.queries import channels
from tongpan.console.access import Request, page
from tongpan.core.clock import utc_now
from tongpan.runtime.quality import history, latest, remember

REASONS: dict[str, str | Promise] = {
    "status_unknown": _("The channel's status is not known here"),
    "paid_differs": _("Paid amount and payments differ"),
    "lines_missing": _("The lines are missing"),
    "unbooked": _("The channel sent goods that were not in the book"),
    "copy_refused": _("A later copy of the channel was refused"),
    "changed_here": _("Changed here, other than on the channel"),
    "not_taken": _("It did not get in"),
}
FORMULAS: dict[str, str | Promise] = {
    "KPI-55": _("orders that differ from the channel's copy or did not get in / orders that came"),
    "KPI-13": _(
        "customers of several channels whose place, recipient and phone are the same on each / "
        "customers of several channels"
    ),
}


@page("metrics.view")
def quality(request: Request) -> HttpResponse:
    """The report that was kept last."""
    made = latest(utc_now())
    names = {row.code: row for row in channels()}
    rates = [
        (_("Data sync error rate"), made["data_sync_error_rate"], FORMULAS["KPI-55"], _("at most")),
        (_("Cross-channel customer info sync rate"), made["customer_sync_rate"], FORMULAS["KPI-13"], _("at least")),
    ]
    context = {
        "section": "quality",
        "made": made,
        "computed_at": datetime.fromisoformat(made["computed_at"]),
        "rates": rates,
        "names": names,
        "mismatches": [
            row | {"texts": [REASONS.get(reason, reason) for reason in row["reasons"]]} for row in made["mismatches"]
        ],
        "lags": [
            row | {"last_at": row["last_placed_at"] and datetime.fromisoformat(row["last_placed_at"])}
            for row in made["channel_lag"]
        ],
        "history": history()[-14:],
        "can_compute": can(request.user, "integration.edit"),
    }
    return render(request, "console/quality.html", context)


@require_POST
@page("integration.edit")
def compute(request: Request) -> HttpResponse:
    """Compute the report now."""
    remember(utc_now())
    messages.success(request, gettext("The report is of now."))
    return redirect("console:quality")
