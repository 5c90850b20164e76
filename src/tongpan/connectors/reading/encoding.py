"""Which encoding a file has: by proof where there is one, by detection only after.

A byte order mark proves its encoding. UTF-8 has a form that other texts do not have by chance, so a file that
decodes strictly as UTF-8 is UTF-8. GB18030 comes next, when what it gives are Chinese characters in common use.
Only what is left is guessed.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

CHUNK = 1 << 20
SAMPLE = 1 << 18
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\v\x1a\x00")


class Bytes(Protocol):
    """A stream of bytes that closes itself: a file, or what an archive unpacks to."""

    def read(self, size: int = -1, /) -> bytes: ...

    def __enter__(self) -> Bytes: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Encoding:
    """name: a Python codec. is_lossy: some bytes cannot be read in it; their lines hold U+FFFD."""

    name: str
    is_lossy: bool = False


def is_binary(sample: bytes) -> bool:
    """True when ``sample`` is no text in any encoding: control bytes that texts do not hold."""
    if any(sample.startswith(mark) for mark, _ in _MARKS) or _wide(sample):
        return False
    controls = sum(1 for byte in sample if byte < 32 and byte not in _TEXT_CONTROLS)
    nulls = sample.count(0)
    return controls * 50 > len(sample) or nulls * 10 > len(sample)


def _wide(sample: bytes) -> str:
    """The codec of UTF-16 text without a mark: every second byte of Western text is zero."""
    pairs = len(sample) // 2
    if pairs < 8:
        return ""
    even, odd = sample[0 : 2 * pairs : 2].count(0), sample[1 : 2 * pairs : 2].count(0)
    if odd * 3 > pairs and even * 20 < pairs:
        return "utf-16-le"
    if even * 3 > pairs and odd * 20 < pairs:
        return "utf-16-be"
    return ""


def find_encoding(opened: Callable[[], Bytes]) -> Encoding:
    """The encoding of a whole stream; reads it once, and a second time only when nothing fits strictly."""
    with opened() as stream:
        sample = stream.read(SAMPLE)
    marked = next((name for mark, name in _MARKS if sample.startswith(mark)), "") or _wide(sample)
    if marked:
        return Encoding(marked, is_lossy=_count_bad(opened, marked)[0] > 0)
    is_utf8, is_gb, looks_chinese, is_cut = _try_both(opened)
    if is_utf8:
        return Encoding("utf-8", is_lossy=is_cut)
    if is_gb and looks_chinese:
        return Encoding("gb18030", is_lossy=is_cut)
    for name in ("utf-8", "gb18030"):
        bad, strange = _count_bad(opened, name)
        if bad * 20 <= strange:
            return Encoding(name, is_lossy=True)
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to load, and seldom asked

    best = from_bytes(_with_high_bytes(opened)).best()
    name = codecs.lookup(best.encoding).name if best else ("gb18030" if is_gb else "cp1252")
    return Encoding(name, is_lossy=_count_bad(opened, name)[0] > 0)


def _try_both(opened: Callable[[], Bytes]) -> tuple[bool, bool, bool, bool]:
    """(is strict UTF-8, is strict GB18030, its characters are common Chinese, ends inside a character)."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    gb = codecs.getincrementaldecoder("gb18030")()
    is_utf8 = is_gb = True
    common = strange = 0
    with opened() as stream:
        while chunk := stream.read(CHUNK):
            if is_utf8:
                try:
                    utf8.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            if is_gb:
                try:
                    text = gb.decode(chunk)
                except UnicodeDecodeError:
                    is_gb = False
                else:
                    if strange < 20_000 and not text.isascii():
                        for character in text:
                            if character > "\x7f":
                                strange += 1
                                common += _is_common_chinese(character)
            if not is_utf8 and not is_gb:
                break
    decoder = utf8 if is_utf8 else gb
    return is_utf8, is_gb, common * 10 >= strange * 6, bool(decoder.getstate()[0])


def _is_common_chinese(character: str) -> bool:
    if "　" <= character <= "〿" or "\uff00" <= character <= "\uffef":
        return True
    try:
        return "一" <= character <= "鿿" and len(character.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def _count_bad(opened: Callable[[], Bytes], name: str) -> tuple[int, int]:
    """(characters that cannot be read, characters beyond ASCII that can) when read as ``name``."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    bad = strange = 0
    with opened() as stream:
        while chunk := stream.read(CHUNK):
            text = decoder.decode(chunk)
            if not text.isascii():
                wrong = text.count("�")
                bad += wrong
                strange += sum(1 for character in text if character > "\x7f") - wrong
    return bad + len(decoder.decode(b"", final=True)), strange


def _with_high_bytes(opened: Callable[[], Bytes], limit: int = 1 << 16) -> bytes:
    """Lines with bytes beyond ASCII: what a detector learns from."""
    found = bytearray()
    with opened() as stream:
        while len(found) < limit and (chunk := stream.read(CHUNK)):
            for line in chunk.split(b"\n"):
                if not line.isascii():
                    found += line[:4096] + b"\n"
    return bytes(found)
