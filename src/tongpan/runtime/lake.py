"""The lake brought up to this moment, for commands that show numbers."""

from __future__ import annotations

from tongpan.analytics.lake import sweep, writer
from tongpan.core.clock import utc_now
from tongpan.runtime.readers import catch_up


def bring_up_to_date() -> None:
    """Let every reader handle what is logged, and take in dimensions that changed without an event."""
    catch_up()
    writer.refresh_dimensions(utc_now())


def rebuild_lake() -> int:
    """Write the whole lake anew and delete what the new one replaced long ago; the partitions written."""
    catch_up()
    written = writer.rebuild(utc_now())
    sweep.sweep(utc_now())
    return written
