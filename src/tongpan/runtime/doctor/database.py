"""Checks that ask the database; it answers, or ``examination`` does not call them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tongpan.analytics.lake.files import lake_dir
from tongpan.analytics.models import LakeFile
from tongpan.core.bulk import fetch_all
from tongpan.core.eventlog import lag
from tongpan.core.eventlog_transfer import is_foreign
from tongpan.core.postgres.binaries import OLDEST_MAJOR
from tongpan.runtime import migrations
from tongpan.runtime.doctor.finding import Finding, note, ok, wrong
from tongpan.runtime.readers import READERS

# More than this many events behind is more than a reader catches up with while one looks.
LAG_WORTH_A_NOTE = 10_000
STUCK_AFTER_MINUTES = 5
CLOCK_TOLERANCE_SECONDS = 5
# As many months ahead as ``tongpan.runtime.jobs`` prepares, less the one that may just have begun.
MONTHS_AHEAD = 1


def server() -> Iterator[Finding]:
    version = int(fetch_all("SHOW server_version_num")[0][0]) // 10_000
    if version < OLDEST_MAJOR:
        yield wrong("database.version", f"The server is PostgreSQL {version}; Tongpan needs {OLDEST_MAJOR} or later.")
    else:
        yield ok("database.version", f"The server is PostgreSQL {fetch_all('SHOW server_version')[0][0]}.")
    encoding = fetch_all("SHOW server_encoding")[0][0]
    if encoding != "UTF8":
        yield wrong(
            "database.encoding",
            f"The database is encoded in {encoding}, which cannot hold Chinese. Make it anew with ENCODING 'UTF8'.",
        )
    else:
        yield ok("database.encoding", "The database is encoded in UTF8.")


def letters() -> Finding:
    """Whether text functions know letters beyond ASCII: in locale "C" they do not, and searches miss silently."""
    knows_case, knows_letters = fetch_all("SELECT lower('É') = 'é', '通' ~ '^[[:alpha:]]$'")[0]
    if knows_case and knows_letters:
        return ok("database.locale", "Text functions know Chinese and accented letters.")
    return wrong(
        "database.locale",
        "The locale of the database knows only ASCII letters, so searches in other letters miss. "
        "Make the database anew with LOCALE 'C.UTF-8' (with LOCALE_PROVIDER builtin on PostgreSQL 17 or later).",
    )


def durability() -> Finding:
    """A server that does not write through loses what it acknowledged when the power fails."""
    off = [name for name in ("fsync", "full_page_writes") if fetch_all(f"SHOW {name}")[0][0] == "off"]
    if off:
        return wrong("database.durability", f"{' and '.join(off)} is off: a power cut can destroy the database.")
    return ok("database.durability", "What the server acknowledges is on the disk.")


def tables() -> Finding:
    now = migrations.state()
    if now.unknown:
        return wrong(
            "database.tables",
            f"The tables were made by a newer version of Tongpan (it has {now.unknown[-1]}). Install that version.",
        )
    if now.pending:
        return wrong(
            "database.tables", f"The tables lack {len(now.pending)} migrations. Make a backup and run: tongpan migrate"
        )
    if is_foreign():
        return wrong(
            "database.tables",
            "The database was restored from the dump of another server, so readers of the event log would miss what "
            "is logged from now on. Run: tongpan migrate",
        )
    return ok("database.tables", "The tables are those of this version.")


def event_partitions() -> Finding:
    stray, missing = fetch_all(
        """SELECT (SELECT count(*) FROM core_event_default),
                  (SELECT string_agg(month, ', ') FROM (
                     SELECT to_char(now() + make_interval(months => m), 'YYYYMM') AS month
                     FROM generate_series(0, %s) m) ahead
                   WHERE to_regclass('core_event_' || month) IS NULL)""",
        [MONTHS_AHEAD],
    )[0]
    if stray:
        return note(
            "event_log.partitions",
            f"{stray:,} events lie in no monthly partition of the event log. Nothing is lost; old months cannot be "
            "detached until they are moved.",
        )
    if missing:
        return note(
            "event_log.partitions",
            f"The event log has no partition for {missing}; a nightly job makes them while `tongpan up` runs.",
        )
    return ok("event_log.partitions", "The event log has its monthly partitions.")


def readers() -> Finding:
    behind = [(reader.name, lag(reader)) for reader in READERS]
    late = [f"{name} ({count:,} events)" for name, count in behind if count > LAG_WORTH_A_NOTE]
    if late:
        return note(
            "event_log.readers", f"Behind the event log: {', '.join(late)}. They catch up while `tongpan up` runs."
        )
    return ok("event_log.readers", f"{len(behind)} readers follow the event log.")


def open_transactions() -> Finding:
    """One transaction left open holds up every reader of the event log, and the clean-up of old rows."""
    held = fetch_all(
        """SELECT pid, coalesce(nullif(application_name, ''), usename::text, 'unknown'),
                  extract(epoch FROM now() - xact_start)::int / 60
           FROM pg_stat_activity
           WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
             AND xact_start < now() - make_interval(mins => %s)
           ORDER BY xact_start LIMIT 1""",
        [STUCK_AFTER_MINUTES],
    )
    if held:
        pid, who, minutes = held[0]
        return wrong(
            "event_log.transactions",
            f"A transaction of {who} (server process {pid}) is open for {minutes} minutes and holds up the readers of "
            f"the event log. If nobody needs it: SELECT pg_terminate_backend({pid});",
        )
    return ok("event_log.transactions", "No transaction is left open.")


def jobs() -> Finding:
    failed, waiting = fetch_all(
        """SELECT (SELECT count(*) FROM procrastinate_jobs j WHERE status = 'failed' AND EXISTS (
                     SELECT FROM procrastinate_events e
                     WHERE e.job_id = j.id AND e.at > now() - interval '1 day')),
                  (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'
                     AND coalesce(scheduled_at, '-infinity') < now() - interval '10 minutes')"""
    )[0]
    if failed:
        return note("jobs", f"{failed} background jobs failed within a day; the reasons are in worker.log.")
    return ok("jobs", f"No background job failed within a day; {waiting} wait.")


def lake() -> Finding:
    """Every file that the manifest names must be there, with its size: metrics are read from them."""
    folder = lake_dir()
    named = list(LakeFile.objects.filter(superseded_at__isnull=True).values_list("path", "size"))
    broken = [path for path, size in named if not _has_size(folder / path, size)]
    if broken:
        return wrong(
            "lake",
            f"{len(broken)} of {len(named)} files of the lake are missing or cut short, {broken[0]} first. "
            "Write them again from the database: tongpan lake rebuild",
        )
    return ok("lake", f"All {len(named)} files of the lake are there.")


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def clock() -> Finding:
    theirs, newest = fetch_all("SELECT clock_timestamp(), (SELECT max(recorded_at) FROM core_event)")[0]
    apart = abs((datetime.now(UTC) - theirs).total_seconds())
    if apart > CLOCK_TOLERANCE_SECONDS:
        return wrong(
            "clock", f"This machine and the database server disagree about the time by {apart:,.0f} s. Set both clocks."
        )
    if newest is not None and (newest - theirs).total_seconds() > CLOCK_TOLERANCE_SECONDS:
        return wrong(
            "clock",
            f"It is {theirs:%Y-%m-%d %H:%M}, but an event was logged at {newest:%Y-%m-%d %H:%M}: the "
            "clock was ahead then, or is behind now.",
        )
    return ok("clock", "The clocks agree.")
