"""The form of a node among the configuration screens, and at which nodes a person works."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from tongpan.access.models import User
from tongpan.console.choices import node_code_choices
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.core.money import to_decimal, to_minor
from tongpan.network.engine import NodeRules, NodeSpec, Timetable
from tongpan.network.hour_texts import read_openings, read_special, write_openings, write_special
from tongpan.network.models import Facility, Node
from tongpan.network.queries import staff_nodes, timetables_of

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_OPENINGS = _("09:00-12:00, 13:00-21:00; a day left empty is closed, a week left empty is always open.")


def _texts(label: Any, help_text: Any) -> forms.CharField:
    return forms.CharField(label=label, required=False, help_text=help_text, widget=UnfoldAdminTextInputWidget)


def _cost(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=Decimal(0), decimal_places=2, widget=UnfoldAdminDecimalFieldWidget
    )


class NodeForm(forms.ModelForm):  # type: ignore[type-arg]
    groups_text = _texts(_("Groups"), _("Names that routing uses, with blanks between; empty: those of its kind."))
    territory_text = _texts(
        _("Territory"), _("Provinces, cities or division codes it ships to, with blanks between; empty: everywhere.")
    )
    facility_list = forms.MultipleChoiceField(
        label=_("Facilities"), required=False, choices=Facility.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    base_cost = _cost(_("Cost of a parcel"))
    cost_per_km = _cost(_("Cost per kilometre"))
    monday = _texts(_("Monday"), _OPENINGS)
    tuesday = _texts(_("Tuesday"), "")
    wednesday = _texts(_("Wednesday"), "")
    thursday = _texts(_("Thursday"), "")
    friday = _texts(_("Friday"), "")
    saturday = _texts(_("Saturday"), "")
    sunday = _texts(_("Sunday"), "")
    special_days_text = forms.CharField(
        label=_("Special days"),
        required=False,
        help_text=_("One a line: 2026-10-01 closed, or 2026-10-02 12:00-16:00."),
        widget=UnfoldAdminTextareaWidget,
    )

    class Meta:
        model = Node
        fields = (
            "code",
            "kind",
            "name",
            "city",
            "division",
            "latitude",
            "longitude",
            "zone",
            "tracks_stock",
            "is_active",
            "order_limit",
            "accept_minutes",
            "cut_off",
            "priority",
            "cost_currency",
            "in_pool",
        )
        widgets = {
            "tracks_stock": UnfoldBooleanWidget,
            "is_active": UnfoldBooleanWidget,
            "in_pool": UnfoldBooleanWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        node: Node = self.instance
        table = timetables_of([node.pk])[node.pk] if node.pk else Timetable()
        self.initial["groups_text"] = " ".join(node.groups)
        self.initial["territory_text"] = " ".join(node.territory)
        self.initial["facility_list"] = node.facilities
        self.initial["special_days_text"] = write_special(table.special)
        for name in ("base_cost", "cost_per_km"):
            self.initial[name] = self._amount(getattr(node, f"{name}_minor"))
        for number, name in enumerate(DAYS):
            spans = [(opens, closes) for weekday, opens, closes in table.week if weekday == number]
            self.initial[name] = write_openings(spans)
        if "priority" in self.fields:
            self.fields["priority"].required = False

    def _amount(self, minor: int | None) -> Decimal | None:
        return None if minor is None else to_decimal(minor, self.instance.cost_currency)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        for name in (*DAYS, "special_days_text"):
            try:
                given[f"{name}_read"] = (read_special if name == "special_days_text" else read_openings)(
                    given.get(name, "")
                )
            except Refusal as refusal:
                self.add_error(name, localized(refusal.sentence))
        has_cost = given.get("base_cost") is not None or given.get("cost_per_km") is not None
        if has_cost and not given.get("cost_currency"):
            self.add_error("cost_currency", _("A cost needs its currency."))
        return given

    def spec(self) -> NodeSpec:
        """The node as it shall be; call it on a valid form."""
        node, given = self.instance, self.cleaned_data
        currency = (given["cost_currency"] or "").upper()
        base, per_km = (
            None if given[name] is None else to_minor(given[name], currency) for name in ("base_cost", "cost_per_km")
        )
        week = [(number, *opening) for number, name in enumerate(DAYS) for opening in given[f"{name}_read"]]
        return NodeSpec(
            node.code,
            node.kind,
            node.name,
            city=node.city,
            division=node.division,
            latitude=node.latitude,
            longitude=node.longitude,
            zone=node.zone,
            tracks_stock=node.tracks_stock,
            is_active=node.is_active,
            is_simulated=node.is_simulated,
            rules=NodeRules(
                tuple(given["groups_text"].split()),
                given["order_limit"],
                given["accept_minutes"],
                given["cut_off"],
                base,
                per_km,
                currency,
                NodeRules().priority if given["priority"] is None else given["priority"],
                tuple(given["territory_text"].replace(",", " ").replace("，", " ").replace("、", " ").split()),
                tuple(given["facility_list"]),
                given["in_pool"],
            ),
            hours=Timetable(tuple(week), given["special_days_text_read"]),
        )


class PersonForm(UserChangeForm):  # type: ignore[misc]
    works_at = forms.MultipleChoiceField(
        label=_("Works at"),
        required=False,
        help_text=_("Store staff see the work of these nodes only; it limits nobody else."),
        widget=UnfoldAdminSelect2MultipleWidget,
    )

    class Meta:
        model = User
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "works_at" in self.fields:
            self.fields["works_at"].choices = node_code_choices()
            self.initial["works_at"] = staff_nodes([self.instance.pk])[self.instance.pk]
