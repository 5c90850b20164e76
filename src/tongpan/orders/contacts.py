"""What orders are looked up by: recipients and phones by the vault's blind index, notes by their pairs of letters."""

from __future__ import annotations

import re

from tongpan.access.vault import blind_index

_NO_DIGIT = re.compile(r"\D+")
_FEWEST_DIGITS = 7


def phone_index(phone: str) -> bytes:
    """The blind index of a phone number, however it is written; b"" for one that is masked or none at all."""
    if "*" in phone:
        return b""
    digits = _NO_DIGIT.sub("", phone).lstrip("0")
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    return blind_index("phone", "", digits) if len(digits) >= _FEWEST_DIGITS else b""


def recipient_index(name: str) -> bytes:
    """The blind index of a recipient's name; b"" for one that is masked or empty."""
    plain = " ".join(name.split()).casefold()
    return blind_index("recipient", "", plain) if plain and "*" not in plain else b""


def grams_of(text: str) -> list[str]:
    """The pairs of neighbouring letters of ``text``, without blanks and capitals, each once: works without word
    boundaries, as Chinese needs it."""
    plain = "".join(text.casefold().split())
    return sorted({plain[at : at + 2] for at in range(len(plain) - 1)})
