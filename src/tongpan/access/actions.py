"""Writes of users, API keys and the audit trail."""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tongpan.access import vault
from tongpan.access.engine import KEY_PREFIX, SCOPES, is_key, key_digest, prefix_of, unknown_scopes
from tongpan.access.models import ApiKey, Role, User
from tongpan.core.bulk import as_json, copy_rows, execute, fetch_all
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


def claim_request(api_key_id: int, key: str, fingerprint: bytes, *, now: datetime) -> KeptAnswer | None:
    """Claim ``key`` of an API key for the request with ``fingerprint``, in the caller's transaction.

    None: the key is new and held by this transaction; the caller does the work, calls ``keep_answer`` and
    commits, or rolls back and thereby frees the key. Otherwise the answer that was kept. A transaction that
    claims the same key meanwhile waits for this one. Raises Refusal idempotency.other_request when the key was
    used for another request.
    """
    claimed = fetch_all(
        """INSERT INTO access_idempotentrequest (api_key_id, key, fingerprint, body, created_at)
           VALUES (%s, %s, %s, '', %s) ON CONFLICT DO NOTHING RETURNING id""",
        [api_key_id, key, fingerprint, now],
    )
    if claimed:
        return None
    before, status, body = fetch_all(
        "SELECT fingerprint, status, body FROM access_idempotentrequest WHERE api_key_id = %s AND key = %s",
        [api_key_id, key],
    )[0]
    if bytes(before) != fingerprint:
        raise Refusal(
            "idempotency.other_request",
            "This Idempotency-Key was used for another request. Send a new key with a new request.",
        )
    return KeptAnswer(status, body)


def keep_answer(api_key_id: int, key: str, answer: KeptAnswer) -> None:
    """Keep what was answered to the request that this transaction claimed ``key`` for."""
    execute(
        "UPDATE access_idempotentrequest SET status = %s, body = %s WHERE api_key_id = %s AND key = %s",
        [answer.status, answer.body, api_key_id, key],
    )


def forget_requests(before: datetime) -> int:
    """Delete the kept answers from ``before`` that instant; how many. A key may be used anew afterwards."""
    return execute("DELETE FROM access_idempotentrequest WHERE created_at < %s", [before])
