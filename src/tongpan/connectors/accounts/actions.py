"""Writes of accounts. Secrets go into the vault here and come out only in ``access_of``."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from tongpan.access import vault
from tongpan.access.actions import audit
from tongpan.channels.models import Shop
from tongpan.connectors.accounts.engine import AccountSpec, checked
from tongpan.connectors.accounts.models import Account, Health
from tongpan.connectors.platforms.contract import Access, Token
from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.errors import Refusal


def save_account(spec: AccountSpec, *, actor: str, now: datetime) -> Account:
    """Make or change the account of a shop, and note it in the audit trail, without any secret.

    The platform of an account does not change: remove it and add another. Locks the account. Raises Refusal
    account.*, platform.*, shop.unknown or vault.*.
    """
    with transaction.atomic():
        shop = Shop.objects.select_related("channel").filter(code=spec.shop_code.replace("\x00", "")).first()
        if shop is None:
            raise Refusal("shop.unknown", f"There is no shop {spec.shop_code!r}; create it first.")
        row = Account.objects.select_for_update().filter(shop=shop).first()
        is_new = row is None
        if row is None:
            row = Account(shop=shop, platform=spec.platform, created_at=now)
        elif row.platform != spec.platform:
            raise Refusal(
                "account.platform",
                f"The account of {shop.code} is one of {row.platform}; remove it before it becomes another's.",
            )
        row.endpoint = checked(replace(spec, endpoint=spec.endpoint or row.endpoint))
        row.app_key, row.is_active, row.changed_at = spec.app_key.strip() or row.app_key, spec.is_active, now
        if spec.options is not None:
            row.options = dict(spec.options)
        changed = _seal_given(row, spec)
        if spec.access_token:
            row.token_expires_at = spec.token_expires_at
        row.health, row.failures, row.last_error, row.last_error_at = Health.NEW, 0, "", None
        row.save()
        audit(
            actor,
            "account.added" if is_new else "account.changed",
            "account",
            str(row.pk),
            {"shop": shop.code, "platform": row.platform, "active": row.is_active, "secrets_given": changed},
            now=now,
        )
    return row


def _seal_given(row: Account, spec: AccountSpec) -> list[str]:
    """Seal the secrets that were given; the names of them."""
    given = {
        name: text for name in ("secret", "access_token", "refresh_token") if (text := getattr(spec, name).strip())
    }
    for name, text in given.items():
        setattr(row, name, vault.seal(text))
    return sorted(given)


def remove_account(shop_code: str, *, actor: str, now: datetime) -> None:
    """Forget the account of a shop with its secrets and what waits to be sent; its orders stay.

    Raises Refusal account.unknown.
    """
    with transaction.atomic():
        row = locked_account(shop_code)
        audit(actor, "account.removed", "account", str(row.pk), {"shop": shop_code, "platform": row.platform}, now=now)
        row.delete()


def locked_account(shop_code: str) -> Account:
    """The account of a shop, locked. Raises Refusal account.unknown."""
    row = Account.objects.select_for_update().filter(shop__code=shop_code.replace("\x00", "")).first()
    if row is None:
        raise Refusal(
            "account.unknown", f"Shop {shop_code!r} has no account; `tongpan account list` shows those there are."
        )
    return row


def access_of(account_id: int) -> Access:
    """What calls of an account need, with its secrets opened. Raises Refusal account.unknown or vault.*."""
    rows = fetch_all(
        """SELECT s.code, a.endpoint, a.app_key, a.secret, a.access_token, a.refresh_token, c.zone, c.currency,
                  a.options::text
           FROM connectors_account a JOIN channels_shop s ON s.id = a.shop_id
           JOIN channels_channel c ON c.id = s.channel_id WHERE a.id = %s""",
        [account_id],
    )
    if not rows:
        raise Refusal("account.unknown", f"There is no account {account_id} any more.")
    code, endpoint, app_key, secret, access, refresh, zone, currency, options = rows[0]
    return Access(
        code,
        endpoint,
        app_key,
        vault.open_sealed(secret),
        vault.open_sealed(access),
        vault.open_sealed(refresh),
        zone,
        currency,
        _options(options),
    )


def _options(text: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(text)
    return found


def claim_renewal(account_id: int, old_token: str) -> bool:
    """Become the one who fetches a new token, for a minute. False when the token is a new one already, or
    somebody else fetches it."""
    if access_of(account_id).access_token != old_token:
        return False
    return bool(
        execute(
            """UPDATE connectors_account SET renewing_until = clock_timestamp() + interval '1 minute'
               WHERE id = %s AND coalesce(renewing_until, '-infinity') < clock_timestamp()""",
            [account_id],
        )
    )


def end_renewal(account_id: int, token: Token | None) -> None:
    """Keep the new token (None: there is none), and let the next one renew."""
    if token is None:
        execute("UPDATE connectors_account SET renewing_until = NULL WHERE id = %s", [account_id])
        return
    execute(
        """UPDATE connectors_account SET renewing_until = NULL, access_token = %s, token_expires_at = %s,
                  refresh_token = CASE WHEN %s THEN %s ELSE refresh_token END WHERE id = %s""",
        [
            vault.seal(token.access_token),
            token.expires_at,
            bool(token.refresh_token),
            vault.seal(token.refresh_token),
            account_id,
        ],
    )


def take_turn(account_id: int, calls_per_second: float) -> float:
    """Reserve the account's next call; how many seconds it must wait for its turn. One statement."""
    gap = 1.0 / calls_per_second
    rows = fetch_all(
        """UPDATE connectors_account
           SET free_at = greatest(coalesce(free_at, clock_timestamp()), clock_timestamp())
                         + make_interval(secs => %s)
           WHERE id = %s RETURNING extract(epoch FROM free_at - clock_timestamp())::float - %s""",
        [gap, account_id, gap],
    )
    return max(0.0, float(rows[0][0])) if rows else 0.0


def note_success(account_id: int, taken: dict[str, Any], skew: float | None, *, now: datetime) -> None:
    """The account was pulled from without a failure."""
    execute(
        """UPDATE connectors_account SET health = 'good', failures = 0, last_error = '', last_pulled_at = %s,
                  last_taken = %s::jsonb, skew_seconds = coalesce(%s, skew_seconds) WHERE id = %s""",
        [now, as_json(taken), skew, account_id],
    )


def note_failure(account_id: int, sentence: str, skew: float | None, *, now: datetime) -> None:
    """A call of the account failed for good, at least this time."""
    execute(
        """UPDATE connectors_account SET health = 'failing', failures = failures + 1, last_error = %s,
                  last_error_at = %s, skew_seconds = coalesce(%s, skew_seconds) WHERE id = %s""",
        [sentence[:2000].replace("\x00", ""), now, skew, account_id],
    )


def move_cursor(account_id: int, to: datetime) -> None:
    """Every order that was changed before ``to`` is in. The cursor never goes back."""
    execute(
        "UPDATE connectors_account SET cursor = greatest(coalesce(cursor, %s), %s) WHERE id = %s",
        [to, to, account_id],
    )
