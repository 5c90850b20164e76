"""The steps of an order that leaves from here, and the code that a buyer shows."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from tongpan.console.store.acting import Done, Job
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import desk, dispatch, ship
from tongpan.fulfillment.actions.handing import collect, hand_over
from tongpan.fulfillment.actions.refusing import reject
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.parcels import ShipDoc
from tongpan.fulfillment.states import StepOutcome

_STEPS = {"accept": desk.accept, "pick": desk.pick, "pack": desk.pack, "ready": desk.make_ready}


def step(job: Job) -> Done:
    """args: fulfillment, step ("accept", "pick", "pack", "ready", "reject" with reason and note, "dispatch" with
    carrier and number, "hand_over" with reason)."""
    wanted, fulfillment_id = job.text("step", 20), job.whole("fulfillment")
    by: dict[str, Any] = {"actor": job.actor, "now": job.now, "nodes": {job.node.pk}}
    said = {
        "accept": _("Accepted."),
        "pick": _("Being picked."),
        "pack": _("Packed."),
        "ready": _("Ready for its buyer."),
        "reject": _("Handed back; another node is looked for."),
        "hand_over": _("Handed over."),
    }
    if wanted == "dispatch":
        return _dispatch(job, fulfillment_id)
    if wanted in _STEPS:
        [outcome] = _STEPS[wanted]([fulfillment_id], **by)
    elif wanted == "reject":
        [outcome] = reject([fulfillment_id], job.text("reason", 16), job.text("note"), **by)
    elif wanted == "hand_over":
        [outcome] = hand_over([fulfillment_id], job.text("reason"), **by)
    else:
        raise Refusal("desk.input", "What was sent is not understood; load the page again.")
    return _told(outcome, said[wanted], _next(job, wanted))


def collected(job: Job) -> Done:
    """args: code, typed or scanned; a scanned one may be the address that the QR code holds.

    A wrong code is remembered against guessing, so its refusal is no failure of the transaction.
    """
    code = job.text("code", 200).rstrip("/").rsplit("/", 1)[-1]
    outcome = collect(code, actor=job.actor, now=job.now, nodes={job.node.pk})
    if outcome.state == "refused":
        return Done(outcome.reason, "", "refused")
    return Done(_("The code is right: hand the goods over."))


def _dispatch(job: Job, fulfillment_id: int) -> Done:
    if not Fulfillment.objects.filter(pk=fulfillment_id, node=job.node).exists():
        raise Refusal("desk.elsewhere", "That order does not leave from here.")
    carrier, number = job.text("carrier", 40), job.text("number", 60)
    if carrier or number:
        [parcel] = ship([ShipDoc(carrier, number, job.now, fulfillment_id)], actor=job.actor, now=job.now)
        if parcel.state == "refused":
            raise Refusal(parcel.code, parcel.reason)
    elif not dispatch([fulfillment_id], at=job.now, actor=job.actor):
        raise Refusal("desk.left", "It has left already, was called off, or its order is held back.")
    return Done(_("It has left."))


def _next(job: Job, step_taken: str) -> str:
    """Where the work goes on after a step, "" when it ends here."""
    queue = {"accept": "pick", "pick": "pack", "pack": "dispatch", "ready": "collect"}.get(step_taken)
    return reverse("console:store_work", args=[job.node.code, queue]) if queue else ""


def _told(outcome: StepOutcome, sentence: str, link: str) -> Done:
    if outcome.state == "refused":
        raise Refusal(outcome.code, outcome.reason)
    return Done(sentence, link, outcome.state)
