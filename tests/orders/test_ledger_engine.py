"""Which discount shares the entries of an account add to an order: a pure decision."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.orders.ledger import PAYERS, Borne, GoodsLine, shares_of

LINES = [GoodsLine(1, "s1", 7500), GoodsLine(2, "s2", 2500)]


@pytest.mark.parametrize(
    "_case, entries, named, shares",
    [
        ("for a line", [Borne("s2", {"platform": 300})], (), [(2, "platform", 300)]),
        ("for the order", [Borne("", {"influencer": 101})], (), [(1, "influencer", 76), (2, "influencer", 25)]),
        ("a payer that the order names", [Borne("s1", {"platform": 300, "bank": 5})], ("platform",), [(1, "bank", 5)]),
        ("two names of one payer", [Borne("s1", {"payment": 300, "bank": 5})], (), [(1, "bank", 305)]),
        ("taken back", [Borne("s1", {"platform": 300}), Borne("s1", {"platform": -300})], (), []),
        (
            "partly taken back",
            [Borne("s1", {"platform": 300}), Borne("s1", {"platform": -100})],
            (),
            [(1, "platform", 200)],
        ),
        ("fees are no discount", [Borne("s1", {"platform_fee": -450, "commission": -10, "goods": 7500})], (), []),
        ("no such line", [Borne("s9", {"platform": 4})], (), [(1, "platform", 3), (2, "platform", 1)]),
    ],
)
def test_shares(_case, entries, named, shares):
    assert shares_of(entries, LINES, named) == shares


def test_without_lines_there_is_nothing_to_share():
    assert shares_of([Borne("", {"platform": 300})], [], ()) == []


@given(st.lists(st.tuples(st.sampled_from(["", "s1", "s2"]), st.sampled_from(sorted(PAYERS)), st.integers(1, 10**6))))
def test_what_payers_bore_is_shared_to_the_last_unit(entries):
    shares = shares_of([Borne(key, {part: amount}) for key, part, amount in entries], LINES, ())

    for payer in set(PAYERS.values()):
        told = sum(amount for _, part, amount in entries if PAYERS[part] == payer)
        assert sum(amount for _, by, amount in shares if by == payer) == told
