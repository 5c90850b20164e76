"""What two rulebooks differ in, rule by rule and word by word. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

HEAD = ""
"""Stands for what is no rule: lanes, groups, the stack matrix, zone and currency."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a rule before and after; None where it is not said."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Difference:
    """rule: its code, or ``HEAD``."""

    rule: str
    change: Literal["added", "removed", "changed"]
    words: tuple[Word, ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What leads from one document to the other, the head first, then rules in the order of their codes."""
    found = []
    head = _words({**before, "rules": None}, {**after, "rules": None})
    if head:
        found.append(Difference(HEAD, "changed", head))
    old = {rule.get("code", ""): rule for rule in before.get("rules", ())}
    new = {rule.get("code", ""): rule for rule in after.get("rules", ())}
    for code in sorted({*old, *new}):
        words = _words(old.get(code, {}), new.get(code, {}))
        if words:
            change: Literal["added", "removed", "changed"] = "changed"
            if code not in old:
                change = "added"
            elif code not in new:
                change = "removed"
            found.append(Difference(code, change, words))
    return found


def _words(before: Any, after: Any, path: str = "") -> tuple[Word, ...]:
    if before == after:
        return ()
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return tuple(
            word
            for key in sorted({*before, *after})
            for word in _words(before.get(key), after.get(key), f"{path}.{key}".lstrip("."))
        )
    return (Word(path, before, after),)


def rebased(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """``theirs`` with what ``mine`` changed of ``base``, and the codes of rules that both changed, each otherwise.

    Of such a rule ``mine`` is taken. The head (stack matrix, lanes) is taken whole from whoever changed it.
    """
    old = {rule.get("code"): rule for rule in base.get("rules", ())}
    own = {rule.get("code"): rule for rule in mine.get("rules", ())}
    new = {rule.get("code"): rule for rule in theirs.get("rules", ())}
    clashes = []
    merged = dict(new)
    for code in sorted({*old, *own}, key=str):
        if old.get(code) == own.get(code):
            continue
        if new.get(code) not in (old.get(code), own.get(code)):
            clashes.append(str(code))
        if code in own:
            merged[code] = own[code]
        else:
            merged.pop(code, None)
    heads = [{key: value for key, value in one.items() if key != "rules"} for one in (base, mine, theirs)]
    if heads[1] != heads[0] and heads[2] not in (heads[0], heads[1]):
        clashes.insert(0, HEAD)
    head = heads[1] if heads[1] != heads[0] else heads[2]
    return {**head, "rules": list(merged.values())}, clashes
