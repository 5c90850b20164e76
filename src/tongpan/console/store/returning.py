"""Goods that a buyer brings back to the counter, wherever they were bought."""

from __future__ import annotations

from django.utils.translation import gettext as _

from tongpan.console.store.acting import Done, Job, whole
from tongpan.core.errors import Refusal
from tongpan.orders.aftersale.actions import receive, request
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec


def take_back(job: Job) -> Done:
    """args: order, lines [{line, qty}], reason, opened ("1" when a parcel was opened), note.

    The request is asked and, when the rules approve it by themselves, the goods are taken in at once; else it waits
    for the office, and the goods stay with the buyer. What the rules refuse leaves nothing.
    """
    lines = [
        CaseLineSpec(whole(row.get("line")), qty, job.text("reason", 40), bool(job.text("opened")))
        for row in job.rows("lines")
        if (qty := whole(row.get("qty")))
    ]
    if not lines:
        raise Refusal("desk.nothing", "Nothing comes back; type how many units of which goods.")
    spec = CaseSpec("return", lines, job.whole("order"), way="store", node_code=job.node.code, note=job.text("note"))
    [asked] = request([spec], actor=job.actor, now=job.now, source="store")
    if asked.state == "refused" or asked.case_id is None:
        raise Refusal(asked.code, asked.reason)
    number = f"AS{asked.case_id}"
    if asked.status != "approved":
        return Done(_("%(case)s waits for the office; give the goods back until it is approved.") % {"case": number})
    [taken] = receive([asked.case_id], job.node.code, actor=job.actor, now=job.now, nodes={job.node.pk})
    if taken.state == "refused":
        raise Refusal(taken.code, taken.reason)
    return Done(_("%(case)s: the goods are taken back and wait to be looked at.") % {"case": number})
