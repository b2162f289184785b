"""Names that cannot lead out of a directory, and files that nobody can see half written."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Callable, Union

from jobs_app.errors import BadName, Damaged

from .layout import RESERVED

Name = Union[str, "os.PathLike[str]"]

Bringer = Callable[[Path, str], None]
_bringers: list[Bringer] = []

LONGEST_PART = 255
LONGEST = 1024


def safe_name(name: Name, *, what: str = "file name") -> str:
    """`name` without what means nothing in it ("./a//b" is "a/b"); BadName for what leads elsewhere."""
    text = _text(name, what)
    _refuse_characters(text, what)
    if text.startswith("/"):
        raise BadName(f"The {what} {show(text)} is absolute. Give a name below the job's directory.")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if not parts:
        raise BadName(f"The {what} {show(text)} names nothing. Give it at least one character.")
    if ".." in parts:
        raise BadName(
            f"The {what} {show(text)} contains '..', which leads out of the directory. Leave it out."
        )
    _refuse_length(parts, text, what)
    return "/".join(parts)


def _text(name: Name, what: str) -> str:
    text = os.fspath(name)
    if not isinstance(text, str):
        raise BadName(f"The {what} {show(text)} is {type(text).__name__}, not text. Give a str or a Path.")
    return text


def _refuse_characters(text: str, what: str) -> None:
    for character in text:
        if ord(character) < 32 or ord(character) == 127:
            raise BadName(
                f"The {what} {show(text)} contains the control character {character!r}. Leave it out."
            )
        if "\ud800" <= character <= "\udfff":
            raise BadName(f"The {what} {show(text)} is not valid Unicode. Rename the file.")


def _refuse_length(parts: list[str], text: str, what: str) -> None:
    longest = max(len(part.encode()) for part in parts)
    if longest > LONGEST_PART:
        raise BadName(f"The {what} {show(text)} has {longest} bytes; {LONGEST_PART} are allowed. Shorten it.")
    total = len("/".join(parts).encode())
    if total > LONGEST:
        raise BadName(f"The {what} {show(text)} has {total} bytes; {LONGEST} are allowed. Shorten it.")


def show(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001 - what cannot even be shown is named by its kind
        text = f"<{type(value).__name__}, which cannot be shown: {type(error).__name__}>"
    return text if len(text) <= 120 else text[:80] + "..." + text[-20:]


def name_in(root: Path, name: Name, *, what: str = "file name") -> str:
    """The safe name of a file below `root`; an absolute name is one too if it lies there."""
    text = _text(name, what)
    for base in (str(root), os.path.realpath(root)):
        if text.startswith(base + "/"):
            return safe_name(text[len(base) + 1 :], what=what)
    return safe_name(text, what=what)


def writable_name(root: Path, name: Name) -> str:
    """The safe name of a file that a job may write itself."""
    safe = name_in(root, name)
    first = safe.split("/")[0]
    if first in RESERVED:
        raise BadName(
            f"The file name {show(safe)} is reserved: Roost writes {first} itself. Choose another name."
        )
    return safe


def bring_with(bringer: Bringer) -> None:
    """`bringer(root, name)` is asked for files that are not there; it may know where else they are."""
    _bringers[:] = [bringer]


def locate(root: Path, name: Name) -> Path:
    """The path of `name` below `root`; BadName if a link on the way leads out of it."""
    safe = name_in(root, name)
    path = root / safe
    if _bringers and not os.path.lexists(path):
        _bringers[0](root, safe)
    if not leads_out(root, path):
        return path
    raise BadName(f"The file name {show(safe)} leads out of {root} through a link. Copy the file instead.")


def leads_out(root: Path, path: Path) -> bool:
    real = os.path.realpath(root)
    return not os.path.realpath(path).startswith(real + "/")


def is_plain_file(path: Path) -> bool:
    """A file, or a link to one; not a directory, a pipe or a device."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        raise


def beside(path: Path) -> Path:
    """A new name in the directory of `path`, for what is renamed to `path` when it is complete."""
    return path.parent / f".{os.getpid():x}.{os.urandom(6).hex()}.tmp"


@contextmanager
def writing(path: Path, mode: str = "wb", **how: Any) -> Iterator[IO[Any]]:
    """A file that appears at `path`, complete, when the block ends well; else nothing is left of it."""
    temporary = beside(path)
    try:
        with open(temporary, mode, **how) as handle:
            yield handle
        os.replace(temporary, path)
    except BaseException as error:
        _discard(temporary)
        if isinstance(error, OSError) and error.errno and not error.filename:
            error.filename = str(path)  # "No space left on device": where?
        raise


def _discard(path: Path) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def walked(top: Path) -> Iterator[os.DirEntry[str]]:
    """All below it that is no folder; not by os.walk, which a deep enough tree breaks. Folders that are too
    deep, shut or gone meanwhile are left out."""
    folders = [os.fspath(top)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    yield entry


def remove_tree(root: Path) -> None:
    """All of it, however deep it is: a job made it. No link is followed; what cannot be removed stays.

    Each folder is moved to the top before it is looked into, so no path grows long and nothing recurses.
    """
    with suppress(OSError):
        top = os.open(root, _FOLDER)
        try:
            waiting = _emptied(top, top)
            while waiting:
                waiting += _removed(waiting.pop(), top)
        finally:
            os.close(top)
        os.rmdir(root)


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def _removed(name: str, top: int) -> list[str]:
    """Itself, and the names of the folders that were in it."""
    moved: list[str] = []
    with suppress(OSError):
        folder = os.open(name, _FOLDER, dir_fd=top)
        try:
            moved = _emptied(folder, top)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=top)
    return moved


def _emptied(folder: int, top: int) -> list[str]:
    """Its files are removed, its folders moved to the top under new names; those names."""
    moved = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    moved.append(_moved(entry.name, folder, top))
                else:
                    os.unlink(entry.name, dir_fd=folder)
    return moved


def _moved(name: str, folder: int, top: int) -> str:
    os.chmod(name, 0o700, dir_fd=folder)  # whoever made it may have shut it
    if folder == top:
        return name
    new = f".{os.urandom(8).hex()}"
    os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
    return new


def write_bytes(path: Path, data: bytes) -> None:
    with writing(path) as handle:
        handle.write(data)


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, json.dumps(value).encode("ascii"))


def read_json(path: Path, cure: str = "Restore it from a copy, or remove the job and run it again.") -> Any:
    """The value in a file that Roost wrote; Damaged if it is not as it was written."""
    try:
        return json.loads(path.read_bytes())
    except (ValueError, IsADirectoryError) as error:
        raise Damaged(f"{path} is damaged: {error}. {cure}") from None


def read_object(
    path: Path, cure: str = "Restore it from a copy, or remove the job and run it again."
) -> dict[str, Any]:
    value = read_json(path, cure)
    if isinstance(value, dict):
        return value
    raise Damaged(f"{path} is damaged: it holds {type(value).__name__}, not an object. {cure}")
