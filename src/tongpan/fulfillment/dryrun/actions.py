"""Asking for a dry run, and running it: as a job, or at once on the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from django.db import transaction
from procrastinate.contrib.django import app

from tongpan.access.actions import audit
from tongpan.channels.models import Channel
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.clock import DEFAULT_ZONE, utc_now, zone
from tongpan.core.errors import Refusal
from tongpan.fulfillment.dryrun.engine import STOCKS, Ask, Comparison, Estimate, Result, StockMode, check_ask
from tongpan.fulfillment.dryrun.reading import busiest_day, count_orders, past_orders
from tongpan.fulfillment.dryrun.sample import Sample
from tongpan.fulfillment.dryrun.side import Rehearsal
from tongpan.fulfillment.routing.choosing import Policies, policies_that_count
from tongpan.fulfillment.routing.language import read_policy
from tongpan.fulfillment.routing.models import DryRun

TASK = "fulfillment.dry_run"
Progress = Callable[[int, int], None]


def ask_dry_run(ask: Ask, *, is_queued: bool = True, actor: str, now: datetime) -> DryRun:
    """Keep what shall be tried and, with ``is_queued``, put it in the queue of jobs.

    Raises BadPolicy, Refusal("dry_run.days"), Refusal("dry_run.stock") or Refusal("channel.unknown").
    """
    check_ask(ask)
    read_policy(ask.document, ask.policy, ask.version)
    channel = Channel.objects.filter(code=ask.channel).first() if ask.channel else None
    if ask.channel and channel is None:
        raise Refusal("channel.unknown", f"There is no channel {ask.channel!r}.")
    with transaction.atomic():
        run = DryRun.objects.create(
            policy=ask.policy,
            version=ask.version,
            document=dict(ask.document),
            day_from=ask.day_from,
            day_to=ask.day_to,
            stock=ask.stock,
            channel=channel,
            created_by=actor,
            created_at=now,
        )
        facts = {"from": f"{ask.day_from}", "to": f"{ask.day_to}", "stock": ask.stock, "version": ask.version}
        audit(actor, "routing.dry_run", "routing_policy", ask.policy, facts, now=now)
    if is_queued:
        key = f"{TASK}-{run.pk}"
        app.configure_task(TASK, queueing_lock=key, lock=key).defer(run_id=run.pk)
    return run


def run_dry(run_id: int, *, progress: Progress | None = None) -> DryRun:
    """Run what was asked for and keep its result; the run. One that is over is left as it is.

    Reads in chunks and locks nothing; an interrupted run begins again. progress: told (done, total) after each chunk.
    Raises Refusal("dry_run.unknown").
    """
    run = DryRun.objects.select_related("channel").filter(pk=run_id).first()
    if run is None:
        raise Refusal("dry_run.unknown", f"There is no dry run {run_id}.")
    if run.finished_at is not None:
        return run
    execute("DELETE FROM fulfillment_dryrunchange WHERE run_id = %s", [run.pk])
    run.total = count_orders(run.day_from, run.day_to, run.channel_id)
    run.started_at, run.done = utc_now(), 0
    run.save(update_fields=["total", "started_at", "done"])
    try:
        tried = read_policy(run.document, run.policy, run.version)
        run.result = _compare(run, Policies(tried), progress)
    except Refusal as refusal:
        run.error = refusal.sentence
    except Exception:  # whatever broke it off: who asked for the run is told, and the worker logs the defect
        execute(
            "UPDATE fulfillment_dryrun SET error = %s, finished_at = now() WHERE id = %s",
            ["The run broke off; the log of the workers says why. Ask for it again.", run.pk],
        )
        raise
    run.finished_at = utc_now()
    run.save(update_fields=["result", "error", "finished_at"])
    return run


ESTIMATE = Estimate()


def _compare(run: DryRun, tried: Policies, progress: Progress | None) -> dict[str, Any]:
    here = zone(DEFAULT_ZONE)
    since, until = (datetime.combine(day, time(0), here).astimezone(UTC) for day in (run.day_from, run.day_to))
    busiest = busiest_day(run.day_from, run.day_to, run.channel_id)
    sample = Sample(busiest) if busiest else None
    rehearsal = Rehearsal((policies_that_count(), tried), _mode(run.stock), (since, until), ESTIMATE, sample)
    compared = Comparison()
    for jobs in past_orders(run.day_from, run.day_to, run.channel_id):
        changed = []
        for order_id, before, after in rehearsal.play(jobs):
            if compared.add(before, after):
                changed.append((order_id, before, after))
        _keep(run.pk, changed)
        run.done += len(jobs)
        execute("UPDATE fulfillment_dryrun SET done = %s WHERE id = %s", [run.done, run.pk])
        if progress is not None:
            progress(run.done, run.total)
    currency = _currency()
    gap = sample.measured(rehearsal.serving, rehearsal.views, currency) if sample else {}
    return compared.as_json(currency, rehearsal.estimate) | {"gap": gap}


def _keep(run_id: int, changed: list[tuple[int, Result, Result]]) -> None:
    copy_rows(
        "fulfillment_dryrunchange",
        (
            "run_id", "order_id", "before_rule", "after_rule", "before_nodes", "after_nodes", "before_distance",
            "after_distance", "before_cost", "after_cost", "before_on_time", "after_on_time",
        ),
        [
            (
                run_id, order_id, before.rule, after.rule, ", ".join(before.nodes), ", ".join(after.nodes),
                before.distance, after.distance, before.cost, after.cost, before.is_on_time, after.is_on_time,
            )
            for order_id, before, after in changed
        ],
    )  # fmt: skip


def _currency() -> str:
    """The currency of what nodes cost; "" when they have none, or several."""
    rows = fetch_all("SELECT DISTINCT cost_currency FROM network_node WHERE cost_currency <> ''")
    return str(rows[0][0]) if len(rows) == 1 else ""


def _mode(name: str) -> StockMode:
    return next(mode for mode in STOCKS if mode == name)
