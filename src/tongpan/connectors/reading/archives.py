"""ZIP archives: their entries, protected by a password or not, and copies without protection.

Both ways of protecting are read: the old one of ZIP itself and AES. A password is used while reading, and kept nowhere.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tongpan.core.errors import Refusal
from tongpan.core.late import Late

if TYPE_CHECKING:
    import pyzipper
else:
    pyzipper = Late("pyzipper")

MAX_UNPACKED = 16 << 30
CHUNK = 1 << 20
PROTECTED = "file.password"
REFUSED = "file.wrong_password"
_IS_PROTECTED = 1


def damage(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """What reading an archive raises when it is damaged, and ``others``."""
    return (EOFError, zlib.error, zipfile.BadZipFile, pyzipper.BadZipFile, *others)


@contextmanager
def opened_archive(path: Path, password: str = "") -> Iterator[zipfile.ZipFile]:
    """The archive at ``path``. Raises Refusal when it is damaged."""
    try:
        archive = pyzipper.AESZipFile(path)
    except (zipfile.BadZipFile, pyzipper.BadZipFile) as error:
        raise Refusal(
            "file.archive", f"{path.name} begins like a ZIP archive but is damaged or cut off: {error}."
        ) from error
    with archive:
        if password:
            archive.setpassword(password.encode())
        yield archive


def is_protected(entry: zipfile.ZipInfo) -> bool:
    return bool(entry.flag_bits & _IS_PROTECTED)


def check_password(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], name: str, password: str) -> None:
    """Raises Refusal when one of ``entries`` is protected and ``password`` does not open it.

    The smallest is read for it; of the old protection one wrong password in 256 is seen only there.
    """
    locked = sorted((e for e in entries if is_protected(e)), key=lambda entry: entry.file_size)
    if not locked:
        return
    if not password:
        raise Refusal(PROTECTED, f"{name} is protected by a password; give it, or unpack the file first.")
    try:
        with archive.open(locked[0]) as stream:
            for _ in range(16):
                if not stream.read(CHUNK):
                    break
    except damage(RuntimeError) as error:
        raise Refusal(REFUSED, f"The password does not open {name}.") from error
    except NotImplementedError as error:  # so the library says that it does not know a way of packing
        raise Refusal("file.archive", f"{name} is packed in a way that cannot be read: {error}.") from error


class ZipEntry(io.RawIOBase):
    """One entry of an archive that closes the archive with itself. Raises Refusal for a wrong password."""

    def __init__(self, path: Path, name: str, password: str = "") -> None:
        self._archive = pyzipper.AESZipFile(path)
        try:
            self._entry = self._archive.open(name, pwd=password.encode() if password else None)
        except RuntimeError as error:
            self._archive.close()
            raise Refusal(REFUSED, f"The password does not open {path.name}.") from error

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._entry.read(size)
        return found

    def close(self) -> None:
        self._entry.close()
        self._archive.close()
        super().close()


def unlock(path: Path, password: str) -> None:
    """Put an archive without protection in the place of the protected one at ``path``.

    Raises Refusal when it is none, the password is wrong, or it unpacks to more than MAX_UNPACKED.
    """
    if not zipfile.is_zipfile(path):
        raise Refusal("file.not_protected", f"{path.name} is no archive with a password.")
    free = path.with_name(f".{path.name}.open")
    try:
        with opened_archive(path, password) as archive, zipfile.ZipFile(free, "w", zipfile.ZIP_DEFLATED) as copy:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            check_password(archive, entries, path.name, password)
            left = MAX_UNPACKED
            for entry in entries:
                with archive.open(entry) as source, copy.open(entry.filename, "w", force_zip64=True) as target:
                    while chunk := source.read(CHUNK):
                        left -= len(chunk)
                        if left < 0:
                            raise Refusal("file.size", f"{path.name} unpacks to more than {MAX_UNPACKED >> 30} GB.")
                        target.write(chunk)
        free.replace(path)
    except damage(RuntimeError) as error:
        raise Refusal(
            REFUSED, f"{path.name} cannot be unpacked with this password, or it is damaged: {error}."
        ) from error
    finally:
        free.unlink(missing_ok=True)
