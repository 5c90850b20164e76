"""The catalogue is sound data: what is wrong in it is found before any number is shown."""

from dataclasses import replace

import pytest

from tongpan.analytics import catalogue as module
from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.spec import Condition, Measure, problems_of

TEN = ["gmv", "orders", "buyers", "aov", "units", "return_rate", "repurchase_rate", "gmv_share", "new_buyers"]


def with_metric(key, **changes):
    found = catalogue()
    return replace(found, metrics={**found.metrics, key: replace(found.metrics[key], **changes)})


def test_the_first_ten_metrics_exist_with_all_that_a_reader_needs():
    metrics = catalogue().metrics

    assert list(metrics)[: len(TEN) + 1] == [*TEN, "on_time_rate"]
    for metric in metrics.values():
        for text in (metric.name, metric.formula, metric.freshness):
            assert text.zh and text.en and text.zh != text.en
        assert metric.unit == "count" or metric.base or metric.key in ("gmv",)
        assert metric.kpis and all(kpi.startswith("KPI-") for kpi in metric.kpis)
        assert len(set(metric.dimensions)) == len(metric.dimensions)


def test_the_catalogue_is_sound():
    assert problems_of(catalogue()) == []


def test_a_definition_says_which_settings_it_stands_for():
    metric = catalogue().metrics["repurchase_rate"]

    text = metric.definition({"window": "90", "basis": "paid"})

    assert "the 90 days before the period's end" in text.en
    assert "期末前 90 天" in text.zh
    assert "orders counted: orders paid" in text.en


def test_a_dimension_that_would_count_rows_twice_is_a_problem():
    broken = with_metric("aov", dimensions=("channel", "category"))

    assert problems_of(broken) == [
        "aov: no measure can be grouped by category without counting rows twice.",
    ]


@pytest.mark.parametrize(
    ("_case", "key", "changes", "problem"),
    [
        ("an unknown dimension", "gmv", {"dimensions": ("weather",)}, "gmv: there is no dimension weather."),
        ("an additive ratio", "aov", {"is_additive": True}, "aov: a ratio cannot be additive."),
        ("an additive distinct count", "buyers", {"is_additive": True}, "buyers: a distinct count cannot be additive."),
        (
            "a share of something else",
            "gmv_share",
            {"share_of": "sku"},
            "gmv_share: it is a share of sku, which is not among its dimensions.",
        ),
    ],
)
def test_what_cannot_be_true_is_a_problem(_case, key, changes, problem):
    assert problems_of(with_metric(key, **changes)) == [problem]


def test_measures_name_columns_that_exist():
    orders = catalogue().facts["orders"]
    wrong = (
        Measure(orders, "sum", "weight"),
        Measure(orders, "count", "units"),
        Measure(orders, "count", where=(Condition("colour", equals="red"),)),
    )

    problems = problems_of(with_metric("units", numerator=wrong, dimensions=("channel",)))

    assert problems == [
        "units: fact orders has no column weight.",
        "units: a sum or distinct count names a column, a count does not.",
        "units: fact orders has no column colour.",
    ]


def test_money_is_summed_from_minor_units():
    orders = catalogue().facts["orders"]

    assert problems_of(with_metric("gmv", numerator=(Measure(orders, "sum", "units"),), dimensions=("channel",))) == [
        "gmv: money must be summed from a column of minor units."
    ]


def test_a_misspelt_key_in_the_data_is_named(monkeypatch):
    read = module._read

    def misspelt(name):
        node = read(name)
        return {**node, "region": {"name": {"zh": "区", "en": "Region"}, "colum": "region"}} if "dim" in name else node

    monkeypatch.setattr(module, "_read", misspelt)

    with pytest.raises(ValueError, match=r"Dimension region has the unknown key colum; known are name, column"):
        module.catalogue.__wrapped__()
