"""Records out of delimited text: quoted line breaks, ragged rows, broken quotes, lines without end.

Most lines hold no quote and are simply split. A line with an unclosed quote takes the following lines in, up to
a limit: past it the quote was a mistake, that one line is reported, and reading goes on with the next.
"""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tongpan.connectors.reading.encoding import CHUNK, Bytes, Encoding

MAX_CHARACTERS = 200_000
MAX_LINES_OF_A_CELL = 200
csv.field_size_limit(2 * MAX_CHARACTERS)

TOO_LONG = f"the line is longer than {MAX_CHARACTERS:,} characters"
UNCLOSED = "a quotation mark opens a cell that is never closed"
CUT_OFF = "the file ends in the middle of this line"
STRAY = "a carriage return stands in the middle of this line"
NULS = "the line holds NUL bytes"


class Record(NamedTuple):
    """line: number of the record's first line in the file, from 1. defect: what is wrong with its form, or "".

    is_last_open: it is the last line and has no line end, as in a file that was cut off.
    """

    line: int
    cells: list[str]
    defect: str = ""
    is_last_open: bool = False


def texts(opened: Callable[[], Bytes], encoding: Encoding, seen: Callable[[int], None] | None = None) -> Iterator[str]:
    """The decoded stream in chunks. Bytes that cannot be read become U+FFFD. seen: told the bytes read so far."""
    decoder = codecs.getincrementaldecoder(encoding.name)("replace")
    done = 0
    with opened() as stream:
        while chunk := stream.read(CHUNK):
            done += len(chunk)
            yield decoder.decode(chunk)
            if seen:
                seen(done)
    yield decoder.decode(b"", final=True)


def lines(chunks: Iterator[str], newline: str = "\n") -> Iterator[tuple[str, bool]]:
    """(physical line without its end, whether it had one). A line past the limit comes cut to the limit plus one."""
    carry = ""
    is_skipping = False
    for chunk in chunks:
        parts = (carry + chunk).split(newline)
        carry = parts.pop()
        for part in parts:
            if is_skipping:
                is_skipping = False
                continue
            yield (part[:-1] if part.endswith("\r") else part)[: MAX_CHARACTERS + 1], True
        if is_skipping:
            carry = ""
        elif len(carry) > MAX_CHARACTERS:
            yield carry[: MAX_CHARACTERS + 1], True
            carry, is_skipping = "", True
    if carry and not is_skipping:
        yield carry.removesuffix("\r"), False


def records(chunks: Iterator[str], delimiter: str, newline: str = "\n") -> Iterator[Record]:
    """The records of delimited text. Lines that are blank, or hold empty cells only, are left out."""
    waiting: deque[tuple[str, bool]] = deque()
    source = lines(chunks, newline)
    number = 0
    blank = frozenset(delimiter + ' \t"\x1a')

    def take() -> tuple[str, bool] | None:
        return waiting.popleft() if waiting else next(source, None)

    while (taken := take()) is not None:
        line, is_whole = taken
        number += 1
        first = number
        defect = ""
        if len(line) > MAX_CHARACTERS:
            yield Record(first, [cell[:1000] for cell in line[:5000].split(delimiter)], TOO_LONG)
            continue
        if "\0" in line:
            line, defect = line.replace("\0", ""), NULS
        if '"' not in line:
            if not line or blank.issuperset(line):
                continue
            yield Record(first, line.split(delimiter), defect, not is_whole)
            continue
        # An odd number of quotes: the cell goes on in the next lines, or a quote is a mistake.
        is_even = line.count('"') % 2 == 0
        more: list[tuple[str, bool]] = []
        try:
            if is_even:
                cells, is_closed = next(csv.reader([line], delimiter=delimiter), []), True
            else:
                cells, is_closed = _quoted(line, take, more, delimiter)
        except csv.Error:
            waiting.extendleft(reversed(more))
            yield Record(first, line.replace('"', "").split(delimiter), STRAY)
            continue
        if is_even:
            if any(cells):
                yield Record(first, cells, defect, not is_whole)
        elif is_closed:
            number += len(more)
            yield Record(first, [cell.replace("\0", "") for cell in cells], defect)
        else:
            waiting.extendleft(reversed(more))
            yield Record(first, line.replace('"', "").split(delimiter), UNCLOSED if more else CUT_OFF)


def _quoted(
    line: str, take: Callable[[], tuple[str, bool] | None], more: list[tuple[str, bool]], delimiter: str
) -> tuple[list[str], bool]:
    """Parse ``line`` and as many following lines as its open quote needs; ``more`` collects those lines.

    The second result is False when the quote is not closed within the limits or before the end.
    """
    is_closed = True
    size = len(line)

    def feed() -> Iterator[str]:
        nonlocal is_closed, size
        yield line + "\n"
        while True:
            following = take() if len(more) < MAX_LINES_OF_A_CELL and size <= MAX_CHARACTERS else None
            if following is None:
                is_closed = False
                return
            more.append(following)
            size += len(following[0])
            yield following[0] + "\n"

    cells = next(csv.reader(feed(), delimiter=delimiter), [])
    return cells, is_closed
