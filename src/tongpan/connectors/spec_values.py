"""The smallest parts of a mapping: columns, and the values that fields take from them."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingABC
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tongpan.connectors.conditions import Condition, compiled_pattern, parse_condition


def _as_list(raw: Any) -> Any:
    return [raw] if isinstance(raw, str) else raw


def _as_value(raw: Any) -> Any:
    if isinstance(raw, str | list):
        return {"from": raw}
    return raw


def as_column(raw: Any) -> Any:
    if isinstance(raw, str | list):
        return {"header": raw}
    return raw


def as_sections(raw: Any) -> Any:
    return [raw] if isinstance(raw, MappingABC) else raw


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, raw: Any) -> Any:
        if not isinstance(raw, MappingABC):
            return raw
        allowed = [field.alias or name for name, field in cls.model_fields.items()]
        for key in raw:
            if key not in allowed:
                raise ValueError(f"{key!r} is not known here; allowed are {', '.join(allowed)}")
        return raw


When = Annotated[Condition, BeforeValidator(parse_condition)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
Pattern = Annotated[re.Pattern[str], BeforeValidator(compiled_pattern)]


SOURCES = ("from_", "const", "join", "times", "plus", "file_name", "first")


class Column(Strict):
    """One column of the file: the header it goes by, with other spellings in order of preference."""

    header: Names
    optional: bool = False


class Value(Strict):
    """Where a field's value comes from, and what is done with the text on its way.

    Exactly one source: from (columns, the first that is not empty), const, join (columns, with ``separator`` between),
    times (the product of columns) or plus (their sum), either with an optional minus, file_name (the name of the file
    that the row stands in), or first (values, the first of them that is not empty).
    """

    from_: Names | None = Field(None, alias="from")
    const: str | None = None
    join: Names | None = None
    times: Names | None = None
    plus: Names | None = None
    minus: Names | None = None
    file_name: Literal[True] | None = None
    first: Annotated[tuple[Field_, ...], Field(min_length=1)] | None = None
    separator: str = " "
    extract: Pattern | None = None
    remove: Pattern | None = None
    strip_prefix: str = ""
    strip_suffix: str = ""
    case: Literal["upper", "lower", ""] = ""
    map: dict[str, str] = {}
    other: Literal["keep", "empty", "reject"] = "keep"
    default: str = ""
    when: When | None = None
    take: Literal["first", "earliest", "latest", "same", "sum", "every", ""] = ""
    required: bool = False
    formats: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_source(self) -> Value:
        sources = [name for name in SOURCES if getattr(self, name) is not None]
        if len(sources) != 1:
            raise ValueError(f"a value has exactly one of: {', '.join(SOURCES).replace('_,', ',')}")
        if self.minus and not (self.plus or self.times):
            raise ValueError("minus needs plus or times beside it")
        if self.extract and self.extract.groups != 1:
            raise ValueError("the expression of extract has exactly one group in parentheses")
        return self


Field_ = Annotated[Value, BeforeValidator(_as_value)]
Value.model_rebuild()
