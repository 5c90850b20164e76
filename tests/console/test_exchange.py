"""The page of file exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from tongpan.connectors.exchange import folders
from tongpan.connectors.exchange.models import ExchangeFile, ExchangePartner
from tongpan.core.clock import utc_now
from tongpan.core.config import Config

FORM = {"code": "wms", "node": "wh", "shop": "tm", "file_format": "csv", "sends_orders": "on", "is_active": "on"}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "load_config", lambda: Config(tmp_path, "", "127.0.0.1", 8600))


def test_a_partner_is_made_with_its_folders_and_its_files_are_listed(sign_in, company, tmp_path: Path) -> None:
    client = sign_in("manager")
    assert "No partner yet" in client.get("/exchange/").content.decode()

    client.post("/exchange/new/", FORM)

    assert (tmp_path / "exchange" / "wms" / "inbox").is_dir()
    row = ExchangePartner.objects.get()
    ExchangeFile.objects.create(
        partner=row, direction="in", name="<x>.csv", state="failed", reason="because", created_at=utc_now()
    )
    page = client.get("/exchange/?state=failed&direction=in&q=wms").content.decode()
    assert "&lt;x&gt;.csv" in page
    assert "because" in page
    assert "&lt;x&gt;.csv" not in client.get("/exchange/?state=done").content.decode()
    client.post("/exchange/wms/", FORM | {"is_active": ""})
    assert not ExchangePartner.objects.get().is_active


def test_what_cannot_be_is_refused_on_the_form(sign_in, company) -> None:
    answer = sign_in("manager").post("/exchange/new/", FORM | {"code": "../../etc"})

    assert "lower-case letters" in answer.content.decode()
    assert not ExchangePartner.objects.exists()
