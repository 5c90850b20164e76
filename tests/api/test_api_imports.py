"""Imports through the API: a file goes in, its rows are taken, and what could not be taken comes back."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import pyzipper
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from tests.api.calling import Api

from tongpan.access.models import IdempotentRequest
from tongpan.connectors.jobs import run_stored_import
from tongpan.connectors.models import Import
from tongpan.core.config import load_config
from tongpan.inventory.models import Level

pytestmark = pytest.mark.usefixtures("company")
AT = "2026-11-18 15:00"
COUNTS = f"node,sku,qty,counted_at\nhz,A-1,12,{AT}\nhz,B-2,many,{AT}\nhz,C-3,4,{AT}\n"


def upload(api: Api, text: str | bytes = COUNTS, name: str = "counts.csv", key: str = "", **form: Any) -> HttpResponse:
    headers = api.headers | ({"Idempotency-Key": key} if key else {})
    data = {"file": SimpleUploadedFile(name, text if isinstance(text, bytes) else text.encode())} | form
    return api.client.post("/api/v1/imports", data, headers=headers)  # type: ignore[return-value]


def queued() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (args->>'import_id')::int FROM procrastinate_jobs WHERE task_name = 'connectors.run_import'"
        )
        return [row[0] for row in cursor.fetchall()]


def kept_files() -> list[Path]:
    return [path for path in load_config().uploads_dir.rglob("*") if path.is_file()]


def test_a_file_is_taken_in_and_its_bad_rows_come_back(api: Api) -> None:
    response = upload(api, format="stock-levels")

    assert response.status_code == 200, response.content
    told = response.json()
    assert queued() == [told["id"]]
    assert (told["file"], told["format"], told["status"], told["actor"]) == (
        "counts.csv",
        "stock-levels",
        "waiting",
        "key:test",
    )
    assert api.refused(404, "GET", f"/imports/{told['id']}/errors")["code"] == "import.no_errors"

    run_stored_import(import_id=told["id"])

    done = api.get(f"/imports/{told['id']}")
    assert (done["status"], done["has_errors"], done["failure"]) == ("done", True, "")
    assert (done["result"]["rows"], done["result"]["accepted"], done["result"]["rejected"]) == (3, 2, 1)
    assert str(load_config().data_dir) not in str(done)
    assert api.get("/imports")["items"] == [done]
    assert {(level.sku.code, level.on_hand) for level in Level.objects.select_related("sku")} == {
        ("A-1", 12),
        ("B-2", 3),
        ("C-3", 4),
    }
    errors = api.call("GET", f"/imports/{told['id']}/errors")
    assert errors["Content-Type"] == "text/csv"
    text = b"".join(errors.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    (row,) = list(csv.DictReader(io.StringIO(text)))
    assert (row["sku"], row["qty"]) == ("B-2", "many")


@pytest.mark.parametrize(
    ("form", "text", "status"),
    [
        ({"format": "nothing"}, COUNTS, 422),
        ({"format": "stock-levels"}, "", 422),
        ({"format": "stock-levels"}, "what,else\n1,2\n", 422),
        ({"encoding": "klingon"}, COUNTS, 422),
        ({"mapping": "format: [", "format": ""}, COUNTS, 422),
        ({"colour": "red"}, COUNTS, 422),
        ({"shop": "a\x00b"}, COUNTS, 422),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_and_not_kept(
    api: Api, form: dict[str, str], text: str, status: int
) -> None:
    before = kept_files()

    response = upload(api, text, **form)

    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert not Import.objects.exists()
    assert queued() == []
    assert kept_files() == before


def test_a_protected_archive_needs_its_password(api: Api) -> None:
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"open sesame")
        archive.writestr("counts.csv", COUNTS)

    without = upload(api, packed.getvalue(), "counts.zip")
    wrong = upload(api, packed.getvalue(), "counts.zip", password="guess")
    right = upload(api, packed.getvalue(), "counts.zip", password="open sesame")

    assert [(r.status_code, r.json()["code"]) for r in (without, wrong)] == [
        (422, "file.password"),
        (422, "file.wrong_password"),
    ]
    assert right.status_code == 200, right.content
    run_stored_import(import_id=right.json()["id"])
    assert api.get(f"/imports/{right.json()['id']}")["result"]["accepted"] == 2
    assert "sesame" not in str(list(Import.objects.values()))


@pytest.mark.parametrize("body", [b"", b"--x\r\n", b'{"file": "x"}'])
def test_an_upload_without_a_file_is_refused(api: Api, body: bytes) -> None:
    for media_type in ("multipart/form-data; boundary=x", "multipart/form-data", "application/json"):
        response = api.client.generic("POST", "/api/v1/imports", body, content_type=media_type, headers=api.headers)
        assert response.status_code in (400, 422)
        assert response["Content-Type"] == "application/problem+json"
    assert not Import.objects.exists()


def test_a_file_that_is_sent_again_with_its_key_is_imported_once(api: Api) -> None:
    first = upload(api, key="u1")
    again = upload(api, key="u1")
    other = upload(api, COUNTS + f"hz,D-4,1,{AT}\n", key="u1")

    assert (again.status_code, again.content) == (200, first.content)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_request")
    assert Import.objects.count() == 1
    assert queued() == [first.json()["id"]]


def test_a_refused_file_leaves_its_key_free(api: Api) -> None:
    assert upload(api, key="u1", format="nothing").status_code == 422

    assert not IdempotentRequest.objects.exists()


def test_the_formats_are_listed(api: Api) -> None:
    formats = {one["name"]: one for one in api.get("/import-formats")["formats"]}

    assert {"uci", "olist", "tmall-orders", "cn-superstore", "stock-levels"} <= set(formats)
    assert formats["stock-levels"]["gives"] == "stock"


@pytest.mark.parametrize("path", ["/imports/999", "/imports/999/errors"])
def test_an_import_that_is_not_there_is_a_problem(api: Api, path: str) -> None:
    assert api.refused(404, "GET", path)["code"] == "import.unknown"
