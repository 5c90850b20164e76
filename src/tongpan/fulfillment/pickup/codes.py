"""Pickup codes: eight characters and one that checks them, easy to read out and to type. Pure.

The alphabet has no I, L, O and U; what people type in their place is understood. The check character is that of
Luhn's method modulo 32: it finds every single wrong character and nearly every swap of two neighbours.
"""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 8
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_TYPED = str.maketrans({"O": "0", "I": "1", "L": "1"})
_LINK = re.compile(r"(?:^|/)p/([^/?#\s]+)/?(?:[?#].*)?$")


def code_of(secret: bytes) -> str:
    """The code that 5 or more random bytes make: 8 characters of 40 bits, and the check character."""
    number = int.from_bytes(secret[:5], "big")
    body = "".join(ALPHABET[(number >> shift) & 31] for shift in range(35, -1, -5))
    return body + _check(body)


def read_code(text: str) -> str:
    """The code that ``text`` says: typed in any case, with blanks or hyphens, or scanned as a link; "" for none."""
    found = _LINK.search(text.strip())
    typed = (found.group(1) if found else text).upper().translate(_TYPED)
    code = re.sub(r"[\s-]", "", typed)
    if len(code) != LENGTH + 1 or any(character not in _VALUE for character in code):
        return ""
    return code if _check(code[:-1]) == code[-1] else ""


def shown(code: str) -> str:
    """``code`` in groups, as it is printed: ``7K3M-9QXT-4``."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


def _check(body: str) -> str:
    total = 0
    for position, character in enumerate(reversed(body)):
        value = _VALUE[character] * (2 if position % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]
