"""What people start in the console and nobody waits for."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.console.bulk_running import RUN_TASK, run_whole


@app.task(name=RUN_TASK)
def run_bulk(run_id: int) -> None:
    """Take an action over many orders. Run twice, the second run completes what the first left."""
    run_whole(run_id)
