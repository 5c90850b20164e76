"""What the order desk can be narrowed to, and the views that every desk begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.console.choices import node_choices, shop_choices
from tongpan.console.lists import FilterForm
from tongpan.core.clock import utc_now
from tongpan.fulfillment.queries import orders_at_node, with_tracking
from tongpan.orders.models import HoldReason, Status
from tongpan.orders.queries import OrderFilter, tags_in_use

_LARGEST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class StandardView:
    """A view that every desk has. query: its address; why: what to do with the orders in it."""

    key: str
    name: str | Promise
    query: str
    why: str | Promise


STANDARD_VIEWS = (
    StandardView("review", _("To review"), "hold=review", _("Orders that wait for a person's decision.")),
    StandardView("short", _("Out of stock"), "hold=out_of_stock", _("Paid orders that no node has the goods for.")),
    StandardView("today", _("To ship today"), "due=today", _("Not yet sent and promised for today or earlier.")),
    StandardView("overdue", _("Overdue"), "due=overdue", _("Not yet sent though the promised time has passed.")),
    StandardView(
        "unknown",
        _("Unknown state"),
        "status=unknown",
        _("Their channel sent a state that no mapping knows; the words it used are on the order."),
    ),
)


def end_of_today(now: datetime) -> datetime:
    """The midnight that ends the day of ``now`` in the console's zone."""
    tomorrow = timezone.localtime(now).date() + timedelta(days=1)
    return timezone.make_aware(datetime.combine(tomorrow, time()))


class OrderFilters(FilterForm):
    shop = forms.ChoiceField(label=_("Channel or shop"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False)
    hold = forms.ChoiceField(label=_("Waiting for"), required=False)
    due = forms.ChoiceField(
        label=_("To be sent"),
        required=False,
        choices=[("", _("Any time")), ("today", _("By tonight")), ("overdue", _("Overdue"))],
    )
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    node = forms.ChoiceField(label=_("Ships from"), required=False)
    least = forms.DecimalField(label=_("Total from"), required=False, min_value=-_LARGEST, max_value=_LARGEST)
    most = forms.DecimalField(label=_("Total to"), required=False, min_value=-_LARGEST, max_value=_LARGEST)
    batch = forms.IntegerField(label=_("Import"), required=False, min_value=1, widget=forms.HiddenInput)

    rarely = ("day_from", "day_to", "tag", "node", "least", "most")

    def __init__(self, request: HttpRequest, query: QueryDict | None = None) -> None:
        """query: an address to read instead of the request's own."""
        self._sees_customers = can(request.user, "customers.view")
        super().__init__(
            request,
            {
                "shop": [("", _("All")), *shop_choices()],
                "status": [
                    ("", _("All")),
                    ("open", _("Not yet sent")),
                    *Status.choices,
                    ("unknown", _("Unknown state")),
                ],
                "hold": [("", _("All")), ("any", _("Anything")), ("review", _("A person")), *HoldReason.choices],
                "tag": [("", _("All")), *((tag, tag) for tag in tags_in_use())],
                "node": [("", _("All")), *node_choices()],
            },
            query,
        )

    def wanted(self, ids: list[int] | None = None) -> OrderFilter:
        """What the address asks for. The last day is included."""
        given, now = self.values, utc_now()
        kind, _sep, key = given.get("shop", "").partition(":")
        due = given.get("due", "")
        narrowed = OrderFilter(
            text=given.get("q", ""),
            sees_customers=self._sees_customers,
            channel_id=int(key) if kind == "channel" else None,
            shop_id=int(key) if kind == "shop" else None,
            status=given.get("status", ""),
            hold=given.get("hold", ""),
            tag=given.get("tag", ""),
            import_id=given.get("batch"),
            day_from=given.get("day_from"),
            day_to=given["day_to"] + timedelta(days=1) if "day_to" in given else None,
            total_from=given.get("least"),
            total_to=given.get("most"),
            promised_before={"today": end_of_today(now), "overdue": now}.get(due),
            within=orders_at_node(int(given["node"])) if "node" in given else None,
            ids=ids or (),
        )
        return with_tracking(narrowed) if narrowed.text else narrowed
