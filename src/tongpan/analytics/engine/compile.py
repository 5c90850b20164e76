"""Relations of ir.py -> an SQL syntax tree of whitelisted nodes -> the text of one engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from sqlglot import exp

from tongpan.analytics.engine import ir
from tongpan.analytics.engine.registry import Engine

ALLOWED: tuple[type[exp.Expr], ...] = (
    exp.Select,
    exp.With,
    exp.CTE,
    exp.TableAlias,
    exp.Union,
    exp.From,
    exp.Table,
    exp.Identifier,
    exp.Join,
    exp.Where,
    exp.Group,
    exp.Order,
    exp.Ordered,
    exp.Limit,
    exp.Alias,
    exp.Column,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Cast,
    exp.DataType,
    exp.DataTypeParam,
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.In,
    exp.Is,
    exp.Case,
    exp.If,
    exp.Coalesce,
    exp.Sum,
    exp.Count,
    exp.Distinct,
    exp.Star,
    exp.Min,
    exp.Neg,
    exp.Mul,
    exp.Sub,
    exp.Div,
    exp.Window,
    exp.WindowSpec,
)

_COMPARISONS: dict[ir.CompareOp, type[exp.Binary]] = {
    "=": exp.EQ,
    "<>": exp.NEQ,
    "<": exp.LT,
    "<=": exp.LTE,
    ">": exp.GT,
    ">=": exp.GTE,
}


def to_sql(query: ir.Query, engine: Engine, *, pretty: bool = False) -> str:
    """The text of ``query`` for ``engine``. Raises ValueError when a node outside the whitelist got in."""
    tree = _Compiler(engine).query(query)
    for node in tree.walk():
        if not isinstance(node, ALLOWED):
            raise ValueError(f"{type(node).__name__} is not a node that metrics may use.")
    return tree.sql(dialect=engine.dialect, pretty=pretty, identify=False)


class _Compiler:
    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def query(self, query: ir.Query) -> exp.Select:
        body = self.select(query.body)
        for name, relation in query.named:
            compiled = self.union(relation) if isinstance(relation, ir.UnionAll) else self.select(relation)
            body = body.with_(name, as_=compiled, copy=False)
        return body

    def union(self, union: ir.UnionAll) -> exp.Query:
        first, *others = (self.select(select) for select in union.selects)
        result: exp.Query = first
        for other in others:
            result = exp.Union(this=result, expression=other, distinct=False)
        return result

    def select(self, select: ir.Select) -> exp.Select:
        columns = [exp.alias_(self.expression(value), name) for name, value in select.columns]
        result = exp.Select(expressions=columns)
        if select.source is not None:
            result = result.from_(self.relation(select.source), copy=False)
        for join in select.joins:
            result.append(
                "joins",
                exp.Join(
                    this=self.relation(join.source),
                    kind="CROSS" if join.kind == "cross" else ("INNER" if join.kind == "inner" else None),
                    side="LEFT" if join.kind == "left" else None,
                    on=self.expression(join.on) if join.on is not None else None,
                ),
            )
        if select.where:
            result.set("where", exp.Where(this=self.expression(ir.All(select.where))))
        if select.group_by:
            result.set("group", exp.Group(expressions=[self.expression(key) for key in select.group_by]))
        if select.order_by:
            result.set("order", exp.Order(expressions=[self.sort(key) for key in select.order_by]))
        if select.limit is not None:
            result.set("limit", exp.Limit(expression=exp.Literal.number(select.limit)))
        return result

    def relation(self, source: ir.From) -> exp.Table:
        catalog = self.engine.catalog if source.is_lake else ""
        return exp.table_(source.relation, db=catalog or None, alias=source.alias)

    def sort(self, sort: ir.Sort) -> exp.Ordered:
        return exp.Ordered(this=self.expression(sort.value), desc=sort.descending, nulls_first=False)

    def expression(self, node: ir.Expression) -> exp.Expr:
        return _METHODS[type(node)](self, node)

    def _column(self, node: ir.Column) -> exp.Expr:
        return exp.column(node.name, table=node.of)

    def _literal(self, node: ir.Literal_) -> exp.Expr:
        return self.value(node.value)

    def value(self, value: int | str | bool | date) -> exp.Expr:
        if isinstance(value, bool):
            return exp.Boolean(this=value)
        if isinstance(value, int):
            number = exp.Literal.number(abs(value))
            return exp.Neg(this=number) if value < 0 else number
        return self.engine.day(value) if isinstance(value, date) else exp.Literal.string(value)

    def _null(self, node: ir.Null) -> exp.Expr:
        return self.engine.null(node.kind)

    def _compare(self, node: ir.Compare) -> exp.Expr:
        kind = _COMPARISONS[node.op]
        return kind(this=self.expression(node.left), expression=self.expression(node.right))

    def _one_of(self, node: ir.OneOf) -> exp.Expr:
        return exp.In(this=self.expression(node.value), expressions=[self.value(v) for v in node.options])

    def _is_null(self, node: ir.IsNull) -> exp.Expr:
        return exp.Is(this=self.expression(node.value), expression=exp.Null())

    def _not(self, node: ir.Not) -> exp.Expr:
        return exp.Not(this=exp.Paren(this=self.expression(node.value)))

    def _all(self, node: ir.All) -> exp.Expr:
        parts = [self.expression(part) for part in node.parts]
        return exp.and_(*parts) if parts else exp.Boolean(this=True)

    def _any(self, node: ir.Any_) -> exp.Expr:
        return exp.Paren(this=exp.or_(*[self.expression(part) for part in node.parts]))

    def _case(self, node: ir.Case) -> exp.Expr:
        whens = [exp.If(this=self.expression(test), true=self.expression(value)) for test, value in node.whens]
        return exp.Case(ifs=whens, default=self.expression(node.otherwise) if node.otherwise else None)

    def _coalesce(self, node: ir.Coalesce) -> exp.Expr:
        return exp.Coalesce(this=self.expression(node.value), expressions=[self.expression(node.default)])

    def _sum(self, node: ir.Sum) -> exp.Expr:
        return self.engine.wide_sum(self.expression(node.value))

    def _count_rows(self, node: ir.CountRows) -> exp.Expr:
        return exp.Count(this=exp.Star())

    def _count(self, node: ir.Count) -> exp.Expr:
        return exp.Count(this=self.expression(node.value))

    def _count_distinct(self, node: ir.CountDistinct) -> exp.Expr:
        return exp.Count(this=exp.Distinct(expressions=[self.expression(node.value)]))

    def _min(self, node: ir.Min) -> exp.Expr:
        return exp.Min(this=self.expression(node.value))

    def _sum_over(self, node: ir.SumOver) -> exp.Expr:
        return exp.Window(
            this=self.engine.wide_sum(self.expression(node.value)),
            partition_by=[self.expression(key) for key in node.partition],
            spec=exp.WindowSpec(
                kind="ROWS",
                start="UNBOUNDED",
                start_side="PRECEDING",
                end="UNBOUNDED",
                end_side="FOLLOWING",
            ),
        )

    def _ratio(self, node: ir.Ratio) -> exp.Expr:
        denominator = self.expression(node.denominator)
        zero = exp.EQ(this=denominator.copy(), expression=exp.Literal.number(0))
        quotient = exp.Div(
            this=self.engine.double(self.expression(node.numerator)),
            expression=self.engine.double(denominator),
            typed=True,
        )
        return exp.Case(ifs=[exp.If(this=zero, true=exp.Null())], default=quotient)

    def _times(self, node: ir.Times) -> exp.Expr:
        return exp.Mul(this=self.expression(node.left), expression=self.expression(node.right))

    def _minus(self, node: ir.Minus) -> exp.Expr:
        return exp.Sub(this=self.expression(node.left), expression=self.expression(node.right))

    def _negative(self, node: ir.Negative) -> exp.Expr:
        return exp.Neg(this=self.expression(node.value))


_METHODS: Mapping[type, Callable[[_Compiler, Any], exp.Expr]] = {
    ir.Column: _Compiler._column,
    ir.Literal_: _Compiler._literal,
    ir.Null: _Compiler._null,
    ir.Compare: _Compiler._compare,
    ir.OneOf: _Compiler._one_of,
    ir.IsNull: _Compiler._is_null,
    ir.Not: _Compiler._not,
    ir.All: _Compiler._all,
    ir.Any_: _Compiler._any,
    ir.Case: _Compiler._case,
    ir.Coalesce: _Compiler._coalesce,
    ir.Sum: _Compiler._sum,
    ir.CountRows: _Compiler._count_rows,
    ir.Count: _Compiler._count,
    ir.CountDistinct: _Compiler._count_distinct,
    ir.Min: _Compiler._min,
    ir.SumOver: _Compiler._sum_over,
    ir.Ratio: _Compiler._ratio,
    ir.Times: _Compiler._times,
    ir.Minus: _Compiler._minus,
    ir.Negative: _Compiler._negative,
}
