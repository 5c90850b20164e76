"""What a cell of a spreadsheet export really says, and the errors a cell can hold."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

BLANKS = " \t\r\n\v\f\u00a0\u3000\u200b\ufeff"
_SUSPECT = frozenset("=' \t\r\n\v\f\"\u00a0\u3000\u200b\ufeff")
_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_GUARDED = re.compile(r"'[=+\-@\d\t']")
# A long number that a spreadsheet showed, and then saved, as a rounded power of ten.
_MANGLED = re.compile(r"[+-]?\d(?:\.\d+)?[eE]\+\d{1,3}")
_MASKED = re.compile(r"[*＊]{2,}|^(?:##|\$\$|~AgAA)|(##|\$\$).+\1|^(?=.*[一-鿿])\S{0,2}[*＊]\S{0,2}$")


class BadCell(Exception):
    """A cell that cannot be taken: the header of its column, the text found, and why, for a person."""

    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.value = value
        self.reason = reason


def clean(cell: str | None) -> str:
    """The text that a cell means: blanks, ``="…"``, a guarding apostrophe and byte order marks taken off."""
    if not cell:
        return ""
    if cell[0] not in _SUSPECT and cell[-1] not in _SUSPECT:
        return cell
    text = cell.strip(BLANKS)
    formula = _FORMULA.fullmatch(text)
    if formula:
        text = formula[1].replace('""', '"').strip(BLANKS)
    if _GUARDED.match(text):
        text = text[1:]
    return text


def cleaned(cell: str | None, nulls: Collection[str]) -> str:
    """``clean(cell)``, or "" when that is one of the words by which the source says "nothing"."""
    text = clean(cell)
    return "" if text in nulls else text


def header_key(header: str) -> str:
    """A header as it is compared: width, case, blanks and marks around it do not count."""
    return unicodedata.normalize("NFKC", clean(header)).strip(BLANKS).strip('"').casefold()


def is_mangled(text: str) -> bool:
    """True when a spreadsheet has turned a long number into something like 1.23E+18; its digits are lost."""
    return _MANGLED.fullmatch(text) is not None


def is_masked(text: str) -> bool:
    """True when the platform has hidden the value: asterisks (張**, 张*, 138****1234), or ciphertext marked by ##, $$
    or ~AgAA."""
    return _MASKED.search(text) is not None
