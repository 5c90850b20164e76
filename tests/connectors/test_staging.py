"""Rows wait on disk: in bounded memory, joined by key, in the order of their documents."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tongpan.connectors import staging as module
from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.staging import Staging

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def staged(path: Path, folder: Path):
    opened = open_path(path)
    with Staging(opened.mapping, opened.sources, folder) as staging:
        staging.load()
        return [[(row.line, *row.cells) for row in group] for group in staging.groups()]


def test_cells_come_back_exactly_as_they_were_read(write, tmp_path):
    strange = ['a"b', "line\nbreak", "tab\there", " blank ", "", "引号“”", "\\N", "NULL", "'x", "é\r\ncr"]
    rows = [["1", *strange[:3], "2010-12-01", "1", *strange[3:5]], ["2", *strange[5:8], "x", "y", *strange[8:]]]
    text = HEADER + "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows)

    groups = staged(write("lines.csv", text), tmp_path / "staging")

    assert [[cell or "" for cell in group[0][1:]] for group in groups] == [
        [cell.replace("\r\n", "\n") for cell in row] for row in rows
    ]


def test_documents_keep_the_order_of_their_first_rows(write, tmp_path):
    numbers = [str(n) for n in range(500)] * 3
    random.Random(1).shuffle(numbers)
    text = HEADER + "".join(f"{n},A,N,1,2010-12-01,1,,UK\n" for n in numbers)

    groups = staged(write("lines.csv", text), tmp_path / "staging")

    assert [group[0][1] for group in groups] == list(dict.fromkeys(numbers))
    assert all(len(group) == 3 and [row[0] for row in group] == sorted(row[0] for row in group) for group in groups)


def test_a_document_of_too_many_rows_is_never_held_in_memory(write, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_ROWS_OF_A_DOCUMENT", 3)
    text = HEADER + "1,A,N,1,2010-12-01,1,,UK\n" * 4 + "2,A,N,1,2010-12-01,1,,UK\n" * 3

    opened = open_path(write("lines.csv", text))
    with Staging(opened.mapping, opened.sources, tmp_path / "staging") as staging:
        staging.load()
        groups = list(staging.groups())

    assert [len(group) for group in groups] == [1, 1, 1, 1, 3]
    assert all("more than" in group[0].defect for group in groups[:4])
    assert groups[4][0].defect == ""


def test_nothing_is_left_on_disk_afterwards_and_litter_of_killed_imports_is_removed(write, tmp_path):
    folder = tmp_path / "staging"
    old, young = folder / "import-old", folder / "import-young"
    old.mkdir(parents=True)
    young.mkdir()
    os.utime(old, (time.time() - 3 * 86400,) * 2)

    staged(write("lines.csv", HEADER + "1,A,N,1,2010-12-01,1,,UK\n"), folder)

    assert [path.name for path in folder.iterdir()] == ["import-young"]


@pytest.mark.slow
def test_memory_stays_bounded_for_a_long_file(tmp_path):
    """A million lines, far more than may be in memory at once, in a process of its own."""
    path = tmp_path / "long.csv"
    with path.open("w") as stream:
        stream.write(HEADER)
        for n in range(1_000_000):
            stream.write(f"{n % 300_000},8512{n % 97}A,T-LIGHT HOLDER OF GLASS {n},6,2010-12-01 08:26:00,2.55,,UK\n")
    script = f"""
import resource, sys
from pathlib import Path
import django; django.setup()
from tongpan.connectors.actions.opening import open_path
from tongpan.connectors.staging import Staging
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
opened = open_path(Path({str(path)!r}))
with Staging(opened.mapping, opened.sources, Path({str(tmp_path / "staging")!r})) as staging:
    staging.load()
    rows = sum(len(group) for group in staging.groups())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(rows, after - before)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    rows, grown = map(int, done.stdout.split())
    unit = 1024 if sys.platform != "darwin" else 1
    assert rows == 1_000_000
    assert grown * unit < 800 * 1024 * 1024
