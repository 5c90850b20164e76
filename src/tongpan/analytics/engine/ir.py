"""The small relational language that metrics are planned in; compile.py turns it into SQL.

It holds exactly what the parity suite proves to mean the same on every engine: equality and order comparison,
CASE, products and differences of integers, sums and counts, inner and left joins on keys, grouping, UNION ALL,
sums over explicit frames. There is no
way to write a time-zone function, an average, a bare division or an implicit cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["integer", "text", "date"]
CompareOp = Literal["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the relation known as ``of`` in the same SELECT."""

    of: str
    name: str


@dataclass(frozen=True, slots=True)
class Literal_:
    value: int | str | bool | date


@dataclass(frozen=True, slots=True)
class Null:
    """An absent value of a declared kind: engines disagree about the type of a bare NULL."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class Compare:
    op: CompareOp
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of these; the list is never empty."""

    value: Expression
    options: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class IsNull:
    value: Expression


@dataclass(frozen=True, slots=True)
class Not:
    value: Expression


@dataclass(frozen=True, slots=True)
class All:
    """Conditions that must all hold; true when there are none."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Case:
    whens: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression | None = None


@dataclass(frozen=True, slots=True)
class Coalesce:
    value: Expression
    default: Expression


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum of integers that cannot overflow 64 bits; null over no rows."""

    value: Expression


@dataclass(frozen=True, slots=True)
class CountRows:
    pass


@dataclass(frozen=True, slots=True)
class Count:
    """How many values are not null."""

    value: Expression


@dataclass(frozen=True, slots=True)
class CountDistinct:
    value: Expression


@dataclass(frozen=True, slots=True)
class Min:
    value: Expression


@dataclass(frozen=True, slots=True)
class SumOver:
    """The sum of ``value`` over all rows that agree in ``partition``."""

    value: Expression
    partition: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Ratio:
    """numerator ÷ denominator as a double, divided once; null when the denominator is 0 or null."""

    numerator: Expression
    denominator: Expression


@dataclass(frozen=True, slots=True)
class Times:
    """A product of integers that fits into 64 bits."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Minus:
    """``left`` − ``right``; ``right`` is a column."""

    left: Expression
    right: Column


@dataclass(frozen=True, slots=True)
class Negative:
    value: Expression


Expression = (
    Column
    | Literal_
    | Null
    | Compare
    | OneOf
    | IsNull
    | Not
    | All
    | Any_
    | Case
    | Coalesce
    | Sum
    | CountRows
    | Count
    | CountDistinct
    | Min
    | SumOver
    | Ratio
    | Times
    | Minus
    | Negative
)


@dataclass(frozen=True, slots=True)
class From:
    """A relation under an alias: a table of the lake, or a named sub-query of the same query."""

    relation: str
    alias: str
    is_lake: bool = True


@dataclass(frozen=True, slots=True)
class Join:
    """``kind`` "cross" has no condition; the others compare keys."""

    kind: Literal["inner", "left", "cross"]
    source: From
    on: Expression | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """Nulls always come last; every ORDER BY ends in a unique key."""

    value: Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Select:
    columns: tuple[tuple[str, Expression], ...]
    source: From | None = None
    joins: tuple[Join, ...] = ()
    where: tuple[Expression, ...] = ()
    group_by: tuple[Expression, ...] = ()
    order_by: tuple[Sort, ...] = ()
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class UnionAll:
    selects: tuple[Select, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Named sub-queries, each over those before it, and the SELECT that answers."""

    named: tuple[tuple[str, Select | UnionAll], ...]
    body: Select
