"""The reference of mapping files says everything that the language has, and its examples are sound."""

import re
from pathlib import Path

import pytest

from tongpan.connectors import conditions, spec
from tongpan.connectors.formats import packaged, parse_mapping

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference/mapping-files.md").read_text("utf-8")
FORMATS = (DOCS / "reference/formats.md").read_text("utf-8")
MODELS = [
    value
    for value in vars(spec).values()
    if isinstance(value, type) and issubclass(value, spec.Strict) and value is not spec.Strict
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_of_the_language_is_in_the_reference(model):
    for name, field in model.model_fields.items():
        key = field.alias or name
        assert re.search(rf"[`{{ ]{key}[`:,}} ]", REFERENCE), f"{model.__name__}.{key}"


def test_every_test_of_conditions_is_in_the_reference():
    for word in (*conditions.NUMBER_TESTS, *conditions.TEXT_TESTS, *conditions.WORDS, *spec.CLASSES):
        assert re.search(rf"[`{{]{word}[`:]", REFERENCE), word


@pytest.mark.parametrize("example", re.findall(r"```yaml\n(format:.*?)```", REFERENCE, re.DOTALL))
def test_the_examples_of_the_reference_are_sound(example):
    assert parse_mapping(example, "the example").tables


def test_the_first_example_imports(take, write):
    example = re.findall(r"```yaml\n(format:.*?)```", REFERENCE, re.DOTALL)[0]
    text = (
        "订单号,下单时间,商家编码,商品,数量,单价,运费,买家\n"
        "1,2025-01-01 10:00,a,茶,2,9.90,8,u1\n2,2025-01-02 10:00,a,茶,-1,9.90,,u1\n"
    )

    taken = take(write("own.csv", text, "gbk"), parse_mapping(example, "the example"))

    assert [(p.cls, p.amount) for p in taken.documents] == [("sale", 2780), ("return", -990)]


def test_every_packaged_format_has_its_section():
    for name in packaged():
        assert f"\n## {name}\n" in FORMATS


def test_every_column_of_tongpans_own_format_is_in_the_reference():
    for column in packaged()["tongpan-orders"].tables["rows"].columns.values():
        assert re.search(rf"[`*, ]{column.header[0]}[`*, ]", FORMATS), column.header
