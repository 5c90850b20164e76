"""Delimited text falls into records, whatever quotes, line ends and damage it has."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tongpan.connectors.reading.records import (
    CUT_OFF,
    MAX_CHARACTERS,
    NULS,
    STRAY,
    TOO_LONG,
    UNCLOSED,
    Record,
    records,
)


def read(text: str, delimiter: str = ",", newline: str = "\n", chunk: int = 7) -> list[Record]:
    chunks = (text[i : i + chunk] for i in range(0, len(text), chunk))
    return list(records(chunks, delimiter, newline))


def cells(text: str, **how) -> list[list[str]]:
    return [record.cells for record in read(text, **how)]


def test_records_know_the_line_they_begin_on():
    found = read('a,b\n1,"two\nlines"\n3,4\n')

    assert [(record.line, record.cells) for record in found] == [
        (1, ["a", "b"]),
        (2, ["1", "two\nlines"]),
        (4, ["3", "4"]),
    ]
    assert not any(record.defect for record in found)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_line_end_is_taken(end):
    assert cells(end.join(["a,b", "1,2", ""])) == [["a", "b"], ["1", "2"]]


def test_the_line_ends_of_old_macintosh_files_are_taken():
    assert cells("a,b\r1,2\r", newline="\r") == [["a", "b"], ["1", "2"]]


def test_quotes_hold_delimiters_and_doubled_quotes():
    assert cells('"a,b","say ""hi"""\n') == [["a,b", 'say "hi"']]


def test_a_quote_inside_a_plain_cell_is_a_plain_quote():
    assert cells('1,6" ruler,x\n2,b,y\n') == [["1", '6" ruler', "x"], ["2", "b", "y"]]


def test_blank_lines_and_lines_of_empty_cells_are_no_records():
    assert cells("a,b\n\n,,\n  \n1,2\n\x1a") == [["a", "b"], ["1", "2"]]


def test_a_quote_that_is_never_closed_spoils_its_own_line_only():
    found = read('a,b\n1,"never closed\n' + "".join(f"{n},x\n" for n in range(2, 400)))

    assert found[1].defect == UNCLOSED
    assert found[1].line == 2
    assert [record.cells for record in found[2:]] == [[str(n), "x"] for n in range(2, 400)]
    assert [record.line for record in found[2:5]] == [3, 4, 5]


def test_a_file_cut_off_inside_quotes_says_so():
    assert [(r.line, r.defect) for r in read('a,b\n1,2\n3,"cut o')] == [(1, ""), (2, ""), (3, CUT_OFF)]


def test_the_last_line_without_an_end_is_marked():
    assert [record.is_last_open for record in read("a,b\n1,2")] == [False, True]
    assert [record.is_last_open for record in read("a,b\n1,2\n")] == [False, False]


def test_a_stray_carriage_return_beside_quotes_spoils_its_line_only():
    assert [(r.line, r.defect) for r in read('a,b\n"1",2\r3\n4\r,"\n5,6\n')] == [
        (1, ""),
        (2, STRAY),
        (3, STRAY),
        (4, ""),
    ]


def test_nul_bytes_spoil_their_line():
    assert [(r.cells, r.defect) for r in read("a,b\n1,\x002\n3,4\n")][1:] == [(["1", "2"], NULS), (["3", "4"], "")]


@pytest.mark.parametrize("chunk", [1000, MAX_CHARACTERS * 3])
def test_a_line_without_end_is_reported_and_reading_goes_on(chunk):
    found = read("a,b\n1," + "x" * (MAX_CHARACTERS * 2) + "\n3,4\n", chunk=chunk)

    assert [(record.line, record.defect) for record in found] == [(1, ""), (2, TOO_LONG), (3, "")]
    assert sum(map(len, found[1].cells)) < 10_000


@given(
    table=st.lists(
        st.lists(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])), min_size=2, max_size=4)
    ),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
    chunk=st.integers(1, 50),
)
def test_what_a_csv_writer_wrote_is_read_back(table, delimiter, chunk):
    kept = [row for row in table if any(cell.strip(" \t\x1a" + delimiter + '"') for cell in row)]
    kept = [row for row in kept if sum(cell.count("\n") for cell in row) < 20]
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(kept)

    assert cells(text.getvalue(), delimiter=delimiter, chunk=chunk) == kept
