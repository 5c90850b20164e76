"""The form that books a count or an adjustment of one SKU at one node."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from tongpan.catalog.queries import sku_by_code
from tongpan.console.choices import node_choices
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import adjust, count
from tongpan.inventory.engine import BUCKETS, AdjustmentDoc, CountDoc, StockLine, StockOutcome
from tongpan.inventory.models import Bucket
from tongpan.network.queries import node_by_id

_LIMIT = 10_000_000


class AdjustmentForm(forms.Form):
    """key: made with the empty form, so that sending the form twice books once."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)
    sku = forms.CharField(label=_("SKU"), max_length=120)
    node = forms.ChoiceField(label=_("Node"))
    kind = forms.ChoiceField(
        label=_("What happened"),
        choices=[("adjustment", _("Stock changed by")), ("count", _("Stock was counted as"))],
        widget=forms.RadioSelect,
        initial="adjustment",
    )
    qty = forms.IntegerField(
        label=_("Units"),
        min_value=-_LIMIT,
        max_value=_LIMIT,
        help_text=_("A change may be negative: −3 takes three units out. A count is what is on the shelf."),
    )
    bucket = forms.ChoiceField(
        label=_("Quality"), choices=[pair for pair in Bucket.choices if pair[0] in BUCKETS], initial=Bucket.SALEABLE
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        node = self.fields["node"]
        assert isinstance(node, forms.ChoiceField)  # noqa: S101 - declared above
        node.choices = node_choices()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("kind") == "count" and given.get("qty", 0) < 0:
            self.add_error("qty", _("A count cannot be negative."))
        return given

    def clean_sku(self) -> str:
        code: str = self.cleaned_data["sku"].strip()
        if sku_by_code(code) is None:
            raise forms.ValidationError(_("There is no SKU with this code."))
        return code

    def book(self, *, actor: str) -> StockOutcome:
        """Book the document. Raises Refusal when the room refuses it."""
        given = self.cleaned_data
        now = utc_now()
        line = StockLine(given["sku"], given["qty"], bucket=given["bucket"])
        node = node_by_id(int(given["node"]))
        head = ("console", str(given["key"]), node.code, now, [line], given["reason"])
        if given["kind"] == "count":
            outcome = count([CountDoc(*head)], actor=actor, now=now)[0]
        else:
            outcome = adjust([AdjustmentDoc(*head)], actor=actor, now=now)[0]
        if outcome.state == "refused":
            raise Refusal(outcome.code, outcome.reason)
        return outcome
