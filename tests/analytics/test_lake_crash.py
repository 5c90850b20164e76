"""A writer killed at any point leaves a whole lake, and the next pass heals it."""

import os
import signal
import time

import pytest
from tests.support.company import DAY, NOW, order
from tests.support.lake import days, lake, partitions, write_lake
from tests.support.processes import die_by_itself, kill_while, run_together

from tongpan.analytics.lake import files, manifest, writer
from tongpan.analytics.lake.session import Session
from tongpan.analytics.lake.sweep import sweep
from tongpan.analytics.lake.verify import verify
from tongpan.orders.actions import accept
from tongpan.orders.models import Order

pytestmark = pytest.mark.usefixtures("live_company")
WEEK = [f"2026-11-{day:02d}" for day in range(11, 18)]


@pytest.fixture
def a_week(lake_dir):
    """Five orders on each of seven days; the lake has them, and then all of them change."""
    docs = [order(f"{n}-{i}", placed_at=NOW - n * DAY) for n in range(1, 8) for i in range(5)]
    accept(docs, actor="test", now=NOW)
    write_lake()
    assert {day: rows for day, (rows, _) in partitions("orders").items()} == dict.fromkeys(WEEK, 5)
    Order.objects.update(refunded_minor=1)


def kill_at(target, name, *, after):
    """Make the ``after``-th call of ``target.name`` the last thing that this process does."""
    original = getattr(target, name)
    calls = []

    def deadly(*args, **kwargs):
        calls.append(1)
        if len(calls) == after:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(target, name, deadly)


def write_and_die(target, name, after):
    """Let a process of its own write the week, and see it killed on the way."""

    def work():
        kill_at(target, name, after=after)
        writer.write({"orders": days(*WEEK)}, NOW)

    die_by_itself(work)


@pytest.mark.parametrize(
    ("_case", "target", "name", "after"),
    [
        ("while writing the fourth file", writer, "_write_draft", 4),
        ("before any file has its name", files, "publish", 1),
        ("between two names", files.secrets, "token_hex", 3),
        ("with all names given, before the manifest knows", manifest, "swap", 1),
        ("with the manifest written, before the commit", manifest, "copy_rows", 1),
    ],
)
def test_a_killed_writer_changes_nothing_and_the_next_pass_heals(a_week, lake_dir, _case, target, name, after):
    before = partitions("orders")

    write_and_die(target, name, after)

    assert partitions("orders") == before
    assert lake("sum(refunded_minor), count(*)", "orders") == [(0, 35)]

    assert writer.write({"orders": days(*WEEK)}, NOW) == 7
    assert lake("sum(refunded_minor), count(*)", "orders") == [(35, 35)]
    sweep(NOW + DAY)
    named = {path for name in ("orders", "order_lines") for _, path in partitions(name).values()}
    assert {str(p.relative_to(lake_dir)) for p in lake_dir.glob("order*/*.parquet")} == named
    assert list((lake_dir / ".scratch").iterdir()) == []
    assert verify() == []


def test_a_killed_rebuild_leaves_every_partition_whole(a_week, lake_dir):
    started = time.time()

    def work():
        while True:
            writer.rebuild(NOW)

    def is_reached():
        return any(path.stat().st_mtime >= started for path in lake_dir.glob("orders/*.parquet"))

    kill_while(work, is_reached)

    # Each partition is the old or the new one, never half.
    assert lake("count(*)", "orders") == [(35,)]
    write_lake()
    assert lake("sum(refunded_minor), count(*)", "orders") == [(35, 35)]
    assert verify() == []


def test_writers_take_turns_and_readers_always_see_whole_days(a_week):
    def write(amount):
        def work():
            for _ in range(3):
                Order.objects.update(refunded_minor=amount)
                writer.write({"orders": days(*WEEK)}, NOW)

        return work

    def read():
        reader = Session()
        seen = []
        for _ in range(30):
            seen += reader.rows("SELECT business_date, count(*) FROM lake.orders GROUP BY 1")
            time.sleep(0.01)
        return {count for _, count in seen}, len({day for day, _ in seen})

    _, _, seen = run_together([write(2), write(3), read])

    assert seen == ({5}, 7)
    write_lake()
    assert verify() == []
