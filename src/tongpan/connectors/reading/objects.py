"""JSON as a table: one object gives one row, or one for each element of the lists that it holds.

A value inside an object is named by its path ("billing.city"). Lists of objects stand side by side: the first row holds
the first element of each list, the second row the second; what stands beside the lists is repeated on every row.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator
from typing import Any

from tongpan.connectors.reading.encoding import CHUNK, Bytes
from tongpan.connectors.reading.records import Record
from tongpan.core.errors import Refusal

SUFFIXES = (".json", ".jsonl", ".ndjson")
MAX_CHARACTERS = 64 << 20
"""Of one object."""

# Numbers stay as they are written: ids keep all digits, and amounts all decimals.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def is_json(name: str, head: bytes) -> bool:
    """Whether a file of this name and beginning is JSON."""
    begins = head.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    return name.lower().endswith(SUFFIXES) and begins in (b"[", b"{")


def object_records(opened: Callable[[], Bytes], name: str) -> Iterator[Record]:
    """A header of all paths that the file holds, then its rows. Reads the file twice. Raises Refusal for bad JSON."""
    paths: dict[str, None] = {}
    for found in _objects(opened, name):
        for row in _rows(found):
            paths.update(dict.fromkeys(row))
    header = list(paths)
    yield Record(1, header)
    number = 1
    for found in _objects(opened, name):
        for row in _rows(found):
            number += 1
            yield Record(number, [row.get(path, "") for path in header])


def _objects(opened: Callable[[], Bytes], name: str) -> Iterator[dict[str, Any]]:
    """The objects of a list, of lines of objects, or of the one list that a single object wraps."""
    text, is_end = "", False
    decoder = codecs.getincrementaldecoder("utf-8-sig")("strict")
    count = 0
    with opened() as stream:
        while True:
            text = text.lstrip(" \t\r\n,[") if count or text.lstrip()[:1] == "[" else text.lstrip()
            try:
                if not text.startswith("{"):
                    raise ValueError
                found, end = _DECODER.raw_decode(text)
            except ValueError:
                # The object goes on in bytes that are not read yet.
                if is_end:
                    if text.strip(" \t\r\n]"):
                        raise _bad(name, f"what stands after object {count} is none") from None
                    return
                if len(text) > MAX_CHARACTERS:
                    raise _bad(name, f"object {count + 1} never ends") from None
                try:
                    chunk = stream.read(max(CHUNK, len(text)))
                    text += decoder.decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    raise _bad(name, "it is not UTF-8") from None
                is_end = not chunk
                continue
            text = text[end:]
            count += 1
            yield from _unwrapped(found)


def _bad(name: str, reason: str) -> Refusal:
    return Refusal("file.json", f"{name} cannot be read as JSON: {reason}.")


def _unwrapped(found: dict[str, Any]) -> list[dict[str, Any]]:
    values = list(found.values())
    if len(values) == 1 and isinstance(values[0], list) and all(isinstance(item, dict) for item in values[0]):
        return values[0]
    return [found]


def _rows(found: dict[str, Any]) -> list[dict[str, str]]:
    plain: dict[str, str] = {}
    lists: dict[str, list[dict[str, Any]]] = {}
    for path, value in _flat(found, ""):
        if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            lists[path] = value
        else:
            plain[path] = _text(value)
    rows = []
    for number in range(max([1, *map(len, lists.values())])):
        row = dict(plain)
        for path, items in lists.items():
            if number < len(items):
                row.update({inner: _text(value) for inner, value in _flat(items[number], f"{path}.")})
        rows.append(row)
    return rows


def _flat(found: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _text(value: Any) -> str:
    if value is None or value == []:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
