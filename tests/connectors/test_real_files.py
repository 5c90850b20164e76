"""The importer on real files: every figure that is known of them. Skipped where the files are not there.

UCI Online Retail comes with the demo company; the others are looked for beside the project.
"""

import gzip
from collections import Counter
from pathlib import Path

import pytest

from tongpan.connectors.engine.documents import ShopContext
from tongpan.connectors.models import Import
from tongpan.network.models import Node, Service
from tongpan.orders.models import Order, OrderLine, Payment

ROOT = Path(__file__).parents[2]
UCI = ROOT / "src/tongpan/demo/data/online_retail.csv.gz"
DATA = ROOT.parent / "shared/data"
SUPERSTORE = DATA / "cn_superstore/order_2_superstore_cn.csv"
TMALL = DATA / "tmall_orders/tmall_order_report.csv"
OLIST = DATA / "olist/orders_10k.csv"

pytestmark = pytest.mark.slow


def there(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not beside the project")


@pytest.fixture(scope="module")
def uci(tmp_path_factory):
    from tests.support.taking import take_file

    return take_file(UCI, tmp_path_factory.mktemp("uci"), shop=ShopContext("shop-1", "GBP", "Europe/London", "wh"))


def test_every_line_of_uci_is_in_one_class(uci):
    rows, documents, amounts, charges = Counter(), Counter(), Counter(), Counter()
    for prepared in uci.documents:
        rows[prepared.cls] += len(prepared.rows)
        documents[prepared.cls] += 1
        amounts[prepared.cls] += prepared.amount
        charges[prepared.cls] += prepared.charge_rows

    assert uci.rejected == []
    assert rows == {"sale": 313_059, "return": 5_847, "adjustment": 1_797, "correction": 2}
    assert documents == {"sale": 12_495, "return": 2_554, "adjustment": 1_443, "correction": 2}
    assert amounts == {"sale": 630_482_606, "return": -52_077_056, "adjustment": 0, "correction": -2_212_412}
    assert charges["sale"] + charges["return"] == 1_939


def test_the_buyers_of_uci_are_told_apart_and_nobody_is_one_customer(uci):
    orders = Counter(p.doc.buyer.value for p in uci.documents if p.cls == "sale" and p.doc.buyer)

    assert len(orders) == 3_317
    assert sum(1 for count in orders.values() if count >= 2) == 1_941
    assert sum(1 for p in uci.documents if p.cls == "sale" and p.doc.buyer is None) > 0


def test_no_fee_of_uci_takes_stock(uci):
    goods = {
        line.code for p in uci.documents if p.cls in ("sale", "return") for line in p.doc.lines if line.kind == "goods"
    }
    stock = {line.sku_code for p in uci.documents if p.cls == "adjustment" for line in p.doc.lines}

    for code in ("POST", "DOT", "M", "C2", "D", "S", "BANK CHARGES", "AMAZONFEE", "B", "CRUK"):
        assert code not in goods | stock
    assert not any(code.startswith("GIFT_") for code in goods | stock)
    assert all(code == code.upper() for code in goods | stock)


def test_the_invoice_of_uci_whose_lines_lie_apart_is_one_order(uci):
    assert [len(p.rows) for p in uci.documents if p.cls == "sale" and p.doc.external_id == "542806"] != [1]
    assert sum(p.cls == "sale" and p.doc.external_id == "542806" for p in uci.documents) == 1


@there(TMALL)
@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_the_tmall_report(run, write, encoding):
    path = write("report.csv", TMALL.read_text("utf-8"), encoding)

    result = run(path, "tmall-shop")

    assert (result["rows"], result["accepted"], result["rejected"]) == (28_010, 28_010, 0)
    assert result["classes"]["sale"]["amount"] == "2995760.61"
    assert (result["paid_amount"], result["refunded_amount"]) == ("1902487.15", "572335.92")
    assert Order.objects.filter(paid_at=None).count() == 3_923
    assert Order.objects.order_by("-total_minor").values_list("total_minor", flat=True)[0] == 18_832_000
    assert result["encoding"] == ("utf-8" if encoding == "utf-8" else "gb18030")


@there(SUPERSTORE)
def test_the_chinese_superstore(run, write):
    path = write("store.csv", SUPERSTORE.read_bytes())

    result = run(path, "superstore")
    again = run(path, "superstore")

    assert (result["rows"], result["accepted"], result["rejected"]) == (9_959, 9_959, 0)
    assert (result["classes"]["sale"]["documents"], result["classes"]["sale"]["amount"]) == (4_963, "16068954.29")
    assert (again["accepted"], again["unchanged"]) == (0, 9_959)
    assert not Order.objects.filter(external_id__regex="[^\\x01-\\x7f]").exists()


@there(OLIST)
def test_olist(run, tmp_path):
    for path in OLIST.parent.glob("*.csv"):
        (tmp_path / path.name).symlink_to(path)

    result = run(tmp_path / OLIST.name, "olist")

    sale = result["classes"]["sale"]
    assert (result["rows"], result["accepted"], result["rejected"]) == (31_767, 31_767, 0)
    assert (sale["documents"], sale["goods_lines"]) == (10_000, 11_252)
    assert (sale["goods_amount"], result["classes"]["charges"]["amount"]) == ("1381936.76", "218056.74")
    assert result["payments"] == {"count": 10_515, "amount": "1620279.37"}
    assert result["created"] == ["channel olist", "shop olist", "3095 nodes"]
    assert Order.objects.filter(lines=None).count() == 111
    sellers = OrderLine.objects.filter(kind="goods").values_list("order_id", "wanted_node").distinct()
    assert sum(count > 1 for count in Counter(order for order, _ in sellers).values()) == 101
    assert Payment.objects.count() == 10_515
    assert (Node.objects.filter(kind="supplier", tracks_stock=False).count(), Service.objects.count()) == (3_095, 3_095)
    statuses = Counter(Order.objects.values_list("channel_status", "status"))
    assert statuses["delivered", "delivered"] == 9_648
    assert statuses["delivered", "dispatched"] == 1
    assert statuses["canceled", "cancelled"] + statuses["unavailable", "cancelled"] == 155
    assert not Order.objects.filter(ship_latitude__gt=10).exists()
    assert Import.objects.get().shop.channel.currency == "BRL"


def test_uci_in_western_and_chinese_encodings_is_the_same(tmp_path):
    from tests.support.taking import take_file

    with gzip.open(UCI, "rt", encoding="utf-8", newline="") as stream:
        text = "".join(next(stream) for _ in range(3001))
    amounts = set()
    for encoding in ("utf-8", "utf-8-sig", "gb18030", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        taken = take_file(path, tmp_path / "staging")
        assert taken.rejected == []
        amounts.add(sum(p.amount for p in taken.documents))
    assert len(amounts) == 1
