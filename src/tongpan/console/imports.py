"""Imports: upload, check columns and first rows, try or run, and what became of every row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.connectors.actions import discard_upload, plan_upload, store_upload, unlock_upload, upload_path
from tongpan.connectors.jobs import start_upload
from tongpan.connectors.models import Import
from tongpan.connectors.queries import count_imports, errors_path, fetch_imports, first_rejected, get_import
from tongpan.console import import_page
from tongpan.console.access import Request, page
from tongpan.console.import_forms import PasswordForm, PlanForm, UploadForm
from tongpan.console.lists import Column, listing
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.core.errors import Refusal

COLUMNS = (
    Column("number", _("No."), None, is_number=True),
    Column("file", _("File"), None),
    Column("format", _("Format"), None),
    Column("status", _("Status"), None),
    Column("rows", _("Rows"), None, is_number=True),
    Column("accepted", _("Accepted"), None, is_number=True),
    Column("rejected", _("Rejected"), None, is_number=True),
    Column("created", _("Started at"), None),
    Column("actor", _("By"), None),
)
_PREVIEW_ROWS = 20
_SHOWN_REJECTED = 20
_CHUNK = 1 << 20


def _actor(request: Request) -> str:
    return f"user:{request.user.get_username()}"


def _import_or_404(import_id: int) -> Import:
    record = get_import(import_id)
    if record is None:
        raise Http404
    return record


@page("imports.view")
def import_list(request: Request) -> HttpResponse:
    """The history; above it the upload, which leads to the check."""
    may_run = can(request.user, "imports.run")
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and may_run and form.is_valid():
        upload = form.cleaned_data["file"]
        try:
            import_id = store_upload(upload.name, upload.chunks(), actor=_actor(request), now=utc_now())
        except Refusal as refusal:
            form.add_error("file", localized(refusal.sentence))
        else:
            return redirect("console:import_check", import_id)
    context = {
        "section": "imports",
        "form": form,
        "may_run": may_run,
        "formats": import_page.format_rows(),
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_imports(offset, limit),
            count=count_imports,
        ),
    }
    return render(request, "console/imports/list.html", context)


@page("imports.run")
def import_check(request: Request, import_id: int) -> HttpResponse:
    """What the file looks like with the chosen format, shop, encoding and columns; a POST tries or runs it."""
    record = _import_or_404(import_id)
    if record.status not in ("waiting", "failed"):
        return redirect("console:import", import_id)
    form = PlanForm(request.POST or request.GET or None)
    if "look" in request.POST:
        return redirect(f"{request.path}?{form.address()}")
    plan = form.plan()
    look = import_page.look_at(upload_path(import_id), plan, _PREVIEW_ROWS)
    if request.method == "POST" and form.is_valid() and look.preview is not None:
        is_trial = "try" in request.POST
        try:
            _start(import_id, look.plan, is_trial=is_trial)
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            return redirect("console:import", import_id)
    context = {
        "section": "imports",
        "record": record,
        "form": form,
        "password_form": PasswordForm(),
        "look": look,
        "steps": import_page.steps("check"),
        "shops": import_page.shop_codes(),
        "formats": import_page.format_rows(),
        "encodings": import_page.ENCODINGS,
    }
    return render(request, "console/imports/check.html", context)


def _start(import_id: int, plan: import_page.Plan, *, is_trial: bool) -> None:
    """Queue the import as planned, both or neither. Raises Refusal."""
    with transaction.atomic():
        plan_upload(
            import_id,
            format_name=plan.format_name,
            shop_code=plan.shop_code,
            mapping_text=plan.mapping_text,
            encoding=plan.encoding,
            is_dry_run=is_trial,
        )
        start_upload(import_id)


@page("imports.view")
def import_detail(request: Request, import_id: int) -> HttpResponse:
    """How far an import is, or what became of its rows. While it runs, the page asks for itself every second."""
    record = _import_or_404(import_id)
    is_done = record.status in ("done", "failed")
    context = {
        "section": "imports",
        "record": record,
        "is_done": is_done,
        "may_run": can(request.user, "imports.run"),
        "steps": import_page.steps("done" if is_done else "run"),
        "result": import_page.result_of(record) if record.status == "done" else None,
        "rejected": first_rejected(record, _SHOWN_REJECTED) if record.status == "done" else [],
    }
    return render(request, "console/imports/detail.html", context)


@page("imports.view")
def import_errors(request: Request, import_id: int) -> HttpResponseBase:
    """The error file: the bad rows in the layout of their file, to be corrected and imported again."""
    try:
        path = errors_path(_import_or_404(import_id))
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return redirect("console:import", import_id)
    response = FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="text/csv")
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@page("imports.run")
def import_again(request: Request, import_id: int) -> HttpResponse:
    """After a trial run: import the same file as it was planned, as an import of its own."""
    record = _import_or_404(import_id)
    try:
        path = upload_path(import_id)
        new_id = store_upload(record.file_name, _chunks(path), actor=_actor(request), now=utc_now())
        _start(new_id, import_page.plan_of(record), is_trial=False)
    except (Refusal, OSError) as problem:
        text = (
            localized(problem.sentence)
            if isinstance(problem, Refusal)
            else gettext("The uploaded file is no longer there.")
        )
        messages.error(request, text)
        return redirect("console:import", import_id)
    return redirect("console:import", new_id)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


@require_POST
@page("imports.run")
def import_unlock(request: Request, import_id: int) -> HttpResponse:
    """Open an archive with the password that is given, which is kept nowhere."""
    _import_or_404(import_id)
    form = PasswordForm(request.POST)
    try:
        unlock_upload(import_id, form.cleaned_data["password"] if form.is_valid() else "")
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
    return redirect("console:import_check", import_id)


@require_POST
@page("imports.run")
def import_discard(request: Request, import_id: int) -> HttpResponse:
    """Throw away an upload that was not imported."""
    try:
        discard_upload(import_id)
    except Refusal as refusal:
        messages.error(request, localized(refusal.sentence))
        return redirect("console:import", import_id)
    messages.success(request, gettext("The upload is thrown away."))
    return redirect("console:imports")
