"""Reading policies: what a document says, and every problem of it at its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongpan.fulfillment.routing.language import BadPolicy, as_text, load_text, read_policy
from tongpan.fulfillment.routing.policy import Condition, Split, Transfer
from tongpan.fulfillment.routing.presets import DEFAULT, PRESETS, preset


def problems(document) -> dict[str, str]:
    with pytest.raises(BadPolicy) as refused:
        read_policy(document, "p", 1)
    return dict(refused.value.problems)


def test_the_worked_ladder_for_china_is_read_word_by_word():
    policy = preset("default-cn")

    assert [rule.name for rule in policy.rules] == [
        "chosen-store", "one-node-near", "one-node-any", "split-any", "transfer-then-ship",
    ]  # fmt: skip
    store, near, _, split, transfer = policy.rules
    assert (store.when, store.otherwise) == (Condition(methods=("pickup", "dealer")), "pickup-unavailable")
    assert (near.nodes.within_km, near.nodes.floor, near.nodes.keeps_order_limit) == (150, 2, True)
    assert near.rank == [
        ("covers_all", False), ("distance", False), ("capacity_left", False), ("balance", False), ("node_id", False),
    ]  # fmt: skip
    assert split.split == Split(max_parcels=3, min_order_value=9900, keeps_kits=True)
    assert transfer.transfer == Transfer(max_wait_days=3)
    assert policy.batch.sort == ("promise_at", "priority", "placed_at", "id")
    assert (policy.after.queue, policy.after.auto_cancel_days) == ("unfillable", 7)


@pytest.mark.parametrize("code", PRESETS)
def test_every_preset_is_a_policy_and_stays_the_same_as_text(code):
    assert load_text(as_text(PRESETS[code])) == PRESETS[code]
    assert preset(code).rules[0].name == "chosen-store"


def test_every_problem_is_told_at_its_place():
    found = problems(
        {
            "rules": [
                {"name": "Near", "nodes": {"within_km": "far", "colour": "red"}, "rank": ["beauty"]},
                {"name": "a", "split": {"max_parcels": 1}, "transfer": {"max_wait_days": 3}},
                {"name": "a", "when": {"method": "pigeon", "min_value": 1.5}, "else": {"queue": "A B"}},
                {"name": "no-stock", "rank": ["distance", "parcels"], "split": "any"},
            ],
            "after": {"auto_cancel_days": 0, "backorder": "yes"},
            "batch": {"sort": ["beauty"]},
            "colour": "red",
        }
    )

    assert list(found) == [
        "colour", "rules[1].name", "rules[1].rank", "rules[1].nodes.colour", "rules[1].nodes.within_km",
        "rules[2].split.max_parcels", "rules[2].transfer", "rules[3].when.method", "rules[3].when.min_value",
        "rules[3].else", "rules[4].name", "rules[4].rank", "rules[3].name", "batch.sort", "after.backorder",
        "after.auto_cancel_days",
    ]  # fmt: skip
    assert found["rules[1].nodes.within_km"] == "'far' is not a whole number of kilometres from 1 to 20100."
    assert found["rules[3].name"] == "Two rules have this name; give each its own."


@pytest.mark.parametrize("document", [None, [], "rules", {"rules": []}, {"rules": {}}, {"rules": [None]}])
def test_what_is_no_policy_is_refused(document):
    assert problems(document)


def test_ranks_may_be_turned_round():
    [rule] = read_policy(
        {"rules": [{"name": "a", "rank": ["distance desc", "stock_age asc", "cost asc"]}]}, "p", 1
    ).rules

    assert rule.rank == [("distance", True), ("stock_age", True), ("cost", False)]


@pytest.mark.parametrize(
    ("text", "where"),
    [("rules: [", "line 1"), ("a: &x [1]\nb: *x", "line 2"), ("x" * 64_001, "")],
)
def test_a_text_that_is_no_document_is_refused(text, where):
    with pytest.raises(BadPolicy) as refused:
        load_text(text)

    assert refused.value.problems[0].where == where


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["never", "any"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rules", "name", "when", "nodes", "rank", "split", "transfer", "else", "after", "batch", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(json_like)
def test_anything_is_read_or_refused_with_sentences(document):
    try:
        read_policy(document, "p", 1)
    except BadPolicy as refused:
        assert refused.sentence
        assert all(sentence.endswith(".") for _, sentence in refused.problems)


def test_the_policy_that_counts_without_any_setting():
    assert [rule.name for rule in preset(DEFAULT).rules] == ["chosen-store", "nearest-with-all", "fewest-nodes"]
