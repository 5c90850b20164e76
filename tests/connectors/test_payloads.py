"""What a file says of an order is kept with it, also in columns that no mapping reads."""

import json

from tongpan.connectors.engine.payloads import MAX_PAYLOAD, payload_of_rows, tables_of
from tongpan.connectors.engine.prepared import Layout, StagedRow

LAYOUT = {"rows": Layout({"order": 0}, {"order": "No"}, names=["No", "Colour", "Empty"])}


def row(*cells: str | None, line: int = 2, extra: dict[str, str] | None = None) -> StagedRow:
    return StagedRow("rows", line, "", cells, extra or {})


def test_the_same_rows_give_the_same_bytes_wherever_they_stood():
    here = payload_of_rows("f", [row("1", "red", ""), row("1", "blue", "", line=3)], LAYOUT)
    there = payload_of_rows("f", [row("1", "red", "", line=90), row("1", "blue", "", line=91)], LAYOUT)

    assert here == there
    assert json.loads(here)["tables"][0]["columns"] == ["No", "Colour", "Empty"]


def test_rows_are_read_back_without_columns_that_are_empty_everywhere():
    [table] = tables_of(payload_of_rows("f", [row("1", "red", ""), row("1", None, None)], LAYOUT))

    assert (table.name, list(table.columns)) == ("rows", ["No", "Colour"])
    assert table.rows == [["1", "red"], ["1", ""]]


def test_cells_beside_the_mapping_are_columns_too():
    rows = [row("1", "red", "", extra={"Gift": "yes"}), row("1", "blue", "")]

    [table] = tables_of(payload_of_rows("f", rows, LAYOUT))

    assert list(table.columns) == ["No", "Colour", "Gift"]
    assert table.rows == [["1", "red", "yes"], ["1", "blue", ""]]


def test_rows_of_two_tables_are_two_tables():
    layouts = {"b": Layout({}, {}, names=["B"]), "a": Layout({}, {}, names=["A"])}
    rows = [StagedRow("b", 2, "", ["1"]), StagedRow("a", 2, "", ["2"])]

    assert [(t.name, t.rows) for t in tables_of(payload_of_rows("f", rows, layouts))] == [
        ("a", [["2"]]),
        ("b", [["1"]]),
    ]


def test_a_payload_past_the_limit_is_not_kept():
    assert payload_of_rows("f", [row("x" * MAX_PAYLOAD, "", "")], LAYOUT) == b""


def test_half_a_character_does_not_stop_an_import():
    [table] = tables_of(payload_of_rows("f", [row("1", "red\ud800", "")], LAYOUT))

    assert table.rows == [["1", "red?"]]


def test_another_payload_has_no_rows():
    assert tables_of(b"") == tables_of(b'{"id": 1}') == tables_of(b"[1]") == tables_of(b"\xff") == []
