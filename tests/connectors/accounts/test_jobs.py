"""What runs by itself: a pull of each active account every five minutes, and what is due to be told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.support.emulators.all import EMULATORS, connect
from tests.support.emulators.base import running

from tongpan.connectors.accounts import jobs
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.accounts.outbox import NewPush, enqueue
from tongpan.core.bulk import fetch_all

pytestmark = pytest.mark.usefixtures("company")


def waiting() -> list[tuple[str, str, str]]:
    """(task, queue, lock) of the jobs in the queue."""
    return fetch_all(  # type: ignore[return-value]
        """SELECT task_name, queue_name, lock FROM procrastinate_jobs
           WHERE queue_name = 'platforms' AND status = 'todo' ORDER BY id"""
    )


def test_each_active_account_is_pulled_once_however_often_the_clock_strikes() -> None:
    with running(EMULATORS["taobao"]()) as emulator:
        account = connect(emulator)
        connect(emulator, "tm2", is_active=False)

        assert [jobs.pull_accounts(timestamp=stamp) for stamp in (0, 300)] == [1, 1]

    lock = f"pull-{account.pk}"
    assert waiting() == [("connectors.pull_account", "platforms", lock)]


def test_a_pull_that_fails_is_written_to_the_account_and_is_no_failure_of_the_job() -> None:
    with running(EMULATORS["taobao"]()) as emulator:
        good, wrong = connect(emulator), connect(emulator, "tm2", secret="wrong")
        emulator.sell(2)

        jobs.pull_account(good.pk)
        jobs.pull_account(wrong.pk)
        jobs.pull_account(10**9)

    found = dict(Account.objects.values_list("shop__code", "health"))
    assert found == {"tm": "good", "tm2": "failing"}
    assert fetch_all("SELECT count(*) FROM orders_order") == [(2,)]


def test_what_is_due_is_sent_by_one_job_an_account() -> None:
    with running(EMULATORS["taobao"]()) as emulator:
        account = connect(emulator)
        now = datetime.now(UTC)
        for key in (1, 2):
            enqueue([NewPush(account.shop_id, "stock", key, {"item": str(key), "sku": "", "qty": key})], now=now)

        started = jobs.push_accounts(timestamp=int(now.timestamp()) + 1)
        again = jobs.push_accounts(timestamp=int(now.timestamp()) + 61)
        queued = waiting()
        jobs.push_account(account.pk)

    assert (started, again) == (1, 1)
    assert queued == [("connectors.push_account", "platforms", f"push-{account.pk}")]
    assert emulator.stock == {("1", ""): [1], ("2", ""): [2]}
