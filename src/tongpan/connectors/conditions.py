"""Conditions of the mapping language: tests of columns, joined by all, any and not."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import Any, Literal

NUMBER_TESTS = ("lt", "le", "gt", "ge", "eq", "ne")
TEXT_TESTS = ("is", "in", "not_in", "starts_with", "ends_with", "contains", "matches", "empty")
WORDS = ("all", "any", "not")


@dataclass(frozen=True, slots=True)
class Test:
    """One test of one column: ``op`` is one of NUMBER_TESTS or TEXT_TESTS."""

    column: str
    op: str
    operand: Any


@dataclass(frozen=True, slots=True)
class Condition:
    """``word`` joins the parts: "all", "any", or "not" (none of them holds)."""

    word: Literal["all", "any", "not"]
    parts: tuple[Test | Condition, ...]


def parse_condition(raw: Any) -> Condition:
    """A condition as YAML gives it: {column: test, …} (all hold), {any: [..]}, {all: [..]}, {not: {..}}.

    Raises ValueError with a sentence that says what is allowed.
    """
    if isinstance(raw, Condition):
        return raw
    if not isinstance(raw, MappingABC) or not raw:
        raise ValueError("a condition is a table of columns and tests, such as {price: {lt: 0}}")
    parts: list[Test | Condition] = []
    for key, value in raw.items():
        if key in ("any", "all"):
            if not isinstance(value, list) or not value:
                raise ValueError(f"{key!r} takes a list of conditions")
            parts.append(Condition(key, tuple(parse_condition(item) for item in value)))
        elif key == "not":
            parts.append(Condition("not", (parse_condition(value),)))
        else:
            parts.extend(_tests(str(key), value))
    return Condition("all", tuple(parts))


def _tests(column: str, raw: Any) -> list[Test]:
    if isinstance(raw, list):
        return [Test(column, "in", frozenset(_text(item) for item in raw))]
    if not isinstance(raw, MappingABC):
        return [Test(column, "is", _text(raw))]
    return [Test(column, str(op), _operand(column, str(op), value)) for op, value in raw.items()]


def _operand(column: str, op: str, value: Any) -> Any:
    if op in NUMBER_TESTS:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{column}: {op} compares with a number, not {value!r}")
        return value
    if op == "empty":
        if not isinstance(value, bool):
            raise ValueError(f"{column}: empty is true or false, not {value!r}")
        return value
    if op in ("in", "not_in"):
        if not isinstance(value, list):
            raise ValueError(f"{column}: {op} takes a list")
        return frozenset(_text(item) for item in value)
    if op == "matches":
        return compiled_pattern(value)
    if op in TEXT_TESTS:
        return _text(value)
    raise ValueError(f"{column}: {op!r} is no test; allowed are {', '.join(TEXT_TESTS + NUMBER_TESTS)}")


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        raise ValueError(f"{value!r} must be a text; put it in quotes")
    return str(value)


def compiled_pattern(value: Any) -> re.Pattern[str]:
    """A regular expression from a mapping file. Raises ValueError when it is not one."""
    try:
        return re.compile(_text(value))
    except re.error as error:
        raise ValueError(f"{value!r} is no regular expression: {error}") from error
