"""The reader of the safety lines follows what is committed; several people may accept at once."""

import pytest
from tests.support.company import ACTOR, NOW, put
from tests.support.processes import run_together
from tests.support.reading import read_once

from tongpan.core.bulk import execute, fetch_all
from tongpan.inventory.actions import accept_replenishments, watch_lines
from tongpan.inventory.actions.floors import save_node_policies
from tongpan.inventory.engine.policies import NodePolicySpec
from tongpan.inventory.models import Replenishment
from tongpan.inventory.readers import SAFETY_LINES

pytestmark = pytest.mark.usefixtures("live_company")


def draw_line():
    execute(
        """INSERT INTO inventory_nodepolicy (node_id, safety_stock, routing_floor, safety_line)
           SELECT id, 0, 0, 10 FROM network_node WHERE code = 'hz'"""
    )


def test_the_reader_opens_alerts_when_stock_falls():
    draw_line()
    put("sh", A=100)
    put("hz", A=12)
    put("hz", "broken", A=-5)

    while read_once(SAFETY_LINES):
        pass

    assert [(r.qty, r.state) for r in Replenishment.objects.all()] == [(13, "proposed")]


def test_a_line_that_is_drawn_or_taken_away_is_seen_at_once():
    put("sh", A=100)
    put("hz", A=12)
    save_node_policies([NodePolicySpec("hz", safety_line=20)], actor=ACTOR, now=NOW)
    while read_once(SAFETY_LINES):
        pass
    assert [(r.qty, r.state) for r in Replenishment.objects.all()] == [(28, "proposed")]

    save_node_policies([NodePolicySpec("hz", safety_line=0)], actor=ACTOR, now=NOW)
    while read_once(SAFETY_LINES):
        pass

    assert [r.state for r in Replenishment.objects.all()] == ["lapsed"]


def test_many_watchers_and_many_hands_make_one_proposal_and_one_transfer():
    draw_line()
    put("sh", A=100, B=100)
    put("hz", A=2, B=3)

    run_together([lambda: watch_lines(None, now=NOW)] * 5)
    ids = list(Replenishment.objects.order_by("id").values_list("pk", flat=True))
    assert len(ids) == 2
    assert fetch_all("SELECT count(*) FROM inventory_stockalert") == [(2,)]

    given = run_together([lambda: [o.state for o in accept_replenishments(ids, actor=ACTOR, now=NOW)]] * 4)

    assert sorted(given) == [["accepted", "accepted"], *[["unchanged", "unchanged"]] * 3]
    assert fetch_all("SELECT count(*) FROM inventory_transfer") == [(1,)]
