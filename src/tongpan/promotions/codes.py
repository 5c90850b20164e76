"""Coupon codes: ten symbols that a secret permutation makes of a number, and one that checks them. Pure.

A code is the base-32 spelling of a permutation of 2^50 values, keyed by the installation, applied to a number below
2^32. So no two numbers share a code and none has to be looked up while codes are made; and because a value picked at
random stands for a number below 2^32 only once in 2^18 times, which the check symbol makes once in 2^23, a mistyped or
guessed code is refused without asking the database. The permutation is a Feistel network over two halves of 25 bits
with BLAKE2s as its round function (M. Luby and C. Rackoff, 1988: four rounds suffice, here there are six).
The check symbol is a weighted sum over GF(32), whose weights all differ: every single wrong symbol and every two
symbols that changed places are found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2s

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without the look-alikes I, O, 0 and 1."""
BODY = 10
LENGTH = BODY + 1
SPACE = 32**BODY
NUMBERS = 2**32
"""How many codes there can be."""
_HALF = 25
_MASK = 2**_HALF - 1
_ROUNDS = 6
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)}


def _times(a: int, b: int) -> int:
    """a·b in GF(32), the field of polynomials over GF(2) modulo x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


def _weighted() -> list[tuple[int, ...]]:
    weight, rows = 1, []
    for _ in range(BODY):
        weight = _times(weight, 2)
        rows.append(tuple(_times(weight, value) for value in range(32)))
    return rows


_WEIGHTED = _weighted()
"""Of each place: the value of its symbol times the weight of the place (x^1 to x^10; the check symbol has x^0)."""
_PAIRS = [ALPHABET[value >> 5] + ALPHABET[value & 31] for value in range(1024)]
_PAIR_SUMS = [
    tuple(_WEIGHTED[2 * place][value >> 5] ^ _WEIGHTED[2 * place + 1][value & 31] for value in range(1024))
    for place in range(BODY // 2)
]


class Coder:
    """Turns numbers into codes and back under one key of at least 16 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("The key of coupon codes has at least 16 bytes.")
        self._rounds = [blake2s(key=key[:32], person=bytes([n]), digest_size=4) for n in range(_ROUNDS)]

    def codes(self, numbers: Iterable[int]) -> Iterator[str]:
        """The code of each of ``numbers``, all below ``NUMBERS``."""
        rounds = self._rounds
        for number in numbers:
            if not 0 <= number < NUMBERS:
                raise ValueError(f"{number} is no number of a code.")
            left, right = number >> _HALF, number & _MASK
            for keyed in rounds:
                digest = keyed.copy()
                digest.update(right.to_bytes(4, "little"))
                left, right = right, left ^ (int.from_bytes(digest.digest(), "little") & _MASK)
            value = left << _HALF | right
            a, b, c, d, e = (value >> 40, value >> 30 & 1023, value >> 20 & 1023, value >> 10 & 1023, value & 1023)
            check = _PAIR_SUMS[0][a] ^ _PAIR_SUMS[1][b] ^ _PAIR_SUMS[2][c] ^ _PAIR_SUMS[3][d] ^ _PAIR_SUMS[4][e]
            yield _PAIRS[a] + _PAIRS[b] + _PAIRS[c] + _PAIRS[d] + _PAIRS[e] + ALPHABET[check]

    def code(self, number: int) -> str:
        """The code of one number."""
        return next(self.codes([number]))

    def number(self, code: str) -> int | None:
        """The number that ``code`` stands for, None when it is no code of this key. It need not have been given out."""
        code = tidy(code)
        if not looks_like_code(code):
            return None
        value = 0
        for symbol in code[:BODY]:
            value = value << 5 | _VALUES[symbol]
        left, right = value >> _HALF, value & _MASK
        for keyed in reversed(self._rounds):
            digest = keyed.copy()
            digest.update(left.to_bytes(4, "little"))
            left, right = right ^ (int.from_bytes(digest.digest(), "little") & _MASK), left
        number = left << _HALF | right
        return number if number < NUMBERS else None


def tidy(code: str) -> str:
    """``code`` as it is compared: capital letters, without the spaces and hyphens that people put in."""
    return "".join(code.split()).replace("-", "").upper()


def looks_like_code(code: str) -> bool:
    """Whether a tidy ``code`` has the length, the symbols and the check symbol of a code under any key."""
    if len(code) != LENGTH or any(symbol not in _VALUES for symbol in code):
        return False
    check = 0
    for weights, symbol in zip(_WEIGHTED, code[:BODY], strict=True):
        check ^= weights[_VALUES[symbol]]
    return check == _VALUES[code[BODY]]


def spelt(code: str) -> str:
    """``code`` as people read it: XXXX-XXXX-XXX."""
    return f"{code[:4]}-{code[4:8]}-{code[8:]}"


@dataclass(frozen=True, slots=True)
class Space:
    """How much of the space of codes is used.

    guess: how likely eleven symbols picked at random are a code that was made, check symbol included.
    """

    used: int
    numbers: int = NUMBERS
    size: int = SPACE

    @property
    def left(self) -> int:
        return self.numbers - self.used

    @property
    def guess(self) -> Fraction:
        return Fraction(self.used, 32**LENGTH)
