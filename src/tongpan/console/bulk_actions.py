"""What can be done to many orders at once: each action with its question, its form and its outcomes in sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.access.models import User
from tongpan.access.queries import can
from tongpan.fulfillment.actions import reroute


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order. sentence: why nothing was done, or what was."""

    is_done: bool
    sentence: str


Run = Callable[[Sequence[int], Mapping[str, Any], str, datetime], Mapping[int, Outcome]]


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One action. promise: what will happen to each order; run(order ids, the form's values, actor, now) does it."""

    key: str
    label: str | Promise
    icon: str
    promise: str | Promise
    run: Run
    form: type[forms.Form] = forms.Form
    permission: str = "orders.edit"
    is_danger: bool = False


def _reroute(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    said = {
        "routed": Outcome(True, _("Routed")),
        "unfillable": Outcome(False, _("No node has the goods: the order waits")),
        "gone": Outcome(False, _("Nothing of it is left to send")),
        "unpaid": Outcome(False, _("Not paid yet: it is routed once it is")),
    }
    return {order_id: said[word] for order_id, word in reroute(order_ids, actor=actor, now=now).items()}


ACTIONS = (
    BulkAction(
        "reroute",
        gettext_lazy("Choose nodes again"),
        "refresh",
        gettext_lazy(
            "What is allocated and has not left goes back to its nodes, and the nodes are chosen anew from the stock "
            "there is now. Parcels that have left stay as they are."
        ),
        _reroute,
    ),
)


def offered(user: User) -> list[BulkAction]:
    """The actions that ``user`` may take."""
    return [action for action in ACTIONS if can(user, action.permission)]


def action_called(key: str) -> BulkAction | None:
    return next((action for action in ACTIONS if action.key == key), None)
