"""What the import pages tell: formats, the look at a file, and the result in classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from tongpan.channels.queries import shop_by_code
from tongpan.connectors.actions import FileColumns, Preview, columns_of, mapping_with, preview
from tongpan.connectors.models import Import
from tongpan.connectors.queries import formats
from tongpan.connectors.reading.archives import PROTECTED
from tongpan.console import formats as writing
from tongpan.core.errors import Refusal

ENCODINGS = ("utf-8", "gb18030", "big5", "cp1252", "utf-16")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a file is to be read. columns: our column -> header of the file, where it differs from the format."""

    format_name: str = ""
    shop_code: str = ""
    encoding: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    mapping_text: str = ""


def plan_of(record: Import) -> Plan:
    """The plan that an import was started with."""
    options: dict[str, str] = record.mapping
    return Plan(
        options.get("format", ""),
        options.get("shop", ""),
        options.get("encoding", ""),
        mapping_text=options.get("text", ""),
    )


@dataclass(frozen=True, slots=True)
class FormatRow:
    name: str
    title: str
    about: str


def format_rows() -> list[FormatRow]:
    """The formats that the importer knows, with their title in the page's language."""
    is_chinese = (get_language() or "").startswith("zh")
    return [FormatRow(one.name, one.title_zh if is_chinese else one.title_en, one.about) for one in formats()]


def shop_codes() -> list[str]:
    return sorted(shop_by_code())


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document of the preview in one line."""

    kind: str
    number: str
    at: datetime | None
    lines: str
    amount: str
    source_lines: str


@dataclass(frozen=True, slots=True)
class Look:
    """The look at a file. refusal: why it cannot be taken so, "" when it can; columns: to be fitted by hand, None
    for formats of several tables. is_protected: it needs its password first."""

    plan: Plan
    preview: Preview | None
    refusal: str
    columns: FileColumns | None
    documents: Sequence[DocumentRow] = ()
    records: Sequence[Mapping[str, Any]] = ()
    is_protected: bool = False


def look_at(path: Path, plan: Plan, limit: int) -> Look:
    """Read the first ``limit`` rows of ``path`` as planned; what is not planned is found out. Writes nothing."""
    seen: Preview | None = None
    refusal, is_protected = "", False
    try:
        plan = _with_mapping(path, plan)
        seen = preview(
            path,
            format_name=plan.format_name,
            mapping_text=plan.mapping_text,
            shop_code=plan.shop_code,
            encoding=plan.encoding,
            limit=limit,
        )
    except Refusal as found:
        refusal, is_protected = found.sentence, found.code == PROTECTED
    format_name = plan.format_name or (seen.detection.format if seen else "")
    if seen is None:
        columns = None if is_protected else _columns(path, format_name, plan)
        return Look(plan, None, refusal, columns, is_protected=is_protected)
    documents = [_document(one) for one in seen.documents if "external_id" in one]
    records = [one for one in seen.documents if "external_id" not in one]
    fixed = replace(plan, format_name=format_name)
    return Look(fixed, seen, "", _columns(path, format_name, plan), documents, records)


def _with_mapping(path: Path, plan: Plan) -> Plan:
    """``plan`` with the mapping text that its columns make, when they differ from what the format finds itself."""
    if not plan.columns or not plan.format_name:
        return plan
    known = {fit.name: fit.header for fit in columns_of(path, plan.format_name, encoding=plan.encoding).columns}
    changed = {name: header for name, header in plan.columns.items() if known.get(name) != header}
    return replace(plan, mapping_text=mapping_with(plan.format_name, changed)) if changed else plan


def _columns(path: Path, format_name: str, plan: Plan) -> FileColumns | None:
    """The columns to be fitted, with what the plan chose already."""
    if not format_name:
        return None
    try:
        found = columns_of(path, format_name, encoding=plan.encoding)
    except Refusal:
        return None
    chosen = [replace(fit, header=plan.columns.get(fit.name, fit.header)) for fit in found.columns]
    return replace(found, columns=tuple(chosen))


def class_label(name: str) -> str:
    labels = {
        "sale": _("Sales"),
        "return": _("Returns"),
        "adjustment": _("Stock adjustments"),
        "correction": _("Corrections of the books"),
        "charges": _("of these: charges"),
    }
    return labels.get(name, name)


def _document(given: Mapping[str, Any]) -> DocumentRow:
    lines: Sequence[Mapping[str, Any] | tuple[Any, ...]] = given.get("lines", ())
    at = next((given[key] for key in ("placed_at", "returned_at", "corrected_at", "occurred_at") if key in given), None)
    currency = given.get("currency")
    amounts = [line.amount_minor for line in lines if hasattr(line, "amount_minor")]
    return DocumentRow(
        class_label(given["class"]),
        str(given["external_id"]),
        at if isinstance(at, datetime) else None,
        writing.number(len(lines)),
        writing.money(sum(amounts), currency) if currency and amounts else writing.NOTHING,
        ", ".join(str(line) for line in given["rows"][:5]) + ("…" if len(given["rows"]) > 5 else ""),
    )


def steps(now: str) -> list[tuple[str, str]]:
    """The steps of an import with the state of each: "done", "now" or ""."""
    names = [("upload", _("Upload")), ("check", _("Check")), ("run", _("Run")), ("done", _("Result"))]
    at = [key for key, _label in names].index(now)
    return [
        (label, "done" if position < at or now == "done" else "now" if position == at else "")
        for position, (_key, label) in enumerate(names)
    ]


@dataclass(frozen=True, slots=True)
class ClassRow:
    """What one class of rows holds. amounts: written with their currency, several when there are several."""

    label: str
    rows: int
    documents: int | None
    amounts: str
    is_part: bool


@dataclass(frozen=True, slots=True)
class Result:
    classes: Sequence[ClassRow]
    records: Sequence[tuple[str, int]]
    documents: Sequence[tuple[str, int]]
    warnings: Sequence[str]
    created: Sequence[str]
    seconds: float


def result_of(record: Import) -> Result:
    """The result of an import that is done, ready to be shown."""
    told = record.result
    classes = [
        ClassRow(
            class_label(name),
            one["rows"],
            one.get("documents"),
            _amounts(one),
            name == "charges",
        )
        for name, one in told.get("classes", {}).items()
        if one["rows"]
    ]
    warnings = list(told.get("warnings", ()))
    if told.get("short_units"):
        sentence = _("%(units)s units of adjustments were not on the book and stay an open difference.")
        warnings.append(sentence % {"units": writing.number(told["short_units"])})
    return Result(
        classes,
        sorted(told.get("records", {}).items()),
        [(_outcome(name), number) for name, number in told.get("documents", {}).items()],
        warnings,
        list(told.get("created", ())),
        float(told.get("seconds", 0)),
    )


def _outcome(name: str) -> str:
    labels = {
        "accepted": _("new"),
        "updated": _("updated"),
        "unchanged": _("unchanged"),
        "stale": _("older than what is in"),
        "refused": _("refused"),
    }
    return labels.get(name, name)


def _amounts(one: Mapping[str, Any]) -> str:
    if one.get("amount") is not None:
        return writing.grouped_text(str(one["amount"]))
    if "amounts" in one:
        return ", ".join(f"{writing.grouped_text(amount)} {currency}" for currency, amount in one["amounts"].items())
    return writing.NOTHING
