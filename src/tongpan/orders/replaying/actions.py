"""Asking for a replay, running it, calling it off, and throwing it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from django.db import transaction
from procrastinate.contrib.django import app

from tongpan.access.actions import audit
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all
from tongpan.core.clock import utc_now, zone
from tongpan.core.errors import Refusal
from tongpan.orders.models import ReplayRun
from tongpan.orders.replaying.basics import COUPONS, PRICES, Ask, Outcome, check_ask
from tongpan.orders.replaying.counters import Counters
from tongpan.orders.replaying.engine import Replay
from tongpan.orders.replaying.reading import Wanted, count_orders, past_orders, read_ahead, stock_up
from tongpan.orders.replaying.shelf import Shelf
from tongpan.orders.replaying.totals import Totals
from tongpan.promotions.engine.book import Book, compile_book
from tongpan.promotions.engine.language import read_rulebook
from tongpan.promotions.engine.rules import Gifts
from tongpan.promotions.queries import draft_of, version_of

TASK = "orders.replay"
Progress = Callable[[int, int], None]


def ask_replay(ask: Ask, *, is_queued: bool = True, actor: str, now: datetime) -> ReplayRun:
    """Keep what shall be replayed, with the rulebook as it is now, and with ``is_queued`` put it in the queue.

    Raises Refusal replay.*, draft.unknown, rulebook.version, channel.unknown, or BadRulebook for a draft with faults.
    """
    check_ask(ask)
    document = _document(ask.rulebook)
    read_rulebook(document, ask.rulebook)
    _channel(ask.channel)
    with transaction.atomic():
        run = ReplayRun.objects.create(
            name=(ask.name or f"{ask.rulebook} {ask.day_from} – {ask.day_to}")[:80],
            rulebook=ask.rulebook,
            document=document,
            day_from=ask.day_from,
            day_to=ask.day_to,
            prices=ask.prices,
            coupons=ask.coupons,
            channel=ask.channel,
            tiers=dict(ask.tiers),
            created_by=actor,
            created_at=now,
        )
        facts = {"from": f"{ask.day_from}", "to": f"{ask.day_to}", "prices": ask.prices, "run": run.pk}
        audit(actor, "promotions.replay", "rulebook", ask.rulebook, facts, now=now)
        if is_queued:
            key = f"{TASK}-{run.pk}"
            app.configure_task(TASK, queueing_lock=key, lock=key).defer(run_id=run.pk)
    return run


def _document(rulebook: str) -> dict[str, Any]:
    found: dict[str, Any] = version_of(int(rulebook)).document if _is_version(rulebook) else draft_of(rulebook).document
    return found


def _is_version(rulebook: str) -> bool:
    return rulebook.isdecimal() and len(rulebook) < 10


def _channel(code: str) -> int | None:
    if not code:
        return None
    rows = fetch_all("SELECT id FROM channels_channel WHERE code = %s", [code.replace("\x00", "")])
    if not rows:
        raise Refusal("channel.unknown", f"There is no channel {code!r}.")
    return int(rows[0][0])


def stop_replay(run_id: int, *, actor: str, now: datetime) -> None:
    """Call a run off: it ends after the chunk that it is at. One that is over stays. Raises Refusal replay.unknown."""
    if execute("UPDATE orders_replayrun SET is_stopped = true WHERE id = %s AND finished_at IS NULL", [run_id]):
        audit(actor, "promotions.replay_stopped", "replay", str(run_id), {}, now=now)
    elif not fetch_all("SELECT FROM orders_replayrun WHERE id = %s", [run_id]):
        raise Refusal("replay.unknown", f"There is no replay {run_id}.")


def forget_replay(run_id: int, *, actor: str, now: datetime) -> None:
    """Throw a run away with all its lines. Raises Refusal replay.unknown, or replay.running for one that runs."""
    with transaction.atomic():
        rows = fetch_all(
            "SELECT started_at IS NOT NULL AND finished_at IS NULL FROM orders_replayrun WHERE id = %s FOR UPDATE",
            [run_id],
        )
        if not rows:
            raise Refusal("replay.unknown", f"There is no replay {run_id}.")
        if rows[0][0]:
            raise Refusal("replay.running", f"Replay {run_id} is running; stop it first.")
        execute("DELETE FROM orders_replayorder WHERE run_id = %s", [run_id])
        execute("DELETE FROM orders_replayrun WHERE id = %s", [run_id])
        audit(actor, "promotions.replay_forgotten", "replay", str(run_id), {}, now=now)


def run_replay(run_id: int, *, progress: Progress | None = None) -> ReplayRun:
    """Run what was asked for and keep its result; the run. One that is over is left as it is.

    Reads in chunks, locks nothing and writes nothing but the run; an interrupted one begins again. progress: told
    (done, total) after each chunk. Raises Refusal("replay.unknown").
    """
    run = ReplayRun.objects.filter(pk=run_id).first()
    if run is None:
        raise Refusal("replay.unknown", f"There is no replay {run_id}.")
    if run.finished_at is not None:
        return run
    execute("DELETE FROM orders_replayorder WHERE run_id = %s", [run.pk])
    run.started_at, run.done = utc_now(), 0
    try:
        run.result = _play(run, progress)
    except Refusal as refusal:
        run.error = refusal.sentence
    except Exception:  # whatever broke it off: who asked for the run is told, and the worker logs the defect
        execute(
            "UPDATE orders_replayrun SET error = %s, finished_at = now() WHERE id = %s",
            ["The run broke off; the log of the workers says why. Ask for it again.", run.pk],
        )
        raise
    run.finished_at = utc_now()
    run.save(update_fields=["result", "error", "finished_at"])
    return run


def _play(run: ReplayRun, progress: Progress | None) -> dict[str, Any]:
    book = compile_book(read_rulebook(run.document, run.rulebook))
    ask = _ask_of(run)
    wanted = _wanted(run, book)
    run.total = count_orders(wanted)
    run.save(update_fields=["total", "started_at", "done"])
    budgets = dict(fetch_all("SELECT code, budget_minor FROM promotions_campaign WHERE budget_minor IS NOT NULL"))
    channels = dict(fetch_all("SELECT code, currency FROM channels_channel"))
    shelf = Shelf()
    stock_up(shelf, shelf.missing(_gifts(book)), channels, run.created_at)
    replay = Replay(book, ask, shelf, Counters(book.rulebook, budgets))
    totals = Totals()
    for orders in read_ahead(past_orders(wanted)):
        missing = shelf.missing(line.sku for order in orders for line in order.lines)
        stock_up(shelf, missing, channels, run.created_at)
        touched = []
        for order in orders:
            outcome = replay.play(order)
            totals.add(outcome)
            if outcome.is_touched:
                touched.append(outcome)
        _keep(run.pk, touched)
        run.done += len(orders)
        if _told_to_stop(run):
            raise Refusal("replay.stopped", f"It was stopped after {run.done} of {run.total} orders.")
        if progress is not None:
            progress(run.done, run.total)
    return totals.as_json(book.rulebook.settings.currency)


def _told_to_stop(run: ReplayRun) -> bool:
    rows = fetch_all("UPDATE orders_replayrun SET done = %s WHERE id = %s RETURNING is_stopped", [run.done, run.pk])
    return not rows or bool(rows[0][0])


def _ask_of(run: ReplayRun) -> Ask:
    return Ask(
        run.rulebook,
        run.day_from,
        run.day_to,
        next(one for one in PRICES if one == run.prices),
        next(one for one in COUPONS if one == run.coupons),
        run.channel,
        run.tiers,
        run.name,
    )


def _wanted(run: ReplayRun, book: Book) -> Wanted:
    here = zone(book.rulebook.settings.zone)

    def start_of(day: date) -> datetime:
        return datetime.combine(day, time(0), here).astimezone(UTC)

    asks_for_new = any(rule.conditions.is_new is not None or rule.kind == "first_order" for rule in book.rulebook.rules)
    return Wanted(
        start_of(run.day_from), start_of(run.day_to), _channel(run.channel), asks_for_new, with_spent=bool(run.tiers)
    )


def _gifts(book: Book) -> list[str]:
    benefits = [rule.benefit for rule in book.rulebook.rules]
    return [sku for benefit in benefits if isinstance(benefit, Gifts) for sku, _ in benefit.gifts]


def _keep(run_id: int, outcomes: Sequence[Outcome]) -> None:
    copy_rows(
        "orders_replayorder",
        (
            "run_id", "order_id", "channel", "tier", "is_changed", "before_minor", "after_minor", "off_before",
            "off_after", "margin_before", "margin_after", "breaks_before", "breaks_after", "rules", "payers", "lines",
            "gifts",
        ),
        [
            (
                run_id, one.order.order_id, one.order.channel, one.tier, one.is_changed, one.before.revenue_minor,
                one.after.revenue_minor, one.before.off_minor, one.after.off_minor, one.before.margin_minor,
                one.after.margin_minor, one.before.under_floor + one.before.outside_band,
                one.after.under_floor + one.after.outside_band, sorted({*one.rules_before, *one.rules_after}),
                sorted({*one.before.offs, *one.after.offs}), as_json(list(one.lines)), as_json(list(one.gifts)),
            )
            for one in outcomes
        ],
    )  # fmt: skip
