"""The sweep deletes what nobody can be reading, and nothing else."""

from datetime import timedelta

import pytest
from tests.support.company import NOW, order
from tests.support.lake import lake, partitions, write_lake

from tongpan.analytics.lake import files
from tongpan.analytics.lake.sweep import GRACE, Swept, sweep
from tongpan.analytics.models import LakeFile
from tongpan.orders.actions import accept

pytestmark = pytest.mark.usefixtures("company")


@pytest.fixture
def replaced(lake_dir):
    """A lake whose every file was replaced once, at NOW; the paths of the replaced ones."""
    accept([order("1")], actor="test", now=NOW)
    write_lake()
    old = [lake_dir / path for path in LakeFile.objects.values_list("path", flat=True)]
    write_lake()
    return old


def test_replaced_files_stay_for_the_time_of_grace(replaced):
    assert sweep(NOW + GRACE - timedelta(seconds=1)) == Swept(0, 0)
    assert all(path.exists() for path in replaced)

    assert sweep(NOW + GRACE) == Swept(len(replaced), 0)
    assert not any(path.exists() for path in replaced)
    assert LakeFile.objects.exclude(superseded_at=None).count() == 0
    assert lake("external_id", "orders") == [("1",)]


def test_files_that_no_row_names_are_deleted_at_once(replaced, lake_dir):
    orphan = lake_dir / "orders" / "2026-11-18.dead.parquet"
    orphan.write_bytes(b"half")
    half_made = files.scratch_dir() / "tmp1"
    half_made.mkdir()
    (half_made / "rows.csv").write_text("1")

    assert sweep(NOW) == Swept(0, 1)

    assert not orphan.exists()
    assert not half_made.exists()
    assert all((lake_dir / path).exists() for _, path in partitions("orders").values())


def test_what_dead_processes_spilled_is_deleted_and_what_living_ones_use_is_not(replaced):
    import os

    mine, dead = files.spill_dir(os.getpid()), files.spill_dir(2**22 + 1)
    for folder in (mine, dead):
        folder.mkdir(exist_ok=True)

    sweep(NOW)

    assert (mine.exists(), dead.exists()) == (True, False)


def test_a_sweep_of_nothing_is_harmless(db):
    assert sweep(NOW) == Swept(0, 0)
