"""What can be done to many orders at once: each action with its question, its form and its outcomes in sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.access.models import User
from tongpan.access.queries import can
from tongpan.console.wording import localized
from tongpan.fulfillment.actions import cancel_orders, merge_orders, reroute
from tongpan.orders.actions import add_note, add_tags, hold, release_hold, remove_tags
from tongpan.orders.actions.holding import LONGEST_DETAIL
from tongpan.orders.actions.marking import LONGEST_NOTE
from tongpan.orders.changes import Handled
from tongpan.orders.models import HoldReason
from tongpan.orders.review import BY_PERSON


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one order. sentence: why nothing was done, or what was."""

    is_done: bool
    sentence: str


Run = Callable[[Sequence[int], Mapping[str, Any], str, datetime], Mapping[int, Outcome]]


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One action. promise: what will happen to each order; run(order ids, the form's values, actor, now) does it.

    least, most: of how many orders it makes sense; an action of a few orders takes them all at once.
    """

    key: str
    label: str | Promise
    icon: str
    promise: str | Promise
    run: Run
    form: type[forms.Form] = forms.Form
    permission: str = "orders.edit"
    is_danger: bool = False
    least: int = 1
    most: int = 5000


def _outcomes(handled: Iterable[Handled]) -> dict[int, Outcome]:
    """What the order hub says, in the person's language."""
    said = {"done": Outcome(True, ""), "unchanged": Outcome(False, _("It was so already"))}
    return {one.order_id: said.get(one.state) or Outcome(False, localized(one.reason)) for one in handled}


REASONS = [(reason, HoldReason(reason).label) for reason in BY_PERSON]


class HoldForm(forms.Form):
    reason = forms.ChoiceField(label=gettext_lazy("Why they wait"), choices=REASONS)
    detail = forms.CharField(label=gettext_lazy("What is to be done"), max_length=LONGEST_DETAIL, required=False)


class ReleaseForm(forms.Form):
    reason = forms.ChoiceField(label=gettext_lazy("Held for"), choices=REASONS)
    note = forms.CharField(label=gettext_lazy("Why they may go on"), max_length=LONGEST_DETAIL, required=False)


class TagForm(forms.Form):
    tags = forms.CharField(
        label=gettext_lazy("Tags"), max_length=400, help_text=gettext_lazy("Several are separated by commas.")
    )

    def clean_tags(self) -> list[str]:
        return [tag for tag in re.split(r"\s*[,，、;；]\s*", self.cleaned_data["tags"]) if tag]


class NoteForm(forms.Form):
    text = forms.CharField(
        label=gettext_lazy("Note"), max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 4})
    )


class CancelForm(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=LONGEST_DETAIL)


def _hold(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    return _outcomes(hold(order_ids, given["reason"], given["detail"], actor=actor, now=now))


def _release(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    return _outcomes(release_hold(order_ids, given["reason"], given["note"], actor=actor, now=now))


def _tag(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    return _outcomes(add_tags(order_ids, given["tags"], actor=actor, now=now))


def _untag(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    return _outcomes(remove_tags(order_ids, given["tags"], actor=actor, now=now))


def _note(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    return _outcomes(add_note(order_ids, given["text"], actor=actor, now=now))


def _cancel(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    wanted = [(order_id, None) for order_id in order_ids]
    return _outcomes(cancel_orders(wanted, given["reason"], actor=actor, now=now))


def _merge(order_ids: Sequence[int], given: Mapping[str, Any], actor: str, now: datetime) -> dict[int, Outcome]:
    _merge_id, handled = merge_orders([(order_id, None) for order_id in order_ids], actor=actor, now=now)
    return _outcomes(handled)


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
        "hold",
        gettext_lazy("Hold"),
        "lock",
        gettext_lazy(
            "The orders wait: they are not routed and not sent until somebody releases them. Their goods stay "
            "promised to them."
        ),
        _hold,
        HoldForm,
    ),
    BulkAction(
        "release",
        gettext_lazy("Release"),
        "check",
        gettext_lazy("The hold ends. An order that nothing else holds is routed within seconds."),
        _release,
        ReleaseForm,
    ),
    BulkAction(
        "tag",
        gettext_lazy("Tag"),
        "tag-plus",
        gettext_lazy("The orders get these tags beside those they have."),
        _tag,
        TagForm,
    ),
    BulkAction(
        "untag",
        gettext_lazy("Remove tag"),
        "close",
        gettext_lazy("The orders lose these tags and keep all others."),
        _untag,
        TagForm,
    ),
    BulkAction(
        "note",
        gettext_lazy("Note"),
        "edit",
        gettext_lazy("Each order gets the note, for good, under your name."),
        _note,
        NoteForm,
    ),
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
    BulkAction(
        "merge",
        gettext_lazy("Send together"),
        "merge",
        gettext_lazy(
            "Orders of one shop, buyer and address are routed as one and leave together; in every other way they stay "
            "apart. All of them, or none."
        ),
        _merge,
        least=2,
        most=50,
    ),
    BulkAction(
        "cancel",
        gettext_lazy("Cancel orders"),
        "trash",
        gettext_lazy(
            "The orders are cancelled for good, and their goods are free for others. An order of which anything has "
            "left is refused: book a return for it. Money is not paid back by this."
        ),
        _cancel,
        CancelForm,
        is_danger=True,
    ),
)


def offered(user: User) -> list[BulkAction]:
    """The actions that ``user`` may take."""
    return [action for action in ACTIONS if can(user, action.permission)]


def action_called(key: str) -> BulkAction | None:
    return next((action for action in ACTIONS if action.key == key), None)
