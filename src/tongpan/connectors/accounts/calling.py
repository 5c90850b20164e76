"""A caller for an account: its pace, its token, and who fetches a new one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from tongpan.connectors.accounts.actions import access_of, claim_renewal, end_renewal, take_turn
from tongpan.connectors.accounts.models import Account
from tongpan.connectors.platforms.contract import Failure
from tongpan.connectors.platforms.registry import platform
from tongpan.connectors.platforms.transport import Caller
from tongpan.core.clock import utc_now

if TYPE_CHECKING:
    import httpx

RENEW_BEFORE = timedelta(minutes=10)
_WAIT_FOR_ANOTHER = 30.0


def caller_for(account: Account, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> Caller:
    """A caller of ``account``, with a token that is good for some time yet where tokens can be renewed.

    Raises Failure when no token could be had.
    """
    found = platform(account.platform)
    caller = Caller(
        platform=found,
        access=lambda: access_of(account.pk),
        renew=lambda old: renew(account, old, client, sleep),
        pace=lambda: take_turn(account.pk, found.calls_per_second),
        client=client,
        sleep=sleep,
    )
    if "refresh" in found.abilities:
        token = access_of(account.pk).access_token
        expires_at = account.token_expires_at
        if not token or (expires_at is not None and expires_at - utc_now() < RENEW_BEFORE):
            renew(account, token, client, sleep)
    return caller


def renew(account: Account, old_token: str, client: httpx.Client, sleep: Callable[[float], None] = time.sleep) -> None:
    """Fetch a new access token in place of ``old_token``, once for all processes.

    Whoever comes second waits for the first. Nothing is locked while the platform is asked. Raises Failure when
    the platform gives none: then the seller must authorise the app again.
    """
    found = platform(account.platform)
    if not claim_renewal(account.pk, old_token):
        waited = 0.0
        while access_of(account.pk).access_token == old_token:
            if waited >= _WAIT_FOR_ANOTHER:
                raise Failure("token", "renewal", "Another process is fetching a new access token, and takes long.")
            sleep(0.5)
            waited += 0.5
        return
    asking = Caller(
        platform=found,
        access=lambda: access_of(account.pk),
        renew=_no_second_renewal,
        pace=lambda: take_turn(account.pk, found.calls_per_second),
        client=client,
        sleep=sleep,
    )
    token = None
    try:
        token = found.token(asking.send(lambda access: found.refresh_token(access, utc_now())), utc_now())
    except (KeyError, TypeError, ValueError):
        raise Failure("token", "renewal", f"{found.title} answered without a token.") from None
    finally:
        end_renewal(account.pk, token)
    account.refresh_from_db(fields=["token_expires_at"])


def _no_second_renewal(old_token: str) -> None:
    raise Failure(
        "token", "authorisation", "The platform gives no new access token: the seller must authorise the app again."
    )
