"""Writes of users, API keys and the audit trail."""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tongpan.access import vault
from tongpan.access.engine import KEY_PREFIX, SCOPES, is_key, key_digest, prefix_of, unknown_scopes
from tongpan.access.models import ApiKey, Role, User
from tongpan.core.bulk import (
    Part,
    as_json,
    binaries,
    copy_rows,
    execute,
    execute_together,
    fetch_all,
    texts,
    whole_numbers,
)
from tongpan.core.errors import Refusal

LAST_USE_GRAIN = timedelta(minutes=1)
_NAME_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the audit trail: what was done to which object; data is plain JSON, nothing personal."""

    action: str
    object_type: str
    object_id: str
    data: dict[str, Any] = field(default_factory=dict)


def audit_many(notes: Sequence[Note], *, actor: str, now: datetime) -> None:
    """Append ``notes`` to the audit trail, inside the transaction of the caller. One statement."""
    if notes:
        copy_rows(
            "access_auditentry",
            ("at", "actor", "action", "object_type", "object_id", "data"),
            ((now, actor, n.action, n.object_type, n.object_id, as_json(n.data)) for n in notes),
        )


def audit(
    actor: str,
    action: str,
    object_type: str,
    object_id: str,
    data: dict[str, Any] | None = None,
    *,
    now: datetime,
) -> None:
    """Append one note to the audit trail, inside the transaction of the caller."""
    audit_many([Note(action, object_type, object_id, data or {})], actor=actor, now=now)


def create_api_key(name: str, scopes: Sequence[str], *, now: datetime, actor: str) -> str:
    """A new bearer key called ``name`` with ``scopes``; the only time that its plain text exists.

    Raises Refusal apikey.name, apikey.scopes or apikey.name_taken.
    """
    name = name.strip()
    if not name or len(name) > _NAME_LENGTH or "\x00" in name:
        raise Refusal("apikey.name", f"The name of a key has 1 to {_NAME_LENGTH} characters.")
    if unknown := unknown_scopes(scopes):
        raise Refusal(
            "apikey.scopes",
            f"There is no scope {', '.join(unknown)}. The scopes are {', '.join(sorted(SCOPES))}.",
        )
    if not scopes:
        raise Refusal("apikey.scopes", "A key without scopes could do nothing: give it at least one.")
    alphabet = string.ascii_lowercase + string.digits
    public = "".join(secrets.choice(alphabet) for _ in range(8))
    key = f"{KEY_PREFIX}{public}_{secrets.token_urlsafe(32)}"
    try:
        with transaction.atomic():
            row = ApiKey.objects.create(
                name=name,
                prefix=prefix_of(key),
                digest=key_digest(key),
                scopes=sorted(set(scopes)),
                created_at=now,
            )
            audit(actor, "apikey.created", "apikey", str(row.pk), {"name": name, "scopes": row.scopes}, now=now)
    except IntegrityError:
        raise Refusal(
            "apikey.name_taken",
            f"There is a key called {name!r} already (perhaps revoked). Choose another name.",
        ) from None
    return key


def revoke_api_key(name: str, *, now: datetime, actor: str) -> None:
    """End the life of the key called ``name``, once for all. Raises Refusal apikey.unknown."""
    with transaction.atomic():
        row = ApiKey.objects.select_for_update().filter(name=name.replace("\x00", "")).first()
        if row is None:
            raise Refusal("apikey.unknown", f"There is no key called {name!r}; `tongpan apikey list` shows them.")
        if row.revoked_at is None:
            row.revoked_at = now
            row.save(update_fields=["revoked_at"])
            audit(actor, "apikey.revoked", "apikey", str(row.pk), {"name": name}, now=now)


def authenticate(key: str, *, now: datetime) -> ApiKey | None:
    """The key row whose plain text is ``key``, or None when there is none or it is revoked.

    The time that a look-up takes tells nothing about a key, because what is looked up is its digest.
    Notes the use, at most once a minute.
    """
    if not is_key(key):
        return None
    digest = key_digest(key)
    row = ApiKey.objects.filter(digest=digest).first()
    if row is None or row.revoked_at is not None or not hmac.compare_digest(bytes(row.digest), digest):
        return None
    if row.last_used_at is None or row.last_used_at <= now - LAST_USE_GRAIN:
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def create_user(
    username: str,
    password: str,
    role: str,
    *,
    now: datetime,
    actor: str,
    display_name: str = "",
    language: str = "",
) -> User:
    """A person who can sign in. Raises Refusal user.name, user.role, user.password or user.name_taken."""
    username = username.strip()
    user = User(username=username, display_name=display_name, language=language)
    try:
        User._meta.get_field("username").run_validators(username)
        User._meta.get_field("display_name").run_validators(display_name)
    except ValidationError as error:
        raise Refusal("user.name", f"{username!r} cannot be a user name: {' '.join(error.messages)}") from None
    if not username:
        raise Refusal("user.name", "A user needs a name.")
    _set_role(user, role)
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save()
            audit(actor, "user.created", "user", str(user.pk), {"username": username, "role": role}, now=now)
    except IntegrityError:
        raise Refusal("user.name_taken", f"There is a user called {username!r} already.") from None
    return user


def set_password(username: str, password: str, *, now: datetime, actor: str) -> None:
    """Change a password; all sessions of the user end. Raises Refusal user.unknown or user.password."""
    with transaction.atomic():
        user = _locked_user(username)
        _set_password(user, password)
        user.save(update_fields=["password"])
        audit(actor, "user.password_set", "user", str(user.pk), {"username": username}, now=now)


def set_role(username: str, role: str, *, now: datetime, actor: str) -> None:
    """Give a user another role. Locks the administrators in order of id, so that one always remains.

    Raises Refusal user.unknown, user.role or user.last_administrator.
    """
    with transaction.atomic():
        administrators = _locked_administrators()
        user = _locked_user(username)
        before = user.role
        _set_role(user, role)
        if role != Role.ADMINISTRATOR and administrators == [username]:
            raise _last_administrator(username)
        user.save(update_fields=["role", "is_staff", "is_superuser"])
        audit(
            actor,
            "user.role_set",
            "user",
            str(user.pk),
            {"username": username, "from": before, "to": role},
            now=now,
        )


def set_active(username: str, is_active: bool, *, now: datetime, actor: str) -> None:
    """Let a user sign in, or not any more. Locks the administrators in order of id, so that one always remains.

    Raises Refusal user.unknown or user.last_administrator.
    """
    with transaction.atomic():
        administrators = _locked_administrators()
        user = _locked_user(username)
        if user.is_active == is_active:
            return
        if not is_active and administrators == [username]:
            raise _last_administrator(username)
        user.is_active = is_active
        user.save(update_fields=["is_active"])
        action = "user.activated" if is_active else "user.deactivated"
        audit(actor, action, "user", str(user.pk), {"username": username}, now=now)


def _locked_administrators() -> list[str]:
    rows = User.objects.select_for_update().filter(role=Role.ADMINISTRATOR, is_active=True).order_by("pk")
    return list(rows.values_list("username", flat=True))


def _last_administrator(username: str) -> Refusal:
    return Refusal(
        "user.last_administrator",
        f"{username!r} is the only administrator. Make another user administrator first.",
    )


def set_language(user_id: int, language: str) -> None:
    """Keep the language that a user reads the console in; a code of ``settings.LANGUAGES``."""
    User.objects.filter(pk=user_id).update(language=language)


def generate_password() -> str:
    """A password of 120 random bits, easy to copy."""
    return secrets.token_urlsafe(15)


def rotate_vault_keys(*, now: datetime, actor: str) -> int:
    """Seal with a new key from now on; its number. Raises Refusal vault.*."""
    number = vault.rotate()
    audit(actor, "vault.rotated", "vault", str(number), now=now)
    return number


def _locked_user(username: str) -> User:
    user = User.objects.select_for_update().filter(username=username.replace("\x00", "")).first()
    if user is None:
        raise Refusal("user.unknown", f"There is no user called {username!r}; `tongpan user list` shows them.")
    return user


def _set_role(user: User, role: str) -> None:
    if role not in Role.values:
        raise Refusal("user.role", f"There is no role {role!r}. The roles are {', '.join(Role.values)}.")
    user.role = role
    # The configuration screens are for administrators; they ask Django's own flags.
    user.is_staff = user.is_superuser = role == Role.ADMINISTRATOR


def _set_password(user: User, password: str) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise Refusal("user.password", " ".join(error.messages)) from None
    user.set_password(password)


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was answered to a request that carried an idempotency key."""

    status: int
    body: str


class Claim(NamedTuple):
    """An ``Idempotency-Key`` of an API key, and the digest of the request that is sent under it."""

    api_key_id: int
    key: str
    fingerprint: bytes


def claim_request(claim: Claim, *, now: datetime) -> KeptAnswer | None:
    """Claim one key as ``claim_requests`` does. Raises the Refusal when the key was used for another request."""
    [found] = claim_requests([claim], now=now)
    if isinstance(found, Refusal):
        raise found
    return found


def claim_requests(claims: Sequence[Claim], *, now: datetime) -> list[KeptAnswer | Refusal | None]:
    """Claim keys for requests in the caller's transaction, each key once; what became of each, at its position.

    None: the key is new and held by this transaction; the caller does the work, calls ``keep_answers`` and
    commits, or rolls back and thereby frees the key. A KeptAnswer: the one that was kept. A Refusal
    idempotency.other_request: the key was used for another request. Keys are claimed in ascending order, and a
    transaction that claims the same key meanwhile waits for this one. One statement, two when a key was used.
    """
    if not claims:
        return []
    ordered = sorted(claims)
    made = fetch_all(
        """INSERT INTO access_idempotentrequest (api_key_id, key, fingerprint, body, created_at)
           SELECT c.*, '', %s FROM unnest(%s::bigint[], %s::text[], %s::bytea[]) AS c(api_key_id, key, fingerprint)
           ON CONFLICT DO NOTHING RETURNING api_key_id, key""",
        [now, *_claimed(ordered), binaries(c.fingerprint for c in ordered)],
    )
    fresh = set(made)
    used = [c for c in ordered if c[:2] not in fresh]
    stored: dict[tuple[int, str], tuple[bytes, int, str]] = {}
    if used:
        for api_key_id, key, *kept in fetch_all(
            """SELECT r.api_key_id, r.key, r.fingerprint, r.status, r.body FROM access_idempotentrequest r
               JOIN unnest(%s::bigint[], %s::text[]) AS c(api_key_id, key) USING (api_key_id, key)""",
            _claimed(used),
        ):
            stored[api_key_id, key] = (bytes(kept[0]), kept[1], kept[2])
    return [None if c[:2] in fresh else _kept(c, *stored[c[:2]]) for c in claims]


def _claimed(claims: Sequence[Claim]) -> list[str]:
    return [whole_numbers(c.api_key_id for c in claims), texts(c.key for c in claims)]


def _kept(claim: Claim, fingerprint: bytes, status: int, body: str) -> KeptAnswer | Refusal:
    if fingerprint == claim.fingerprint:
        return KeptAnswer(status, body)
    return Refusal(
        "idempotency.other_request",
        "This Idempotency-Key was used for another request. Send a new key with a new request.",
    )


def keep_answer(claim: Claim, answer: KeptAnswer) -> None:
    """Keep what was answered to the request that this transaction claimed a key for."""
    keep_answers([(claim, answer)])


def keep_answers(answers: Sequence[tuple[Claim, KeptAnswer | None]]) -> None:
    """Keep what was answered to the requests that this transaction claimed keys for; one statement.

    None: nothing was done for the request, and its key is free again.
    """
    kept = [(claim, answer) for claim, answer in answers if answer is not None]
    freed = [claim for claim, answer in answers if answer is None]
    parts = []
    if kept:
        parts.append(
            Part(
                """UPDATE access_idempotentrequest r SET status = k.status, body = k.body
                   FROM unnest(%s::bigint[], %s::text[], %s::int[], %s::text[]) AS k(api_key_id, key, status, body)
                   WHERE (r.api_key_id, r.key) = (k.api_key_id, k.key)""",
                [
                    *_claimed([claim for claim, _ in kept]),
                    whole_numbers(answer.status for _, answer in kept),
                    texts(answer.body for _, answer in kept),
                ],
            )
        )
    if freed:
        parts.append(
            Part(
                """DELETE FROM access_idempotentrequest r USING unnest(%s::bigint[], %s::text[]) AS k(api_key_id, key)
                   WHERE (r.api_key_id, r.key) = (k.api_key_id, k.key)""",
                _claimed(freed),
            )
        )
    execute_together(parts)


def forget_requests(before: datetime) -> int:
    """Delete the kept answers from ``before`` that instant; how many. A key may be used anew afterwards."""
    return execute("DELETE FROM access_idempotentrequest WHERE created_at < %s", [before])
