"""Running an action over many orders: at once, or as a job that its owner watches."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.access.actions import audit
from tongpan.access.queries import can
from tongpan.console.bulk_actions import BulkAction, Outcome, action_called
from tongpan.console.models import BulkRun
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction

RUN_TASK = "console.run_bulk"
AT_ONCE = 50
"""Runs of so many orders are done while their owner waits; longer ones are a job."""
CHUNK = 200

log = logging.getLogger(__name__)


def start(run: BulkRun, data: QueryDict, given: Mapping[str, Any], now: datetime) -> bool:
    """Confirm ``run`` with the form's ``data`` and its valid values; whether it is a job now.

    A short run is done when this returns. What is confirmed a second time goes on, with what was said the first time.
    """
    if run.started_at is None:
        form = {name: data.getlist(name) for name in given}
        said = {name: str(value) for name, value in given.items()}
        changed = BulkRun.objects.filter(pk=run.pk, started_at=None)
        changed.update(started_at=now, params=run.params | said | {"form": form})
    if len(run.order_ids) <= AT_ONCE:
        run_whole(run.pk)
        return False
    key = f"bulk-run-{run.pk}"
    try:
        with transaction.atomic():
            app.configure_task(RUN_TASK, queueing_lock=key, lock=key).defer(run_id=run.pk)
    except AlreadyEnqueued:
        log.info("Run %s waits in the queue already.", run.pk)
    return True


def run_whole(run_id: int) -> None:
    """Run what is left of a confirmed run, in transactions of a few hundred orders that keep their outcomes with them.

    One entry of the audit trail tells of the whole. An interrupted run goes on where it stopped; one that is over
    changes nothing. Outcomes are in the language of the owner, who must still be allowed to take the action.
    """
    run = BulkRun.objects.select_related("owner").get(pk=run_id)
    action = action_called(run.action)
    if action is None or run.started_at is None:
        return
    actor, now = f"user:{run.owner.get_username()}", utc_now()
    form = action.form(_query_of(run.params.get("form", {})))
    with translation.override(run.owner.language):
        is_allowed = can(run.owner, action.permission) and form.is_valid()
        while run_in_transaction(lambda: _step(run_id, action, form.cleaned_data if is_allowed else None, actor, now)):
            pass


def _query_of(form: Mapping[str, list[str]]) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, values in form.items():
        data.setlist(name, values)
    return data


def _step(run_id: int, action: BulkAction, given: dict[str, Any] | None, actor: str, now: datetime) -> bool:
    """The next few hundred orders of a run; whether there may be more to do. given: None when it may not be done."""
    run = BulkRun.objects.select_for_update().get(pk=run_id)
    if run.finished_at is not None:
        return False
    todo = run.order_ids[len(run.outcomes) : len(run.outcomes) + CHUNK]
    if todo:
        refused = Outcome(False, _("You may not do that any more"))
        said = dict.fromkeys(todo, refused) if given is None else _said(action, todo, given, actor, now)
        gone = Outcome(False, _("It is not there any more"))
        told = [(order_id, said.get(order_id, gone)) for order_id in todo]
        run.outcomes += [[order_id, outcome.is_done, outcome.sentence] for order_id, outcome in told]
    else:
        run.finished_at = utc_now()
        done = sum(1 for _order_id, is_done, _sentence in run.outcomes if is_done)
        told_of = {name: value for name, value in run.params.items() if name != "form"}
        facts = {"asked": len(run.order_ids), "done": done, "query": run.query} | told_of
        audit(actor, f"orders.bulk.{action.key}", "bulk_run", str(run.pk), facts, now=now)
    run.save()
    return run.finished_at is None


def _said(
    action: BulkAction, todo: list[int], given: dict[str, Any], actor: str, now: datetime
) -> Mapping[int, Outcome]:
    """What the action says of each order; a refusal of them all is what it says of each."""
    try:
        with transaction.atomic():
            return action.run(todo, given, actor, now)
    except Refusal as refusal:
        return dict.fromkeys(todo, Outcome(False, localized(refusal.sentence)))
