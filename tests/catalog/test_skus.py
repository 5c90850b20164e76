"""SKUs are made when they are first named, and what was unknown of them is filled in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import contents, row_counts, statements
from tests.support.processes import run_together

from tongpan.catalog.actions import SkuSpec, ensure_skus, fullest
from tongpan.core.bulk import fetch_all


def catalogue():
    """(SKU, name, product, product name, category) of every SKU."""
    return fetch_all(
        """SELECT s.code, s.name, p.code, p.name, c.code
           FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
           LEFT JOIN catalog_category c ON c.id = p.category_id ORDER BY 1"""
    )


@pytest.mark.django_db
def test_unknown_skus_are_made_with_product_and_category():
    ids = ensure_skus(
        {
            "T-RED-M": SkuSpec("红 M", "T", "T 恤", "服装"),
            "T-RED-L": SkuSpec("红 L", "T", "T 恤", "服装"),
            "MUG": SkuSpec("杯子"),
        }
    )

    assert catalogue() == [
        ("MUG", "杯子", "MUG", "杯子", None),
        ("T-RED-L", "红 L", "T", "T 恤", "服装"),
        ("T-RED-M", "红 M", "T", "T 恤", "服装"),
    ]
    assert ids == dict(fetch_all("SELECT code, id FROM catalog_sku"))


@pytest.mark.django_db
def test_known_skus_are_found_and_nothing_is_written():
    ids = ensure_skus({"A": SkuSpec("Tea"), "B": SkuSpec("Mug")})
    before = contents()

    with statements() as sent:
        assert ensure_skus({"B": SkuSpec("Cup", "P", "Q", "R"), "A": SkuSpec()}) == ids

    assert contents() == before
    assert len(sent) == 1


@pytest.mark.django_db
def test_an_unknown_name_is_filled_in_and_a_known_one_stays():
    ensure_skus({"A": SkuSpec(), "B": SkuSpec("Mug")})

    ensure_skus({"A": SkuSpec("Tea"), "B": SkuSpec("Cup")})

    assert catalogue() == [("A", "Tea", "A", "Tea", None), ("B", "Mug", "B", "Mug", None)]


@pytest.mark.django_db
def test_a_name_of_blanks_is_no_name():
    ensure_skus({"A": SkuSpec()})
    before = contents()

    ensure_skus({"A": SkuSpec("  ")})

    assert contents() == before


@pytest.mark.django_db
def test_nothing_asked_is_nothing_done():
    with statements() as sent:
        assert ensure_skus({}) == {}
    assert sent == []


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow():
    counts = []
    for size in (1, 10, 300):
        with statements() as sent:
            ensure_skus({f"{size}-{n}": SkuSpec(f"n{n}", f"p{n}", "", f"c{n % 3}") for n in range(size)})
        counts.append(len(sent))

    assert counts == [5, 5, 5]
    assert row_counts()["catalog_sku"] == 311


SPECS = st.builds(SkuSpec, *[st.sampled_from(["", "x", "y"])] * 4)


@given(st.lists(st.tuples(st.sampled_from("AB"), SPECS)))
def test_the_fullest_spec_is_the_first_word_on_each_thing(named):
    found = fullest(named)

    assert set(found) == {code for code, _ in named}
    for code, spec in found.items():
        for field in ("name", "product_code", "product_name", "category"):
            said = [getattr(one, field) for other, one in named if other == code]
            assert getattr(spec, field) == next((word for word in said if word), "")


@pytest.mark.django_db(transaction=True)
def test_processes_that_name_the_same_skus_at_once_make_each_once():
    codes = [f"S{n:02}" for n in range(30)]

    def work(order):
        return lambda: (
            [ensure_skus({code: SkuSpec(f"name {code}")}) for code in order]
            and ensure_skus({code: SkuSpec(category="c") for code in order})
        )

    results = run_together([work(codes), work(codes), work(codes)])

    assert results[0] == results[1] == results[2]
    assert [row[:2] for row in catalogue()] == [(code, f"name {code}") for code in codes]
