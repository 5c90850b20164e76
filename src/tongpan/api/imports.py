"""Imports: hand a file over, see what became of it, fetch the rows that could not be taken."""

from __future__ import annotations

from typing import Any, Literal

from django.db import transaction
from django.http import FileResponse, HttpRequest
from ninja import File, Form, Path, Query, Router
from ninja.files import UploadedFile
from pydantic import Field

from tongpan.api.operations import actor_of, read, write
from tongpan.api.pages import Page, PageQuery, page_of
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Id, In, Instant, Out, Text40, Text60
from tongpan.connectors.actions import discard_upload, plan_upload, store_upload, unlock_upload
from tongpan.connectors.jobs import start_upload
from tongpan.connectors.models import Import
from tongpan.connectors.queries import errors_path, formats, get_import, select_imports
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

router = Router(tags=["imports"])

_PATHS = ("errors_file", "errors_files", "file", "import_id")


class ImportIn(In):
    format: Text40 = Field("", description="A format of /import-formats; empty: it is detected")
    shop: Text40 = Field("", description="The shop of the rows, where they name none")
    mapping: str = Field(
        "",
        max_length=200_000,
        pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$",
        description="A mapping file's text, for a format that is not packaged",
    )
    encoding: Text40 = Field("", description="Empty: it is detected")
    password: str = Field("", max_length=200, description="Of a protected ZIP archive; used once and kept nowhere")
    dry_run: bool = Field(False, description="Do everything, then take it back")


class ImportOut(Out):
    id: int
    file: str
    format: str
    shop: str | None
    status: Literal["waiting", "running", "done", "failed"]
    is_dry_run: bool
    rows_read: int
    rows_total: int | None
    failure: str = Field(description="Why it failed; empty otherwise")
    has_errors: bool = Field(description="Rows could not be taken; /imports/{id}/errors has them")
    result: dict[str, Any] | None = Field(description="What `tongpan import --json` prints, without paths")
    actor: str
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class FormatOut(Out):
    name: str
    title_zh: str
    title_en: str
    about: str
    gives: Text60 = Field(description='"orders", "stock", "channel days", "door counts", "nodes" or "shops"')
    needs_shop: bool
    files: int = Field(description="How many files it consists of; several are sent as one zip")


class FormatsOut(Out):
    formats: list[FormatOut]


def _import(row: Import) -> ImportOut:
    result = {name: value for name, value in row.result.items() if name not in _PATHS} or None
    return ImportOut(
        id=row.pk,
        file=row.file_name,
        format=row.format,
        shop=row.shop.code if row.shop else None,
        status=row.status,  # type: ignore[arg-type]
        is_dry_run=row.is_dry_run,
        rows_read=row.rows_read,
        rows_total=row.rows_total,
        failure=row.failure,
        has_errors=bool(row.errors_path),
        result=result,
        actor=row.actor,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


@write(router, "POST", "/imports", "imports.run", ImportOut)
def post_import(request: HttpRequest, file: File[UploadedFile], body: Form[ImportIn]) -> ImportOut:
    """Hand over a file. Format, columns and encoding are checked at once; the rows are taken in the background."""
    chunks = (bytes(chunk) for chunk in file.chunks())
    with transaction.atomic():
        import_id = store_upload(file.name or "", chunks, actor=actor_of(request), now=utc_now())
        try:
            if body.password:
                unlock_upload(import_id, body.password)
            plan_upload(
                import_id,
                format_name=body.format,
                shop_code=body.shop,
                mapping_text=body.mapping,
                encoding=body.encoding,
                is_dry_run=body.dry_run,
            )
        except Refusal:
            discard_upload(import_id)
            raise
        start_upload(import_id)
    return get_one(import_id)


@read(router, "/imports", "imports.view", Page[ImportOut])
def list_imports(request: HttpRequest, query: Query[PageQuery]) -> Page[ImportOut]:
    """Imports, the last one first."""
    return page_of(select_imports(), ["-id"], query, _import)


@read(router, "/imports/{import_id}", "imports.view", ImportOut)
def show_import(request: HttpRequest, import_id: Path[Id]) -> ImportOut:
    """One import: how far it is, and what became of its rows."""
    return get_one(import_id)


@read(router, "/imports/{import_id}/errors", "imports.view", None, media_type="text/csv")
def get_errors(request: HttpRequest, import_id: Path[Id]) -> FileResponse:
    """The rows that could not be taken, in the layout of their file, with line, column, value and reason."""
    row = get_import(import_id)
    if row is None:
        raise not_found("import", import_id)
    try:
        path = errors_path(row)
    except Refusal as refusal:
        raise Problem(404, refusal.code, refusal.sentence) from None
    return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv")


@read(router, "/import-formats", "imports.view", FormatsOut)
def list_formats(request: HttpRequest) -> FormatsOut:
    """The formats that files may have. Another one is a mapping file, without programming."""
    return FormatsOut(
        formats=[
            FormatOut(
                name=one.name,
                title_zh=one.title_zh,
                title_en=one.title_en,
                about=one.about,
                gives=one.gives,
                needs_shop=one.needs_shop,
                files=one.files,
            )
            for one in formats()
        ]
    )


def get_one(import_id: int) -> ImportOut:
    """Raises Problem import.unknown."""
    row = get_import(import_id)
    if row is None:
        raise not_found("import", import_id)
    return _import(row)
