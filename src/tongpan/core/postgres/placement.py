"""Which user the embedded server runs as, and where its files lie.

PostgreSQL refuses to run as root. An ordinary user runs the server as himself, inside the data directory.
Root runs it as a user of its own; where that user cannot reach the data directory (it lies below a closed
folder such as /root), the server's files go to ``SYSTEM_ROOT`` and the data directory gets symbolic links
to them. No folder that existed before is ever opened wider.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tongpan.core.config import Config
from tongpan.core.datadir import PASSABLE, PRIVATE, user_name
from tongpan.core.errors import Refusal
from tongpan.core.postgres.binaries import Binaries
from tongpan.core.postgres.location import SHORT_SOCKET_ROOT, cluster_dir, socket_dir

SYSTEM_ROOT = Path("/var/lib/tongpan")
OWN_USER = "tongpan-db"
KNOWN_USERS = (OWN_USER, "postgres", "_postgres")
FALLBACK_USER = "nobody"
BELONGS_TO = "belongs-to"
# Inside pg_ctl these characters meet a shell.
UNSAFE_IN_PATH = frozenset('"$`\\\n')


@dataclass(frozen=True, slots=True)
class Placement:
    """cluster, sockets: real folders. account: whom the server runs as, or None for the caller."""

    cluster: Path
    sockets: Path
    account: pwd.struct_passwd | None

    def as_account(self) -> dict[str, Any]:
        """Arguments of ``subprocess`` that run a program as the server's user, in a clean environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PG") and not k.startswith("LC_")}
        # macOS refuses to start the server without a valid locale; the database's own is fixed by initdb.
        kept |= {"LC_ALL": "C", "LANG": "C"}
        if self.account is None:
            return {"env": kept, "cwd": "/"}
        kept |= {"HOME": self.account.pw_dir, "USER": self.account.pw_name}
        return {
            "env": kept,
            "cwd": "/",
            "user": self.account.pw_uid,
            "group": self.account.pw_gid,
            "extra_groups": [],
        }

    @property
    def user(self) -> str:
        """The name of the user that the server runs as."""
        return self.account.pw_name if self.account else user_name(os.geteuid())

    def own(self, path: Path) -> None:
        """Give ``path`` to the server's user."""
        if self.account is not None:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)


def place(config: Config) -> Placement:
    """Decide user and folders, and make the folders that are missing. The caller holds the server lock.

    Raises Refusal: "postgres.owner" when the database belongs to another user, "postgres.unreachable" when
    the server's user cannot reach it, "postgres.path" when the path cannot be passed to PostgreSQL.
    """
    link = cluster_dir(config)
    if UNSAFE_IN_PATH & set(str(link.resolve())):
        raise Refusal(
            "postgres.path",
            f"PostgreSQL cannot be started in {link}: the path must not contain quotes, $, ` or \\. "
            "Set TONGPAN_DATA_DIR to another folder.",
        )
    placement = _as_root(config, link) if os.geteuid() == 0 else _as_caller(config, link)
    _own_socket_dir(placement)
    return placement


def reachable(placement: Placement, binaries: Binaries) -> Binaries:
    """``binaries``, or a copy of the wheel's that the server's user can execute.

    Raises Refusal("postgres.unreachable") when an installed server is closed to that user.
    """
    if placement.account is None or _runs(placement, binaries.tool("postgres")):
        return binaries
    if "pixeltable" not in binaries.source:
        raise Refusal(
            "postgres.unreachable",
            f"PostgreSQL runs as the user {placement.account.pw_name}, who cannot execute "
            f"{binaries.bin_dir}. Install PostgreSQL where every user can reach it.",
        )
    return replace(binaries, bin_dir=_copy_of_wheel(binaries))


def _as_caller(config: Config, link: Path) -> Placement:
    if link.exists() and link.stat().st_uid != os.geteuid():
        raise Refusal(
            "postgres.owner",
            f"The database in {link} belongs to {user_name(link.stat().st_uid)}, but you are "
            f"{user_name(os.geteuid())}. Run Tongpan as the user who made it (root, if it was made by root), "
            "or set TONGPAN_DATA_DIR to a folder of your own.",
        )
    return Placement(link.resolve(), _sockets(config), None)


def _as_root(config: Config, link: Path) -> Placement:
    placement = Placement(link.resolve(), _sockets(config), _owner_of(link) or _own_account())
    if not link.exists() and not link.is_symlink() and not _can_enter(placement, config.data_dir):
        return _elsewhere(config, link, placement)
    _refuse_copied_link(config, link)
    if not _can_enter(placement, placement.cluster.parent):
        raise Refusal(
            "postgres.unreachable",
            f"PostgreSQL runs as the user {placement.user}, who cannot reach {placement.cluster}, because a "
            "folder above it is closed to other users. Move the data directory to a place that every user "
            f"can pass through, for example {SYSTEM_ROOT}/data, and set TONGPAN_DATA_DIR to it.",
        )
    return placement


def _owner_of(link: Path) -> pwd.struct_passwd | None:
    """The user whose database ``link`` is, or None when there is none yet or root copied it."""
    owner = link.stat().st_uid if link.exists() else 0
    if not owner:
        return None
    try:
        return pwd.getpwuid(owner)
    except KeyError as error:
        raise Refusal(
            "postgres.owner",
            f"The database in {link} belongs to the user number {owner}, who is unknown on this machine. "
            f"Give it to a user with: chown -R USER {link}/",
        ) from error


def _elsewhere(config: Config, link: Path, wanted: Placement) -> Placement:
    """Put the server's files below ``SYSTEM_ROOT`` and link to them from the data directory."""
    SYSTEM_ROOT.mkdir(parents=True, exist_ok=True, mode=0o755)
    home = Path(tempfile.mkdtemp(prefix=f"{config.data_dir.parent.name or 'data'}-", dir=SYSTEM_ROOT))
    home.chmod(PASSABLE)
    (home / BELONGS_TO).write_text(f"{config.data_dir}\n")
    for name in ("postgres", "run"):
        (config.data_dir / name).unlink(missing_ok=True)
        (config.data_dir / name).symlink_to(home / name, target_is_directory=True)
    return replace(wanted, cluster=home / "postgres", sockets=_sockets(config))


def _refuse_copied_link(config: Config, link: Path) -> None:
    """A copied data directory has a copied link: two installations must not share one database."""
    record = link.resolve().parent / BELONGS_TO
    if not link.is_symlink() or not record.exists():
        return
    original = Path(record.read_text().strip())
    if original != config.data_dir and cluster_dir(replace(config, data_dir=original)).is_symlink():
        raise Refusal(
            "postgres.copied",
            f"{config.data_dir} looks like a copy of {original}: both link to the database in "
            f"{link.resolve()}. Remove {link} and {config.data_dir / 'run'} to start with an empty database, "
            "then restore a dump into it.",
        )
    record.write_text(f"{config.data_dir}\n")


def _sockets(config: Config) -> Path:
    """The real folder of the socket. In the shared temporary folder a link is not followed but refused."""
    folder = socket_dir(config)
    return folder if folder.parent == SHORT_SOCKET_ROOT else folder.resolve()


def _own_socket_dir(placement: Placement) -> None:
    """Make the socket's folder, and refuse one that somebody else prepared in the shared temporary folder."""
    folder = placement.sockets
    owner = placement.account.pw_uid if placement.account else os.geteuid()
    if not os.path.lexists(folder):
        folder.mkdir(parents=True, mode=PRIVATE)
        placement.own(folder)
    found = folder.lstat()
    if found.st_uid != owner or not stat.S_ISDIR(found.st_mode):
        raise Refusal(
            "postgres.owner",
            f"{folder}, the folder for PostgreSQL's socket, belongs to {user_name(found.st_uid)} instead of "
            f"{user_name(owner)}, or is not a folder. Remove it and start again.",
        )


def _own_account() -> pwd.struct_passwd:
    """A user of this machine that PostgreSQL may run as when the caller is root; made when there is none."""
    for name in KNOWN_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    useradd = shutil.which("useradd")
    if useradd:
        done = subprocess.run(  # noqa: S603
            [useradd, "--system", "--no-create-home", "--home-dir", "/nonexistent", "--user-group", OWN_USER],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return pwd.getpwnam(OWN_USER)
    return pwd.getpwnam(FALLBACK_USER)


def _can_enter(placement: Placement, folder: Path) -> bool:
    """Try it as that user: only the system knows all of its rules (modes, ACLs, mounts)."""
    return _succeeds(placement, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])


def _runs(placement: Placement, program: str) -> bool:
    return _succeeds(placement, [program, "--version"])


def _succeeds(placement: Placement, command: list[str]) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, check=False, timeout=30, **placement.as_account()
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _copy_of_wheel(binaries: Binaries) -> Path:
    """Copy the wheel's programs and libraries to ``SYSTEM_ROOT``, once per version; returns the bin folder.

    The programs find their libraries relative to themselves, so both are copied in the wheel's own
    arrangement.
    """
    install = binaries.bin_dir.parent
    package = install.parent
    SYSTEM_ROOT.mkdir(parents=True, exist_ok=True, mode=0o755)
    target = SYSTEM_ROOT / f"programs-{binaries.version}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix="programs-", dir=SYSTEM_ROOT))
        shutil.copytree(install, fresh / package.name / install.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_read(fresh)
        try:
            fresh.rename(target)
        except OSError:  # another installation was first: its copy is as good
            shutil.rmtree(fresh)
    return target / package.name / install.name / "bin"


def _open_to_read(folder: Path) -> None:
    """Let every user read and execute what was copied: programs of a public package, no data."""
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
