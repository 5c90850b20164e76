"""A small process beside the embedded server: stops it when nobody uses it any more, however they ended.

Every user of the server holds a shared lock on one file, and the system drops that lock even after ``kill
-9``. The keeper waits for that lock to be free, and then stops the server under the server lock. It imports
almost nothing, so that it stays small and starts at once:

    python -m tongpan.core.postgres.keeper USERS_LOCK SERVER_LOCK KEEPER_FD CLUSTER
"""

from __future__ import annotations

import fcntl
import os
import sys
from pathlib import Path

from tongpan.core.postgres.postmaster import find_postmaster

STOP_SECONDS = 600


def keep(users_lock: Path, server_lock: Path, keeper_fd: int, cluster: Path) -> None:
    """Wait until nobody uses the server of ``cluster``, then stop it.

    Locks: server before users, as everybody does; waits for users alone only without the server lock.
    keeper_fd: holds the lock that says a keeper is there; given up before the server lock is.
    """
    users = os.open(users_lock, os.O_RDWR)
    server = os.open(server_lock, os.O_RDWR)
    while True:
        fcntl.flock(users, fcntl.LOCK_EX)
        fcntl.flock(users, fcntl.LOCK_UN)
        fcntl.flock(server, fcntl.LOCK_EX)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # somebody came while we waited for the server lock
            fcntl.flock(server, fcntl.LOCK_UN)
            continue
        postmaster = find_postmaster(cluster)
        if postmaster is not None:
            postmaster.stop()
            postmaster.wait(STOP_SECONDS)
        os.close(keeper_fd)
        os.close(users)
        os.close(server)
        return


if __name__ == "__main__":
    keep(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
