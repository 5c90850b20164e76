"""The vault: seals personal data, finds it again by a blind index, and masks it for display.

Sealed text is AES-256-GCM. Its first bytes name the key it was sealed with, so that keys can be rotated: new
text is sealed with the newest key, old text is opened with the key it names. The blind index is an HMAC under
a key of its own that never rotates, because its digests cannot be computed again from the database.

The keys stand in ``secrets/vault.keys`` of the data directory (made on first use, readable by their owner
only) or in ``TONGPAN_VAULT_KEYS``. The database keeps a check value of the index key: a process that comes
with other keys than those of the database is refused before it can write what nobody finds again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal

VARIABLE = "TONGPAN_VAULT_KEYS"
FILE_NAME = "vault.keys"
CHECK_SETTING = "vault.check"
_INDEX = "index"
_KEY_BYTES = 32
_NONCE_BYTES = 12
_HEADER_BYTES = 3
_FORMAT = 1
_SMALLEST = _HEADER_BYTES + _NONCE_BYTES + 16


@dataclass(frozen=True)
class Keyring:
    """The keys of one installation. sealing: key id -> 32 bytes; the highest id seals."""

    index: bytes
    sealing: dict[int, bytes]

    def __post_init__(self) -> None:
        ciphers = {key_id: AESGCM(key) for key_id, key in self.sealing.items()}
        object.__setattr__(self, "_ciphers", ciphers)

    @property
    def current_id(self) -> int:
        return max(self.sealing)

    def check_value(self) -> str:
        """Proves that two keyrings have the same index key without telling it."""
        return hmac.digest(self.index, b"tongpan vault check", hashlib.sha256).hex()

    def seal_many(self, texts: Sequence[str]) -> list[bytes]:
        """Each text as nonce and ciphertext under the newest key; an empty text stays empty bytes."""
        return self.seal_bytes([text.encode() for text in texts])

    def seal_bytes(self, contents: Sequence[bytes]) -> list[bytes]:
        """Each of ``contents`` as nonce and ciphertext under the newest key; empty bytes stay empty."""
        key_id = self.current_id
        encrypt = self._ciphers[key_id].encrypt  # type: ignore[attr-defined]
        header = bytes([_FORMAT]) + key_id.to_bytes(2, "big")
        pool = os.urandom(_NONCE_BYTES * len(contents))
        sealed = []
        for position, content in enumerate(contents):
            if not content:
                sealed.append(b"")
                continue
            nonce = pool[position * _NONCE_BYTES : (position + 1) * _NONCE_BYTES]
            sealed.append(header + nonce + encrypt(nonce, content, header))
        return sealed

    def open_sealed(self, data: bytes) -> str:
        """The text of ``data``. Raises Refusal vault.unknown_key or vault.damaged."""
        return self.open_bytes(data).decode()

    def open_bytes(self, data: bytes) -> bytes:
        """The content of ``data``. Raises Refusal vault.unknown_key or vault.damaged."""
        if not data:
            return b""
        header = data[:_HEADER_BYTES]
        if len(data) < _SMALLEST or header[0] != _FORMAT:
            raise Refusal("vault.damaged", "This is not sealed text of the vault: its first bytes are unknown.")
        key_id = int.from_bytes(header[1:], "big")
        cipher = self._ciphers.get(key_id)  # type: ignore[attr-defined]
        if cipher is None:
            raise Refusal(
                "vault.unknown_key",
                f"The text was sealed with vault key {key_id}, which this installation does not have "
                f"(it has {', '.join(map(str, sorted(self.sealing)))}). Put the key back into "
                f"secrets/{FILE_NAME} or {VARIABLE}.",
            )
        nonce, body = data[_HEADER_BYTES : _HEADER_BYTES + _NONCE_BYTES], data[_HEADER_BYTES + _NONCE_BYTES :]
        try:
            return bytes(cipher.decrypt(nonce, body, header))
        except InvalidTag:
            raise Refusal(
                "vault.damaged",
                f"The text cannot be opened with vault key {key_id}: it was changed, or the key with this "
                "number is another one than it was sealed with. Restore the keys from their backup.",
            ) from None

    def blind_index(self, kind: str, scope: str, value: str) -> bytes:
        """16 bytes that stand for (kind, scope, value): equal for equal input, unreadable without the key.

        The caller normalises value. Lengths are part of the message, so that no two inputs share one.
        """
        message = f"{len(kind)}.{len(scope)}.{kind}{scope}{value}".encode()
        return hmac.digest(self.index, message, "sha256")[:16]

    def as_text(self) -> str:
        """The lines of ``vault.keys``."""
        entries = {_INDEX: self.index} | {str(key_id): key for key_id, key in sorted(self.sealing.items())}
        return "".join(f"{name}:{base64.b64encode(key).decode()}\n" for name, key in entries.items())

    def rotated(self) -> Keyring:
        """The same keys and one more, which seals from now on."""
        return Keyring(self.index, self.sealing | {self.current_id + 1: secrets.token_bytes(_KEY_BYTES)})


def new_keyring() -> Keyring:
    return Keyring(secrets.token_bytes(_KEY_BYTES), {1: secrets.token_bytes(_KEY_BYTES)})


def parse_keyring(text: str, source: str) -> Keyring:
    """The keyring that ``text`` lists as ``index:BASE64`` and ``NUMBER:BASE64``, by blanks, commas or lines.

    source names the text in refusals. Raises Refusal vault.bad_keys.
    """
    keys: dict[str, bytes] = {}
    for entry in re.split(r"[\s,]+", text.strip()):
        name, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        is_named = name == _INDEX or (name.isascii() and name.isdigit() and 0 < int(name) < 1 << 16)
        if not is_named or len(key) != _KEY_BYTES or name in keys:
            raise Refusal(
                "vault.bad_keys",
                f"{source} has an entry that is not a vault key (its name begins with {name[:8]!r}). Each "
                "entry is index:KEY or NUMBER:KEY, once, with KEY being 32 bytes in base64.",
            )
        keys[name] = key
    index = keys.pop(_INDEX, None)
    if index is None or not keys:
        raise Refusal(
            "vault.bad_keys",
            f"{source} must list the index key (index:KEY) and at least one numbered key (1:KEY).",
        )
    return Keyring(index, {int(name): key for name, key in keys.items()})


_lock = threading.Lock()
_loaded: Keyring | None = None


def seal(text: str) -> bytes:
    """``text`` sealed with the newest key; empty text gives empty bytes. Raises Refusal vault.*."""
    return keyring().seal_many([text])[0]


def seal_many(texts: Sequence[str]) -> list[bytes]:
    """Each of ``texts`` sealed with the newest key, at the same position. Raises Refusal vault.*."""
    return keyring().seal_many(texts)


def seal_bytes(contents: Sequence[bytes]) -> list[bytes]:
    """Each of ``contents`` sealed with the newest key, at the same position. Raises Refusal vault.*."""
    return keyring().seal_bytes(contents)


def open_sealed(data: bytes | memoryview) -> str:
    """The text that ``seal`` was given; empty bytes give empty text.

    A key that another process added since is fetched. Raises Refusal vault.unknown_key, vault.damaged.
    """
    return open_bytes(data).decode()


def open_bytes(data: bytes | memoryview) -> bytes:
    """The content that ``seal_bytes`` was given, as ``open_sealed`` gives text."""
    sealed = bytes(data)
    try:
        return keyring().open_bytes(sealed)
    except Refusal as refusal:
        if refusal.code != "vault.unknown_key":
            raise
        forget()
        return keyring().open_bytes(sealed)


def blind_index(kind: str, scope: str, value: str) -> bytes:
    """The 16 bytes by which (kind, scope, value) is found again; the caller normalises value."""
    return keyring().blind_index(kind, scope, value)


def keyring() -> Keyring:
    """The keys of this installation, read (or made) once a process and held against the database's check.

    Raises Refusal vault.bad_keys, vault.missing_keys or vault.wrong_keys.
    """
    global _loaded  # noqa: PLW0603 - one keyring a process, behind a lock
    if _loaded is None:
        with _lock:
            if _loaded is None:
                _loaded = _load()
    return _loaded


def forget() -> None:
    """Read the keys again at the next use."""
    global _loaded  # noqa: PLW0603
    _loaded = None


def rotate() -> int:
    """Add a sealing key to ``vault.keys`` and use it from now on; the number of the new key.

    Text sealed before stays readable as long as its key stays in the file. Running processes fetch the new
    key when they first meet it. Raises Refusal vault.keys_from_environment.
    """
    if os.environ.get(VARIABLE):
        raise Refusal(
            "vault.keys_from_environment",
            f"The vault keys come from {VARIABLE}: add an entry with the next number there, and restart.",
        )
    keyring()
    path = _path()
    claim = path.with_suffix(".rotating")
    try:
        _write_new(claim, "")
    except FileExistsError:
        raise Refusal(
            "vault.rotation_running",
            f"Another rotation is running. If it is not, delete {claim} and try again.",
        ) from None
    try:
        fresh = parse_keyring(path.read_text(), str(path)).rotated()
        claim.write_text(fresh.as_text())
        claim.replace(path)
    except BaseException:
        claim.unlink(missing_ok=True)
        raise
    forget()
    return fresh.current_id


def _path() -> Path:
    return Path(settings.CONFIG.secrets_dir) / FILE_NAME


def _load() -> Keyring:
    check = fetch_all("SELECT value #>> '{}' FROM core_setting WHERE key = %s", [CHECK_SETTING])
    expected = check[0][0] if check else None
    from_environment = os.environ.get(VARIABLE, "")
    source = VARIABLE if from_environment else str(_path())
    if from_environment:
        ring = parse_keyring(from_environment, VARIABLE)
    elif _path().exists() or expected is None:
        ring = parse_keyring(_read_or_make(_path()), source)
    else:
        raise Refusal(
            "vault.missing_keys",
            f"The vault keys of this database are missing: {source} does not exist. Restore the file from "
            f"its backup, or copy it (or set {VARIABLE}) from the machine that made the database.",
        )
    if expected is None:
        execute(
            """INSERT INTO core_setting (key, value, changed_at) VALUES (%s, to_jsonb(%s::text), now())
               ON CONFLICT DO NOTHING""",
            [CHECK_SETTING, ring.check_value()],
        )
        expected = fetch_all("SELECT value #>> '{}' FROM core_setting WHERE key = %s", [CHECK_SETTING])[0][0]
    if expected != ring.check_value():
        raise Refusal(
            "vault.wrong_keys",
            f"The vault keys in {source} are not those of this database. Put the keys of the installation "
            "that made the database there; with other keys its customers could not be found again.",
        )
    return ring


def _read_or_make(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        _write_new(fresh, new_keyring().as_text())
        try:
            os.link(fresh, path)  # fails when another process was first: then its keys are the keys
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


def _write_new(path: Path, text: str) -> None:
    """Create ``path``, readable by its owner only. Raises FileExistsError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


_PHONE = re.compile(r"^\+?[\d\s()\-]{7,}$")
_EMAIL = re.compile(r"^([^@\s])[^@\s]*(@[^@\s]+)$")


def mask(text: str) -> str:
    """``text`` for eyes without the right to see it: enough to recognise it, too little to use it.

    A phone number keeps its first three and last four digits (the last two when it is shorter than eleven),
    an e-mail address its first letter and host, a Chinese name its first character, another name the first
    letter of each word. The number of stars does not tell the length of a word.
    """
    stripped = text.strip()
    if not stripped:
        return ""
    if _PHONE.match(stripped):
        digits = re.sub(r"\D", "", stripped)
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) >= 11 else f"****{digits[-2:]}"
    if found := _EMAIL.match(stripped):
        return f"{found[1]}***{found[2]}"
    return " ".join(_mask_word(word) for word in stripped.split())


def _mask_word(word: str) -> str:
    return "*" if len(word) == 1 else word[0] + "**"
