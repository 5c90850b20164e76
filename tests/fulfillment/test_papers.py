"""Papers as PDF: what they say is read back from the file."""

import io

import pytest
from pypdf import PdfReader
from tests.support.company import HOUR, NOW, goods, paid, put
from tests.support.following import route_all
from tests.support.intake import take

from tongpan.access.queries import audit_of
from tongpan.core.errors import Refusal
from tongpan.fulfillment.actions.desk import make_ready
from tongpan.fulfillment.models import Fulfillment
from tongpan.fulfillment.papers.drawing import Item, Parcel, draw_labels, draw_packing_slips, qr_svg
from tongpan.fulfillment.papers.loading import print_papers
from tongpan.fulfillment.pickup.codes import shown
from tongpan.fulfillment.pickup.queries import code_for
from tongpan.fulfillment.queues import chosen, most_urgent, pick_list, queue, work_of_nodes
from tongpan.orders.engine import DeliveryDoc, ShipTo

BY = {"actor": "user:li", "now": NOW + HOUR}
LINK = "https://shop.example/p/{code}"


def text_of(content):
    """The text of each page."""
    return [page.extract_text() for page in PdfReader(io.BytesIO(content)).pages]


def two_orders():
    """Two orders at "sh": T1 with a gift card, T2 to Hangzhou."""
    put("sh", A=9, B=9)
    home = ShipTo("浙江省", "杭州市", 30.2, 120.1, "张三", "13800001234", "西湖区文三路一号" * 5)
    gift = DeliveryDoc(gift_wrap="red", gift_card="生日快乐")
    take(
        paid("T1", goods("A", 2, name="茶杯"), goods("B", 1, name="茶盘"), delivery=gift),
        paid("T2", goods("A", 3, name="茶杯"), ship_to=home, buyer_note="请放门口"),
    )
    route_all()
    return list(Fulfillment.objects.order_by("order__external_id").values_list("pk", flat=True))


@pytest.mark.usefixtures("company")
def test_a_pick_list_gathers_each_sku_once_and_says_for_which_orders():
    ids = two_orders()

    assert [(line.sku, line.qty) for line in pick_list(chosen(ids))] == [("A", 5), ("B", 1)]
    (page,) = text_of(print_papers("pick-list", ids, link=LINK, **BY))
    for said in ("茶杯", "× 5", "T1 × 2, T2 × 3", "茶盘"):
        assert said in page


@pytest.mark.usefixtures("company")
def test_a_packing_slip_holds_goods_and_gift_card_and_no_address():
    ids = two_orders()

    one, two = text_of(print_papers("packing-slips", ids, link=LINK, **BY))

    assert "T1" in one
    assert "生日快乐" in one
    assert "red" in one
    assert "请放门口" in two
    assert "张三" not in two
    actions = {note["action"] for note in audit_of("order", str(chosen(ids)[0].order_id))}
    assert "order.gift_card_printed" in actions


@pytest.mark.usefixtures("company")
def test_a_label_says_where_it_goes_and_who_printed_it_is_audited():
    _, two = two_orders()

    (page,) = text_of(print_papers("labels", [two], link=LINK, **BY))

    for said in ("张三", "13800001234", "浙江省 杭州市", f"TP{two}"):
        assert said in page
    assert page.replace("\n", "").count("西湖区文三路一号") == 5
    (note,) = [n for n in audit_of("order", str(chosen([two])[0].order_id)) if n["action"] == "order.label_printed"]
    assert note["actor"] == "user:li"


@pytest.mark.usefixtures("company")
def test_a_pickup_slip_holds_the_code_that_counts():
    put("bj", A=2)
    take(paid("1", goods("A", 2), delivery=DeliveryDoc("pickup", "bj")))
    route_all()
    i = Fulfillment.objects.get().pk
    with pytest.raises(Refusal, match="make it ready first"):
        print_papers("pickup-slips", [i], link=LINK, **BY)
    make_ready([i], **BY)

    (page,) = text_of(print_papers("pickup-slips", [i], link=LINK, **BY))

    assert shown(code_for(i)) in page
    assert "Beijing" in page


@pytest.mark.usefixtures("company")
@pytest.mark.parametrize(
    ("kind", "count", "nodes", "code"),
    [("poster", 1, None, "paper.kind"), ("labels", 201, None, "paper.many"), ("labels", 1, {0}, "paper.none")],
)
def test_papers_that_cannot_be_printed_are_refused(kind, count, nodes, code):
    with pytest.raises(Refusal) as refused:
        print_papers(kind, list(range(1, count + 1)), link=LINK, nodes=nodes, **BY)

    assert refused.value.code == code


def test_a_label_is_100_by_150_millimetres_and_papers_are_the_same_bytes_each_time():
    parcel = Parcel(7, "T1", "shop", "node", [Item("A", "x\x07y" * 60, 1)], address="a" * 400)

    page = PdfReader(io.BytesIO(draw_labels([parcel]))).pages[0]

    assert (round(page.mediabox.width / 72 * 25.4), round(page.mediabox.height / 72 * 25.4)) == (100, 150)
    assert draw_packing_slips([parcel]) == draw_packing_slips([parcel])
    assert qr_svg("https://shop.example/p/X").startswith("<svg")


@pytest.mark.usefixtures("company")
def test_queues_hold_what_is_due_first_and_nodes_say_how_much_they_have():
    one, two = two_orders()
    Fulfillment.objects.filter(pk=one).update(due_at=NOW + HOUR)
    Fulfillment.objects.filter(pk=two).update(due_at=NOW - HOUR)

    assert [row.pk for row in most_urgent(queue("pick"))] == [two, one]
    assert list(queue("pack")) == []
    assert [row.pk for row in queue("", text="T1")] == [one]
    assert list(queue("pick", {0})) == []
    (work,) = work_of_nodes(None, NOW)
    assert (work.code, work.pick, work.late, work.today, work.limit) == ("sh", 2, 1, 2, None)
