"""The reference page of the metrics is the catalogue's."""

from pathlib import Path

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.catalogue.reference import markdown

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_page_is_current():
    assert PAGE.read_text("utf-8") == markdown(), (
        "run: python -m tongpan.analytics.catalogue.reference docs/reference/metrics.md"
    )


def test_every_metric_setting_and_dimension_has_its_place():
    text = markdown()

    for metric in catalogue().metrics.values():
        assert f"## `{metric.key}` — {metric.name.en} {metric.name.zh}" in text
    for key in (*catalogue().settings, *catalogue().dimensions):
        assert f"`{key}`" in text
