"""The acts of the desk by name."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from tongpan.console.store.acting import Act, Done, Job, whole
from tongpan.console.store.returning import take_back
from tongpan.console.store.selling import sell
from tongpan.console.store.steps import collected, step
from tongpan.core.errors import Refusal
from tongpan.inventory.actions import enter_counts, open_counts, receive, submit_count
from tongpan.inventory.engine.counting import CountOutcome, Found, SheetDoc
from tongpan.inventory.engine.transfers import Arrival, Receipt
from tongpan.inventory.lookup import find_goods
from tongpan.orders.actions.baskets import sell_basket
from tongpan.tracking.actions import record_visits
from tongpan.tracking.engine import Identifier, VisitDoc


def _receive(job: Job) -> Done:
    """args: transfer, lines [{line, good, damaged}], reason, more ("1" when more is to come)."""
    arrivals = [
        Arrival(whole(row.get("line")), whole(row.get("good")), whole(row.get("damaged"))) for row in job.rows("lines")
    ]
    receipt = Receipt(job.whole("transfer"), arrivals, job.text("reason"), not job.text("more"), job.key)
    [outcome] = receive([receipt], actor=job.actor, now=job.now, nodes={job.node.pk})
    if outcome.state == "refused":
        raise Refusal(outcome.code, outcome.reason)
    units = sum(arrival.good + arrival.damaged for arrival in arrivals)
    return Done(_("%(units)d units received.") % {"units": units})


def _count(job: Job) -> Done:
    """args: sheet ("" opens a cycle count of what was found), found [{sku, qty, more}], submit ("1"), reason."""
    rows = [row for row in job.rows("found") if str(row.get("qty", "")).strip()]
    found = [
        Found(str(row.get("sku", "")).strip(), whole(row["qty"]), "saleable", bool(row.get("more")), f"{job.key}-{at}")
        for at, row in enumerate(rows)
    ]
    if not found and not job.text("submit"):
        raise Refusal("desk.nothing", "Nothing was counted; type how many units are there.")
    sheet_id = job.whole("sheet") or _opened(job, [one.sku_code for one in found])
    for counted in enter_counts(sheet_id, found, actor=job.actor, now=job.now, nodes={job.node.pk}):
        _must(counted)
    if job.text("submit"):
        _must(submit_count(sheet_id, reason=job.text("reason"), actor=job.actor, now=job.now))
        return Done(_("The count is handed in."), reverse("console:count", args=[sheet_id]))
    return Done(_("%(count)d counted.") % {"count": len(found)}, reverse("console:count", args=[sheet_id]))


def _opened(job: Job, skus: list[str]) -> int:
    doc = SheetDoc("store-desk", job.key, job.node.code, "cycle", skus)
    [opened] = open_counts([doc], actor=job.actor, now=job.now)
    _must(opened)
    if opened.sheet_id is None:
        raise AssertionError("an open count has an id")
    return opened.sheet_id


def _must(outcome: CountOutcome) -> None:
    if outcome.state == "refused":
        raise Refusal(outcome.code, outcome.reason)


def _sku(text: str) -> str:
    """The code of the SKU whose code or barcode ``text`` is; ``text`` itself when it is none."""
    hits = find_goods(text, 1)
    return hits[0].code if hits and text in (hits[0].code, hits[0].barcode) else text


def _visit(job: Job) -> Done:
    """args: kind, phone ("" for somebody unknown), lines [{sku}], note."""
    goods = [_sku(text) for row in job.rows("lines") if (text := str(row.get("sku", "")).strip())]
    phone = job.text("phone", 60)
    visitor = Identifier("phone", "company", phone) if phone else None
    kind, staff = job.text("kind", 12) or "enter", job.actor.removeprefix("user:")[:80]
    doc = VisitDoc("store-desk", job.key, job.node.code, job.now, kind, staff, goods, visitor, job.text("note"))
    [kept] = record_visits([doc], now=job.now, nodes={job.node.pk})
    if kept.state == "refused":
        raise Refusal(kept.code, kept.reason)
    return Done(_("The visit is written down."))


def _basket(job: Job) -> Done:
    """args: code of a customer's basket, total in minor units as it was shown, paid (how)."""
    order_id, number = sell_basket(
        job.text("code"),
        job.text("paid", 40),
        node_id=job.node.pk,
        total_minor=job.whole("total"),
        actor=job.actor,
        now=job.now,
    )
    link = reverse("console:order", args=[order_id])
    return Done(_("Order %(number)s is paid and handed over.") % {"number": number}, link)


ACTS: dict[str, Act] = {
    "basket": Act(_basket, "fulfillment.work"),
    "visit": Act(_visit, "fulfillment.work"),
    "receive": Act(_receive, "stock.edit"),
    "count": Act(_count, "stock.edit"),
    "order": Act(sell, "fulfillment.work"),
    "step": Act(step, "fulfillment.work"),
    "collect": Act(collected, "fulfillment.work"),
    "return": Act(take_back, "returns.edit"),
}
