"""The database files of the embedded server: made once by initdb, configured at every start."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tongpan.core.errors import Refusal
from tongpan.core.postgres.binaries import Binaries
from tongpan.core.postgres.location import PORT, USER
from tongpan.core.postgres.placement import Placement

TUNED = "tongpan.conf"
BUILTIN_PROVIDER_SINCE = 17
# Chinese text functions need a UTF-8 character type. Systems differ in which of these they know.
CHARACTER_TYPES = ("C.UTF-8", "en_US.UTF-8", "UTF-8")


def cluster_major(cluster: Path) -> int | None:
    """The PostgreSQL version that made ``cluster``, or None when there is no database yet."""
    version = cluster / "PG_VERSION"
    return int(version.read_text().split(".", maxsplit=1)[0]) if version.exists() else None


def init_cluster(placement: Placement, binaries: Binaries) -> None:
    """Make the database files. They appear under their name only when complete; a broken attempt is removed.

    Raises Refusal("postgres.initdb") with initdb's own words.
    """
    fresh = placement.cluster.with_name(f"{placement.cluster.name}.new")
    complaint = ""
    for locale in _locales(binaries.major):
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        placement.own(fresh)
        done = subprocess.run(  # noqa: S603
            [
                *(binaries.tool("initdb"), "-D", str(fresh), "-U", USER, "--encoding=UTF8"),
                *("--auth-local=trust", "--auth-host=reject", "--data-checksums", *locale),
            ],
            capture_output=True,
            text=True,
            check=False,
            **placement.as_account(),
        )
        if done.returncode == 0:
            with (fresh / "postgresql.conf").open("a") as conf:
                conf.write(f"\ninclude_if_exists '{TUNED}'\n")
            fresh.rename(placement.cluster)
            return
        complaint = complaint or done.stderr.strip()
    shutil.rmtree(fresh, ignore_errors=True)
    raise Refusal(
        "postgres.initdb",
        f"PostgreSQL {binaries.version} could not make a database in {placement.cluster}: {complaint}",
    )


def _locales(major: int) -> list[list[str]]:
    """Arguments for initdb, best first: code point order everywhere, so that no index ever changes order."""
    provider = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= BUILTIN_PROVIDER_SINCE else []
    choices = [[*provider, "--locale=C", f"--lc-ctype={ctype}"] for ctype in CHARACTER_TYPES]
    # glibc's C.UTF-8 for everything is what the tools of other programs expect to find.
    choices.insert(0, [*provider, "--locale=C.UTF-8"])
    return [*choices, [*provider, "--locale=C"]] if provider else choices


def write_settings(placement: Placement) -> None:
    """Write the settings of this start; ``ALTER SYSTEM`` overrides them."""
    path = placement.cluster / TUNED
    fresh = path.with_suffix(".fresh")
    lines = ["# Written by Tongpan at every start. Override with ALTER SYSTEM SET, not here."]
    lines += [f"{name} = {value}" for name, value in _settings(placement.sockets, _memory()).items()]
    fresh.write_text("\n".join(lines) + "\n")
    placement.own(fresh)
    fresh.replace(path)


def _settings(sockets: Path, memory: int) -> dict[str, str]:
    """memory: bytes of the machine. Chosen for a small machine that also runs the web and the workers."""
    megabytes = memory // 1024**2
    directory = str(sockets).replace('"', '""').replace("'", "''")
    return {
        "listen_addresses": "''",
        "port": PORT,
        "unix_socket_directories": f"'\"{directory}\"'",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{max(64, min(256, megabytes // 8))}MB",
        "effective_cache_size": f"{max(256, megabytes // 2)}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": "128MB",
        "synchronous_commit": "on",
        "wal_compression": "on",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'postgresql-%a.log'",
        "log_rotation_age": "1d",
        "log_truncate_on_rotation": "on",
        "log_min_duration_statement": "2s",
        "log_lock_waits": "on",
        "cluster_name": "'tongpan'",
    }


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
