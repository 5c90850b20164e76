"""Files of stock counts, channel days, nodes and shops: each row stands for itself."""

import csv
import time
from datetime import UTC, date, datetime
from datetime import time as at
from pathlib import Path

import pytest
from tests.support.database import row_counts

from tongpan.analytics.models import ChannelDay
from tongpan.channels.models import Channel, Shop
from tongpan.core.bulk import fetch_all
from tongpan.inventory.models import Level, Movement, StockDocument
from tongpan.network.engine import NodeRules
from tongpan.network.models import Node, Service
from tongpan.network.queries import node_facts, timetables_of

pytestmark = pytest.mark.usefixtures("company")


def counts(result) -> tuple[int, int, int, int]:
    return result["rows"], result["accepted"], result["rejected"], result["unchanged"]


def reasons(result) -> dict[str, str]:
    """line → reason of the rejected rows."""
    with Path(result["errors_file"]).open(encoding="utf-8-sig", newline="") as stream:
        return {row["line"]: row["reason"] for row in csv.DictReader(stream)}


def events(name: str) -> int:
    return fetch_all("SELECT count(*) FROM core_event WHERE name = %s", [name])[0][0]


def test_counted_quantities_replace_the_book(run, write):
    at = "2026-11-01 09:00"
    text = f"node,sku,qty,counted_at,name\nsh,A,5,{at},tea\nhz,A,3,{at},tea\nsh,B,0,{at},\n"

    result = run(write("stock.csv", text), "")

    assert counts(result) == (3, 3, 0, 0)
    assert result["records"] == {"levels": 3}
    assert set(Level.objects.values_list("node__code", "sku__code", "on_hand")) >= {("sh", "A", 5), ("hz", "A", 3)}
    assert StockDocument.objects.count() == 2
    assert StockDocument.objects.filter(node__code="sh").get().occurred_at == datetime(2026, 11, 1, 1, 0, tzinfo=UTC)

    later = run(write("stock2.csv", "node,sku,qty,counted_at\nsh,A,2,2026-11-02 09:00\n"), "")

    assert counts(later) == (1, 1, 0, 0)
    assert Level.objects.get(node__code="sh", sku__code="A").on_hand == 2


@pytest.mark.parametrize("column", ["counted_at", "other"])
def test_the_same_count_again_changes_nothing(run, write, column):
    path = write("stock.csv", f"node,sku,qty,{column}\nsh,A,5,2026-11-01 09:00\nsh,B,1,2026-11-01 09:00\n")
    run(path, "")
    before = Movement.objects.count()

    again = run(path, "")

    assert counts(again) == (2, 0, 0, 2)
    assert Movement.objects.count() == before


def test_a_bad_level_comes_out_and_the_others_go_in(run, write):
    text = (
        "node,sku,qty,counted_at\nsh,A,5,2026-11-01\nsh,A,6,2026-11-01\nsh,B,-1,2026-11-01\n"
        "sh,C,many,2026-11-01\nnowhere,D,1,2026-11-01\nsh,,1,2026-11-01\nsh,E,1,20261131\nsh,F,1,2026-11-01\n"
    )
    result = run(write("stock.csv", text), "")

    assert counts(result) == (8, 2, 6, 0)
    assert reasons(result) == {
        "3": "the same goods are counted as 5 on line 2 already",
        "4": "a counted quantity cannot be negative",
        "5": "is not a number",
        "6": "There is no node 'nowhere'; create it first.",
        "7": "is empty, but is needed",
        "8": "is a day or time that does not exist",
    }
    assert dict(Level.objects.filter(node__code="sh").values_list("sku__code", "on_hand")) == {"A": 5, "F": 1}


def test_times_are_local_times_of_the_node(run, write):
    Node.objects.filter(code="hz").update(zone="Europe/London")

    run(write("stock.csv", "node,sku,qty,counted_at\nhz,A,5,2026-11-01 09:00\nsh,A,5,2026-11-01 09:00\n"), "")

    assert {d.node.code: d.occurred_at.hour for d in StockDocument.objects.select_related("node")} == {"hz": 9, "sh": 1}


def test_a_dry_run_of_a_count_stores_nothing(run, write):
    result = run(write("stock.csv", "node,sku,qty\nsh,A,5\n"), "", is_dry_run=True)

    assert counts(result) == (1, 1, 0, 0)
    assert (Level.objects.count(), StockDocument.objects.count()) == (0, 0)


def test_twenty_thousand_levels_are_one_count(run, write):
    text = "node,sku,qty,counted_at\n" + "".join(f"sh,SKU-{n:05},{n % 7},2026-11-01\n" for n in range(20_000))

    began = time.process_time()
    result = run(write("stock.csv", text), "")

    assert counts(result) == (20_000, 20_000, 0, 0)
    assert StockDocument.objects.count() == 1
    assert time.process_time() - began < 10


def test_channel_days_are_set_and_replaced(run, write):
    first = run(write("days.csv", "channel,day,visitors,cost\ntmall,2026-11-01,120,35.505\nown,2026-11-01,9,0\n"), "")
    second = run(
        write("days.csv", "渠道,日期,访客数,花费\ntmall,2026/11/1,120,35.505\nown,2026/11/1,10,0\n", "gbk"), ""
    )

    assert counts(first) == (2, 2, 0, 0)
    assert counts(second) == (2, 1, 0, 1)
    assert list(
        ChannelDay.objects.order_by("channel__code").values_list("day", "visitors", "cost_minor", "currency")
    ) == [
        (date(2026, 11, 1), 10, 0, "CNY"),
        (date(2026, 11, 1), 120, 3551, "CNY"),
    ]
    assert events("channel_day.changed") == 3


def test_bad_channel_days_come_out(run, write):
    text = (
        "channel,day,visitors,cost\ntmall,2026-11-01,1,1\ntmall,2026-11-01,1,1\ntmall,2026-11-01,2,1\n"
        "nope,2026-11-01,1,1\ntmall,2026-02-30,1,1\ntmall,2026-11-02,-1,1\ntmall,2026-11-03,1,-1\n"
    )
    result = run(write("days.csv", text), "")

    assert counts(result) == (7, 1, 5, 1)
    assert reasons(result) == {
        "4": "tmall on 2026-11-01 stands twice, with other figures.",
        "5": "There is no channel 'nope'; create it first.",
        "6": "is a day or time that does not exist",
        "7": "-1 visitors cannot be.",
        "8": "A cost of -1 cannot be.",
    }


def test_nodes_are_made_changed_and_left_alone(run, write):
    text = (
        "code,kind,name,city,latitude,longitude,serves,takes_returns_of\n"
        'gz,sub_warehouse,Guangzhou,,23.1,113.2,"tm, tm2",tm2\n'
        "sh,central,Shanghai,,31.230372,121.473662,,\n"
        "sup2,supplier,Maker,,,,,\n"
        "bad,palace,Palace,,,,,\n"
        "half,store,Half,,30,,,\n"
        "gz,store,Again,,,,,\n"
        "lost,store,Lost,,,,nowhere,\n"
    )
    path = write("nodes.csv", text)
    result = run(path, "")

    assert counts(result) == (7, 2, 4, 1)
    assert {line: reason[:30] for line, reason in reasons(result).items()} == {
        "5": "must be one of central, sub_wa",
        "6": "Node half has only one of lati",
        "7": "node gz stands on line 2 alrea",
        "8": "there is no shop nowhere; the ",
    }
    assert set(Service.objects.filter(node__code="gz").values_list("shop__code", "takes_returns")) == {
        ("tm", False),
        ("tm2", True),
    }
    assert Service.objects.filter(shop__code="tm").count() == 4
    assert Service.objects.get(shop__code="tm", takes_returns=True).node.code == "sh"
    assert Node.objects.get(code="sup2").tracks_stock is False

    before = row_counts()
    again = run(path, "")

    assert counts(again) == (7, 0, 4, 3)
    after = row_counts()
    assert {name for name in after if after[name] != before.get(name, 0)} == {"connectors_import"}


def test_a_file_of_nodes_gives_rules_and_hours_and_leaves_what_is_empty(run, write):
    head = (
        "code,kind,name,groups,order_limit,cut_off,base_cost,cost_currency,facilities,in_pool,营业时间,special_days\n"
    )
    first = run(
        write(
            "one.csv",
            head + 'gz,store,G,east fast,40,17:00,6.5,CNY,pickup,no,"mon-fri 09:00-21:00; 周六 10:00-24:00",'
            "2026-10-01 closed\n"
            "bad,store,B,,,,,,,,noon,\n"
            "dear,store,D,,,,6.5,,,,,\n",
        ),
        "",
    )
    assert counts(first)[2] == 2
    assert {line: reason[:24] for line, reason in reasons(first).items()} == {
        "3": "'noon' is no opening; wr",
        "4": "A cost needs its currenc",
    }

    again = run(write("two.csv", head + "gz,store,G,-,,,,,,,,\n"), "")
    same = run(write("three.csv", head + "gz,store,G,,40,17:00,,,,,,2026-10-01 closed\n"), "")

    node = Node.objects.get(code="gz")
    rules = NodeRules((), 40, None, at(17), 650, None, "CNY", 100, (), ("pickup",), False)
    assert node_facts([node.pk])[node.pk].rules == rules
    table = timetables_of([node.pk])[node.pk]
    assert table.week[-1] == (5, at(10), at(0))
    assert len(table.week) == 6
    assert table.special == ((date(2026, 10, 1), None, None),)
    assert (counts(again), counts(same)) == ((1, 1, 0, 0), (1, 0, 0, 1))


def test_shops_are_made_with_their_channels(run, write):
    text = (
        "shop,channel,name,kind,currency,zone,channel_name_zh\n"
        "us,web,Web US,,USD,America/New_York,网店\n"
        "tm,tmall,TM,,,,\n"
        "eu,web,Web EU,,EUR,,\n"
        "tm2,own,moved,,,,\n"
        "odd,tmall,Odd,castle,,,\n"
    )
    path = write("shops.csv", text)
    result = run(path, "")

    assert counts(result) == (5, 1, 3, 1)
    assert {line: reason[:34] for line, reason in reasons(result).items()} == {
        "4": "channel web sells in USD, not in E",
        "5": "Shop tm2 belongs to another channe",
        "6": "must be one of shop, content, grou",
    }
    assert Shop.objects.get(code="us").channel == Channel.objects.get(code="web", currency="USD", name_zh="网店")
    assert counts(run(path, ""))[1:] == (0, 3, 2)


def test_a_dry_run_of_nodes_and_shops_stores_nothing(run, write):
    before = row_counts()

    nodes = run(write("nodes.csv", "code,kind\ngz,store\n"), "", is_dry_run=True)
    shops = run(write("shops.csv", "shop,channel\nus,web\n"), "", is_dry_run=True)

    assert (counts(nodes), counts(shops)) == ((1, 1, 0, 0), (1, 1, 0, 0))
    after = row_counts()
    assert {name for name in after if after[name] != before.get(name, 0)} == {"connectors_import"}


def test_a_door_counter_s_file_sets_the_hours_and_a_second_run_changes_nothing(run, write):
    text = "store,hour,entered\nsh,2026-11-01 10:00,12\nsh,2026-11-01 11:20,7\nno,2026-11-01 10:00,1\n"

    assert counts(run(write("doors.csv", text), "")) == (3, 2, 1, 0)
    again = run(write("doors.csv", text), "")

    assert counts(again) == (3, 0, 1, 2)
    assert "no node" in reasons(again)["4"]
    assert fetch_all("SELECT sum(entered) FROM tracking_doorcount")[0][0] == 19
