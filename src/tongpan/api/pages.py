"""Cursor pages: a list is read on from where the last page ended, whatever was added meanwhile."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet
from pydantic import BaseModel, Field, StringConstraints

from tongpan.api.problems import Problem
from tongpan.api.values import MAX_ID, Out

M = TypeVar("M", bound=Model)
T = TypeVar("T")

Cursor = Annotated[str, StringConstraints(max_length=400, pattern=r"^[A-Za-z0-9_-]*$")]


class PageQuery(BaseModel):
    """The query of every list."""

    limit: int = Field(50, ge=1, le=200, description="How many items a page has at most")
    cursor: Cursor = Field("", description='"next" of the page before; empty for the first page')


class Page(Out, Generic[T]):
    items: list[T]
    next: str | None = Field(description="The cursor of the next page; null on the last one")


def page_of(rows: QuerySet[M], order: Sequence[str], query: PageQuery, render: Callable[[M], T]) -> Page[T]:
    """One page of ``rows`` in ``order`` (field names, "-" for descending; together they are unique).

    Raises Problem cursor.invalid. One statement, and those of the prefetches.
    """
    selected = rows.order_by(*order)
    if query.cursor:
        selected = selected.filter(_after(rows.model, order, _decode(query.cursor)))
    found = list(selected[: query.limit + 1])
    more = len(found) > query.limit
    found = found[: query.limit]
    following = _encode([getattr(found[-1], name.lstrip("-")) for name in order]) if more else None
    return Page(items=[render(row) for row in found], next=following)


def _after(model: type[Model], order: Sequence[str], values: Sequence[Any]) -> Q:
    """The rows behind ``values``: a later first field, or the same and a later second one, and so on."""
    if len(values) != len(order):
        raise _invalid()
    condition, same = Q(), Q()
    for name, value in zip(order, values, strict=True):
        field = name.lstrip("-")
        checked = _checked(model, field, value)
        condition |= same & Q(**{f"{field}__{'lt' if name.startswith('-') else 'gt'}": checked})
        same &= Q(**{field: checked})
    first = order[0]
    bound = _checked(model, first.lstrip("-"), values[0])
    # Says the same once more in the form that an index on the first field can use.
    return Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') else 'gte'}": bound}) & condition


def _checked(model: type[Model], field: str, value: Any) -> Any:
    kind = model._meta.get_field(field).get_internal_type()
    if kind == "DateTimeField" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise _invalid() from None
    if kind.endswith("AutoField") and isinstance(value, int) and 0 < value <= MAX_ID:
        return value
    if kind in ("CharField", "TextField") and isinstance(value, str) and "\x00" not in value:
        return value
    raise _invalid()


def _encode(values: Sequence[Any]) -> str:
    plain = [value.isoformat() if isinstance(value, datetime) else value for value in values]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(values, list):
        raise _invalid()
    return values


def _invalid() -> Problem:
    return Problem(
        422, "cursor.invalid", 'The cursor is not one that this list gave out; take "next" of the page before.'
    )
