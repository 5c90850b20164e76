"""The stack matrix: which groups of offers may meet on one line, and the public notice that says so. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tongpan.promotions.engine.rules import Rule, Rulebook


@dataclass(frozen=True, slots=True)
class MatrixGroup:
    """A group and the rules that are in it."""

    code: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """may[i][j]: offers of the i-th and the j-th group may meet on one line."""

    groups: tuple[MatrixGroup, ...]
    may: tuple[tuple[bool, ...], ...]


def stack_matrix(book: Rulebook) -> Matrix:
    """The groups of ``book`` in their order, and which of them may meet."""
    groups = tuple(
        MatrixGroup(code, tuple(rule for rule in book.rules if rule.group == code)) for code in _groups(book)
    )
    may = tuple(tuple(frozenset((one.code, two.code)) in book.stack for two in groups) for one in groups)
    return Matrix(groups, may)


def matrix_of(book: Rulebook) -> dict[str, Any]:
    """The matrix as a notice keeps it."""
    pairs = sorted(sorted(pair) * (2 if len(pair) == 1 else 1) for pair in book.stack)
    return {"groups": _groups(book), "pairs": pairs}


def notice_texts(book: Rulebook) -> tuple[str, str]:
    """The public notice of the matrix in Chinese and in English, from the names of the rules."""
    matrix = stack_matrix(book)
    zh, en = ["优惠叠加规则公示"], ["How our offers can be combined"]
    pairs = [
        (one, two)
        for i, one in enumerate(matrix.groups)
        for j, two in enumerate(matrix.groups[i:], i)
        if matrix.may[i][j]
    ]
    if pairs:
        zh.append("以下优惠可以在同一件商品上叠加使用：")
        en.append("These offers can be used together on the same goods:")
        for one, two in pairs:
            if one is two:
                zh.append(f"· {_names(one.rules, 'zh')}（可同时使用多项）")
                en.append(f"- {_names(one.rules, 'en')} (several of them at once)")
            else:
                zh.append(f"· {_names(one.rules, 'zh')} + {_names(two.rules, 'zh')}")
                en.append(f"- {_names(one.rules, 'en')} + {_names(two.rules, 'en')}")
        zh.append("除此之外，其他优惠不可叠加，同一件商品只享受其中一项。")
        en.append("No other offers can be combined: only one of them counts for the same goods.")
    else:
        zh.append("各项优惠不可叠加，同一件商品只享受其中一项。")
        en.append("Offers cannot be combined: only one of them counts for the same goods.")
    return "\n".join(zh), "\n".join(en)


def _groups(book: Rulebook) -> list[str]:
    used = {rule.group for rule in book.rules}
    return [code for code in book.groups if code in used] + sorted(used - set(book.groups))


def _names(rules: Sequence[Rule], language: str) -> str:
    names = [(rule.name_zh if language == "zh" else rule.name_en) or rule.code for rule in rules]
    if len(names) > 6:
        more = f"等 {len(names)} 项" if language == "zh" else f" and {len(names) - 6} more"
        return ("、" if language == "zh" else ", ").join(names[:6]) + more
    return ("、" if language == "zh" else ", ").join(names)
