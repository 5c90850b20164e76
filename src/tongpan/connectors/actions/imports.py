"""Imports as records: of a file in place, and of a file that was uploaded."""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import DatabaseError

from tongpan.channels.models import Shop
from tongpan.connectors.actions.opening import Opened, open_path
from tongpan.connectors.actions.running import Progress, Run
from tongpan.connectors.actions.shops import NewShop
from tongpan.connectors.formats import format_named, load_mapping, parse_mapping
from tongpan.connectors.models import Import
from tongpan.connectors.reading.archives import unlock
from tongpan.connectors.spec import Mapping
from tongpan.core.config import load_config
from tongpan.core.errors import Refusal

MAX_UPLOAD = 2 << 30
_UNSAFE = re.compile(r"[^\w.()+\- ]", re.UNICODE)


def _silent(stage: str, done: int, total: int) -> None:
    return None


def import_path(
    path: Path,
    *,
    format_name: str = "",
    shop_code: str = "",
    mapping_path: Path | None = None,
    encoding: str = "",
    password: str = "",
    new_shop: NewShop | None = None,
    is_dry_run: bool = False,
    actor: str,
    now: datetime,
    progress: Progress = _silent,
) -> dict[str, Any]:
    """Import the file or folder ``path`` and return the result that ``tongpan import --json`` prints.

    Every batch is committed on its own: after a failure a repeated import completes the rest. A shop that is
    not there is made. password: of a protected archive, kept nowhere. In a dry run everything is done and taken back.
    Raises Refusal when the file cannot be taken at all; bad rows go to the error file instead.
    """
    _check_encoding(encoding)
    mapping = load_mapping(mapping_path) if mapping_path else format_named(format_name) if format_name else None
    opened = open_path(path, mapping, encoding=encoding, password=password)
    record = Import.objects.create(
        file_name=path.name[:255],
        format=opened.mapping.format,
        mapping={"shop": shop_code, "encoding": encoding},
        is_dry_run=is_dry_run,
        status="running",
        actor=actor,
        created_at=now,
        started_at=now,
    )
    return _run(record, opened, shop_code, new_shop or NewShop(), now=now, progress=progress)


def store_upload(file_name: str, chunks: Iterable[bytes], *, actor: str, now: datetime) -> int:
    """Keep an uploaded file and record it as a waiting import; the import's id.

    The file lies under ``uploads_dir`` in a folder of its own, under a name without surprises. Raises Refusal
    when it is empty or larger than 2 GB.
    """
    name = _UNSAFE.sub("_", Path(file_name.replace("\\", "/")).name).strip(" .")[:120] or "upload"
    record = Import.objects.create(file_name=name, format="", status="waiting", actor=actor, created_at=now)
    folder = load_config().uploads_dir / str(record.id)
    size = 0
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as stream:
            for chunk in chunks:
                size += len(chunk)
                if size > MAX_UPLOAD:
                    raise Refusal("upload.size", f"{name} is larger than {MAX_UPLOAD >> 30} GB.")
                stream.write(chunk)
        if not size:
            raise Refusal("file.empty", f"{name} is empty.")
    except Refusal:
        shutil.rmtree(folder, ignore_errors=True)
        record.delete()
        raise
    record.stored_path = f"{record.id}/{name}"
    record.save(update_fields=["stored_path"])
    return int(record.id)


def upload_path(import_id: int) -> Path:
    """Where the file of an uploaded import lies. Raises Refusal when there is none."""
    record = Import.objects.filter(id=import_id).first()
    if record is None or not record.stored_path:
        raise Refusal("import.no_upload", f"Import {import_id} has no uploaded file.")
    return load_config().uploads_dir / record.stored_path


def unlock_upload(import_id: int, password: str) -> None:
    """Open an uploaded archive that is protected by a password: what is kept of it is not protected any more.

    The password itself is kept nowhere. Raises Refusal when it is wrong, or the import is running or done.
    """
    record = Import.objects.filter(id=import_id).first()
    if record is None or record.status not in ("waiting", "failed"):
        raise Refusal("import.not_waiting", f"Import {import_id} is not waiting to be started.")
    unlock(upload_path(import_id), password)


def plan_upload(
    import_id: int,
    *,
    format_name: str = "",
    shop_code: str = "",
    mapping_text: str = "",
    encoding: str = "",
    is_dry_run: bool = False,
) -> None:
    """Say how an uploaded file is to be imported; checks format, mapping, columns and encoding at once.

    Raises Refusal when the file cannot be taken so, or when the import is running or done already.
    """
    record = Import.objects.filter(id=import_id).first()
    if record is None or record.status not in ("waiting", "failed"):
        raise Refusal("import.not_waiting", f"Import {import_id} is not waiting to be started.")
    _check_encoding(encoding)
    options = {"format": format_name, "text": mapping_text, "shop": shop_code, "encoding": encoding}
    opened = open_path(upload_path(import_id), _mapping_of(options), encoding=encoding, is_quick=True)
    record.format, record.mapping, record.is_dry_run = opened.mapping.format, options, is_dry_run
    record.status, record.failure = "waiting", ""
    record.save(update_fields=["format", "mapping", "is_dry_run", "status", "failure"])


def run_import(import_id: int, *, now: datetime, progress: Progress = _silent) -> dict[str, Any]:
    """Run an uploaded import as planned; its result. Safe to run again: what is in stays, the rest follows.

    A refusal is recorded as the import's failure and raised; an import that is done is not run again.
    """
    record = Import.objects.get(id=import_id)
    if record.status == "done":
        return dict(record.result)
    options: dict[str, str] = {"format": "", "text": "", "shop": "", "encoding": ""} | record.mapping
    record.status, record.started_at, record.finished_at = "running", now, None
    record.save(update_fields=["status", "started_at", "finished_at"])
    try:
        opened = open_path(upload_path(import_id), _mapping_of(options), encoding=options["encoding"])
    except Refusal as refusal:
        _fail(record, refusal.sentence, now)
        raise
    record.format = opened.mapping.format
    return _run(record, opened, options["shop"], NewShop(), now=now, progress=progress)


def discard_upload(import_id: int) -> None:
    """Remove an upload that was never started. Raises Refusal when it is running or done."""
    record = Import.objects.filter(id=import_id).first()
    if record is None or record.status not in ("waiting", "failed"):
        raise Refusal("import.not_waiting", f"Import {import_id} is not waiting.")
    if record.stored_path:
        shutil.rmtree(upload_path(import_id).parent, ignore_errors=True)
    record.delete()


def _mapping_of(options: dict[str, str]) -> Mapping | None:
    if options["text"]:
        return parse_mapping(options["text"], "the mapping")
    return format_named(options["format"]) if options["format"] else None


def _check_encoding(name: str) -> None:
    """Raises Refusal unless ``name`` is an encoding that files can be read in, piece by piece."""
    try:
        "a,b".encode(name or "utf-8")  # refuses codecs that are none of texts
        codecs.getincrementaldecoder(name or "utf-8")("replace").decode(b"a,b\n", final=True)
    except (LookupError, ValueError, TypeError) as error:
        raise Refusal("encoding.unknown", f"{name!r} is no known encoding; try utf-8, gb18030 or cp1252.") from error


def _run(
    record: Import, opened: Opened, shop_code: str, new_shop: NewShop, *, now: datetime, progress: Progress
) -> dict[str, Any]:
    _close_interrupted(record)

    def saved(done: int, total: int) -> None:
        Import.objects.filter(id=record.id).update(rows_read=done, rows_total=total)

    run = Run(opened, shop_code, new_shop, record.is_dry_run, record.actor, now, record.id, progress, saved)
    try:
        result = run.execute()
    except Refusal as refusal:
        _fail(record, refusal.sentence, now)
        raise
    except BaseException as error:
        with suppress(DatabaseError):
            _fail(record, f"The import was interrupted: {error or type(error).__name__}. Import the file again.", now)
        raise
    record.refresh_from_db(fields=["rows_read", "rows_total"])
    record.status, record.result, record.finished_at = "done", result, now
    record.shop = Shop.objects.filter(code=shop_code).first() if shop_code else None
    record.errors_path = (result["errors_file"] or "")[:300]
    record.save()
    return result


def _fail(record: Import, sentence: str, now: datetime) -> None:
    Import.objects.filter(id=record.id).update(status="failed", failure=sentence, finished_at=now)


def _close_interrupted(record: Import) -> None:
    """An earlier run of the same file in place that never ended was killed: say so."""
    if not record.stored_path:
        earlier = Import.objects.filter(
            status="running", stored_path="", file_name=record.file_name, format=record.format, id__lt=record.id
        )
        earlier.update(status="failed", failure="The import was interrupted; a later one took its place.")
