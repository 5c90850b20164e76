"""Files from and for a warehouse: picked up whole, taken once, errors beside; orders told once, also after a kill."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.company import ACTOR, NOW, goods, levels, order_ids, paid, pool, put
from tests.support.following import route_all
from tests.support.intake import take
from tests.support.processes import die_by_itself, run_together

from tongpan.access.models import AuditEntry
from tongpan.connectors.exchange import actions, folders
from tongpan.connectors.exchange.actions import PartnerSpec, exchange, save_partner
from tongpan.connectors.exchange.models import ExchangeFile, Handover
from tongpan.core.config import Config, load_config
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions import cancel
from tongpan.fulfillment.models import Shipment
from tongpan.inventory.models import StockDocument
from tongpan.orders.engine import ShipTo
from tongpan.orders.models import Order

SHIPPED = "order,carrier,tracking_number,shipped_at\nT-1,sf,SF1,2026-11-18 10:00:00\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folders of the partner "wms", below a data directory of the test's own."""
    config = load_config()
    own = Config(tmp_path, config.database_url, config.host, config.port)
    monkeypatch.setattr(folders, "load_config", lambda: own)
    yield tmp_path / "exchange" / "wms"


def partner(**more: Any) -> None:
    save_partner(PartnerSpec("wms", "sh", "tm", **more), actor="test", now=NOW)


def lay(here: Path, name: str, text: str, *, seconds_ago: float = 60) -> Path:
    path = here / "inbox" / name
    path.write_text(text, encoding="utf-8")
    then = time.time() - seconds_ago
    os.utime(path, (then, then))
    return path


def names(here: Path, folder: str) -> list[str]:
    return sorted(path.name for path in (here / folder).iterdir())


def states() -> list[str]:
    return list(ExchangeFile.objects.order_by("id").values_list("state", flat=True))


@pytest.fixture
def allocated(company: None) -> None:
    """T-1 and T-2, allocated at Shanghai."""
    put("sh", A=10)
    to = ShipTo("浙江省", "杭州市", recipient="张三", phone="13800000000", address="西湖路1号")
    take(paid("T-1", goods("A", 2), ship_to=to), paid("T-2", goods("A", 1)))
    route_all()


def test_a_file_of_parcels_is_taken_and_put_away(allocated: None, here: Path) -> None:
    partner()
    lay(here, "shipped.csv", SHIPPED)

    assert exchange(now=NOW) == {"done": 1}

    assert Order.objects.get(external_id="T-1").status == "dispatched"
    assert (names(here, "inbox"), names(here, "working"), names(here, "failed")) == ([], [], [])
    assert names(here, "done") == ["20261118T080000Z-shipped.csv"]
    record = ExchangeFile.objects.get()
    assert (record.kind, record.rows, record.rejected, record.name) == ("parcels", 1, 0, "shipped.csv")


def test_the_same_content_again_has_no_effect_whatever_its_name(allocated: None, here: Path) -> None:
    partner()
    lay(here, "shipped.csv", SHIPPED)
    exchange(now=NOW)
    lay(here, "again.csv", SHIPPED)

    assert exchange(now=NOW) == {"repeated": 1}
    assert Shipment.objects.count() == 1
    assert len(names(here, "done")) == 2


def test_bad_rows_come_back_beside_the_file_and_good_ones_are_in(allocated: None, here: Path) -> None:
    partner()
    lay(here, "shipped.csv", SHIPPED + "T-404,sf,SF9,2026-11-18 10:00:00\n")

    assert exchange(now=NOW) == {"partly": 1}

    assert names(here, "failed") == [
        "20261118T080000Z-shipped.csv", "20261118T080000Z-shipped.csv.errors.csv"
    ]  # fmt: skip
    errors = (here / "failed" / "20261118T080000Z-shipped.csv.errors.csv").read_text("utf-8-sig")
    assert "T-404" in errors
    assert "nothing to ship" in errors
    assert Shipment.objects.get().tracking_number == "SF1"
    assert (names(here, "working"), names(here, "done")) == ([], [])


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("words.csv", "hello\nworld\n", ""),
        ("empty.csv", "", "empty"),
        ("noise.bin", "\x00\x01\x02\x03" * 50, ""),
        ("shops.csv", "shop,channel\nx,tmall\n", "not taken from partners"),
    ],
)
def test_a_file_that_cannot_be_taken_is_put_aside_with_the_reason(
    allocated: None, here: Path, name: str, text: str, reason: str
) -> None:
    partner()
    lay(here, name, text)
    lay(here, "zz-shipped.csv", SHIPPED)

    assert exchange(now=NOW) == {"failed": 1, "done": 1}

    told = (here / "failed" / f"20261118T080000Z-{name}.error.txt").read_text()
    assert told.strip() and reason in told
    assert ExchangeFile.objects.get(state="failed").reason == told.strip()


def test_what_is_still_being_written_is_left_alone(allocated: None, here: Path) -> None:
    partner()
    lay(here, "growing.csv", SHIPPED, seconds_ago=1)
    lay(here, "shipped.csv.part", SHIPPED)
    lay(here, ".hidden.csv", SHIPPED)
    (here / "inbox" / "folder").mkdir()
    (here / "inbox" / "link.csv").symlink_to("/etc/passwd")

    assert exchange(now=NOW) == {}
    assert len(names(here, "inbox")) == 5
    assert not ExchangeFile.objects.exists()


def test_counted_and_received_goods_of_a_warehouse(allocated: None, here: Path) -> None:
    partner()
    lay(here, "a-received.csv", "receipt,node,sku,qty,received_at\nR1,sh,A,5,2026-11-18 10:00:00\n")
    assert exchange(now=NOW) == {"done": 1}
    assert pool("A")[0] == 15
    lay(here, "b-received.csv", "receipt,node,sku,qty,received_at\nR1,sh,A,5,2026-11-18 10:00:00\n\n")
    exchange(now=NOW)
    assert pool("A")[0] == 15, "the receipt is known by its number"

    lay(here, "counted.csv", "node,sku,qty,counted_at\nsh,A,12,2026-11-18 11:00:00\n")
    assert exchange(now=NOW) == {"done": 1}
    assert levels("A") == {"sh": (12, 3)}
    assert StockDocument.objects.filter(kind="count").count() == 1


def read_orders(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_orders_to_ship_are_told_once(allocated: None, here: Path) -> None:
    partner(sends_orders=True)

    assert exchange(now=NOW) == {"done": 1}
    [name] = names(here, "outbox")
    rows = read_orders(here / "outbox" / name)
    assert [(row["action"], row["order"], row["sku"], row["qty"]) for row in rows] == [
        ("ship", "T-1", "A", "2"), ("ship", "T-2", "A", "1")
    ]  # fmt: skip
    assert (rows[0]["recipient"], rows[0]["phone"], rows[0]["address"]) == ("张三", "13800000000", "西湖路1号")
    assert (here / "outbox" / name).stat().st_mode & 0o007 == 0
    assert AuditEntry.objects.get(action="exchange.orders_told").data["fulfillments"] == 2

    assert exchange(now=NOW) == {}
    take(paid("T-3", goods("A")))
    route_all()
    exchange(now=NOW)
    assert [row["order"] for row in read_orders(here / "outbox" / names(here, "outbox")[1])] == ["T-3"]


def test_what_is_cancelled_after_it_was_told_is_told_once_more(allocated: None, here: Path) -> None:
    partner(sends_orders=True)
    exchange(now=NOW)
    cancel(order_ids(["T-1"]), at=NOW, actor=ACTOR)
    exchange(now=NOW)
    exchange(now=NOW)

    files = names(here, "outbox")
    assert len(files) == 2
    [row] = read_orders(here / "outbox" / files[1])
    assert (row["action"], row["order"], row["recipient"]) == ("cancel", "T-1", "")


def test_nothing_is_told_of_an_order_that_is_held(allocated: None, here: Path) -> None:
    from tongpan.orders.models import Hold

    Hold.objects.create(order=Order.objects.get(external_id="T-1"), reason="manual")
    partner(sends_orders=True, file_format="json")
    exchange(now=NOW)

    [name] = names(here, "outbox")
    assert [row["order"] for row in json.loads((here / "outbox" / name).read_text())] == ["T-2"]


def test_the_stock_of_the_node_is_laid_out_and_replaced(allocated: None, here: Path) -> None:
    partner(sends_stock=True)
    assert exchange(now=NOW) == {}
    assert exchange(now=NOW, with_stock=True) == {"done": 1}
    put("sh", "more", A=5)
    exchange(now=NOW, with_stock=True)

    assert names(here, "outbox") == ["stock.csv"]
    [row] = read_orders(here / "outbox" / "stock.csv")
    assert (row["node"], row["sku"], row["on_hand"], row["allocated"], row["free"]) == ("sh", "A", "15", "3", "12")


def test_a_partner_that_is_off_is_left_alone(allocated: None, here: Path) -> None:
    partner(sends_orders=True, is_active=False)
    lay(here, "shipped.csv", SHIPPED)

    assert exchange(now=NOW, with_stock=True) == {}
    assert names(here, "inbox") == ["shipped.csv"]
    assert names(here, "outbox") == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        (PartnerSpec("../x"), "exchange.code"),
        (PartnerSpec("x", "nowhere"), "exchange.node"),
        (PartnerSpec("x", shop_code="nobody"), "exchange.shop"),
        (PartnerSpec("x", sends_orders=True), "exchange.node"),
        (PartnerSpec("x", file_format="pdf"), "exchange.format"),
    ],
)
def test_a_partner_that_cannot_be_is_refused(company: None, spec: PartnerSpec, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        save_partner(spec, actor="test", now=NOW)
    assert refused.value.code == code


@pytest.fixture
def live_allocated(live_company: None) -> None:
    put("sh", A=10)
    take(paid("T-1", goods("A", 2)), paid("T-2", goods("A", 1)))
    route_all()


def test_a_process_killed_after_the_pick_up_leaves_a_file_that_the_next_one_finishes(
    live_allocated: None, here: Path
) -> None:
    partner()
    lay(here, "shipped.csv", SHIPPED)

    def pick_up_and_die() -> None:
        actions.import_path = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        exchange(now=NOW)

    die_by_itself(pick_up_and_die)
    assert (names(here, "inbox"), names(here, "working"), states()) == ([], ["shipped.csv"], ["working"])

    assert exchange(now=NOW) == {"done": 1}
    assert (names(here, "working"), states()) == ([], ["done"])
    assert Shipment.objects.count() == 1


def test_a_process_killed_after_the_import_does_not_make_it_count_twice(live_allocated: None, here: Path) -> None:
    partner()
    lay(here, "received.csv", "receipt,node,sku,qty,received_at\nR1,sh,A,5,2026-11-18 10:00:00\n")

    def take_and_die() -> None:
        folders.put_away = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        exchange(now=NOW)

    die_by_itself(take_and_die)
    assert pool("A")[0] == 15
    exchange(now=NOW)

    assert (pool("A")[0], names(here, "working")) == (15, [])
    assert len(names(here, "done")) == 1


def test_a_process_killed_before_the_orders_are_written_leaves_the_file_to_the_next_one(
    live_allocated: None, here: Path
) -> None:
    partner(sends_orders=True)

    def note_and_die() -> None:
        folders.write_whole = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        exchange(now=NOW)

    die_by_itself(note_and_die)
    assert (names(here, "outbox"), Handover.objects.count()) == ([], 2)

    assert exchange(now=NOW) == {"done": 1}
    [name] = names(here, "outbox")
    assert [row["order"] for row in read_orders(here / "outbox" / name)] == ["T-1", "T-2"]
    assert exchange(now=NOW) == {}


def test_two_processes_never_pick_up_the_same_file(live_allocated: None, here: Path) -> None:
    partner()
    paths = [lay(here, f"{n}.csv", SHIPPED) for n in range(30)]

    picked = run_together([lambda: [folders.pick_up(p) is not None for p in paths] for _ in range(3)])

    assert [sum(one) for one in zip(*picked, strict=True)] == [1] * 30
    assert len(names(here, "working")) == 30
