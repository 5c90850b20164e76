"""The demo's order history through the command line: every line accounted for, and the same the second time."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from tests.support.installation import UCI, Installation

pytestmark = pytest.mark.slow

CLASSES = {
    "sale": {"rows": 313_059, "documents": 12_495, "amount": "6304826.06"},
    "return": {"rows": 5_847, "documents": 2_554, "amount": "-520770.56"},
    "adjustment": {"rows": 1_797, "amount": "0.00"},
    "correction": {"rows": 2, "documents": 2, "amount": "-22124.12"},
}


@pytest.fixture(scope="module")
def first(installation: Installation) -> Any:
    return installation.json("import", str(UCI), "--format", "uci", "--shop", "gifts")


def _class_figures(result: Any) -> Any:
    return {name: {key: result["classes"][name][key] for key in expected} for name, expected in CLASSES.items()}


def test_every_line_falls_into_one_class(first: Any) -> None:
    assert _class_figures(first) == CLASSES
    assert (first["rows"], first["accepted"], first["rejected"], first["unchanged"]) == (320_705, 320_705, 0, 0)
    assert first["errors_file"] is None


def test_a_second_run_changes_nothing(installation: Installation, first: Any) -> None:
    again = installation.json("import", str(UCI), "--format", "uci", "--shop", "gifts")

    assert (again["rows"], again["accepted"], again["rejected"], again["unchanged"]) == (320_705, 0, 0, 320_705)
    assert _class_figures(again) == CLASSES


def test_the_numbers_are_those_of_the_file(installation: Installation, first: Any) -> None:
    def value(key: str) -> Any:
        (row,) = installation.json("metrics", key)["rows"]
        return row["value"]

    assert value("gmv") == "6304826.06"
    assert value("orders") == 12_495
    assert value("buyers") == 3_317
    assert Decimal(str(value("repurchase_rate"))) == pytest.approx(Decimal(1941) / Decimal(3317), abs=Decimal("1e-9"))


def test_channel_months_add_up_to_the_total(installation: Installation, first: Any) -> None:
    rows = installation.json("metrics", "gmv", "--by", "channel,month")["rows"]

    assert len(rows) == 9
    assert sum(Decimal(row["value"]) for row in rows) == Decimal("6304826.06")


def test_everything_reconciles(installation: Installation, first: Any) -> None:
    proof = installation.json("reconcile")

    assert proof["clean"] is True
    assert proof["differences"] == []
    assert proof["checked"]["orders"] == 12_495
    assert proof["checked"]["returns"] == 2_554
