"""Pulling and pushing in the background: every account on its own, never two of one at a time."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from tongpan.connectors.accounts.models import Account
from tongpan.connectors.accounts.outbox import INTERRUPTED_AFTER, KEPT, forget_sent
from tongpan.connectors.accounts.pulling import pull
from tongpan.connectors.accounts.pushing import MOST_AT_ONCE, send_due
from tongpan.connectors.accounts.readers import PUSH_TASK, start_pushing
from tongpan.connectors.platforms.contract import Failure
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

PULL_TASK = "connectors.pull_account"
log = logging.getLogger(__name__)


def start_pulling(account_id: int) -> None:
    """Put a pull of the account into the queue. One that waits there is not put twice."""
    job = app.configure_task(
        PULL_TASK, queue="platforms", queueing_lock=f"pull-{account_id}", lock=f"pull-{account_id}"
    )
    try:
        with transaction.atomic():
            job.defer(account_id=account_id)
    except AlreadyEnqueued:
        log.info("A pull of account %s waits in the queue already.", account_id)


@app.periodic(cron="*/5 * * * *")
@app.task(queueing_lock="pull_accounts")
def pull_accounts(timestamp: int) -> int:
    """Start a pull of every active account; how many. timestamp: seconds since 1970."""
    ids = list(Account.objects.filter(is_active=True).order_by("id").values_list("id", flat=True))
    for account_id in ids:
        start_pulling(account_id)
    return len(ids)


@app.task(name=PULL_TASK, queue="platforms")
def pull_account(account_id: int) -> None:
    """Pull the account's changed orders. A failure is the account's, written beside it, and no failure of the job."""
    account = Account.objects.select_related("shop").filter(pk=account_id, is_active=True).first()
    if account is None:
        return
    try:
        result = pull(account, now=utc_now())
    except Failure as failure:
        log.warning("Pulling %s failed: %s", account.shop.code, failure.sentence)
    except Refusal as refusal:
        log.warning("Pulling %s was refused: %s", account.shop.code, refusal.sentence)
    else:
        log.info("Pulled %s: %s in %s calls.", account.shop.code, dict(result.taken), result.calls)


@app.periodic(cron="* * * * *")
@app.task(queueing_lock="push_accounts")
def push_accounts(timestamp: int) -> int:
    """Start sending for every active account that has something due; how many. timestamp: seconds since 1970."""
    now = datetime.fromtimestamp(timestamp, UTC)
    rows = fetch_all(
        """SELECT DISTINCT p.account_id FROM connectors_push p JOIN connectors_account a ON a.id = p.account_id
           WHERE a.is_active AND ((p.state = 'waiting' AND p.next_at <= %s)
                                  OR (p.state = 'sending' AND p.claimed_at < %s)) ORDER BY 1""",
        [now, now - INTERRUPTED_AFTER],
    )
    start_pushing([account_id for (account_id,) in rows])
    return len(rows)


@app.task(name=PUSH_TASK, queue="platforms")
def push_account(account_id: int) -> None:
    """Tell the account's platform what is due; what is more than one run takes is left to the next."""
    account = Account.objects.select_related("shop").filter(pk=account_id, is_active=True).first()
    if account is None:
        return
    told = send_due(account, now=utc_now)
    if told:
        log.info("Told %s of %s changes.", account.shop.code, told)
    if told == MOST_AT_ONCE:
        start_pushing([account_id])


@app.periodic(cron="37 3 * * *")
@app.task(queueing_lock="forget_pushes")
def forget_pushes(timestamp: int) -> int:
    """Delete numbers of stock that were told long ago; how many. timestamp: seconds since 1970."""
    return forget_sent(datetime.fromtimestamp(timestamp, UTC) - KEPT)
