"""The folders of an app: one for the app, one for each of its users. Made at first need."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from jobs_app import conf, registry
from jobs_app.errors import BadParameter

INPUTS = "inputs"  # in a user's folder: what was uploaded, a folder a job


class Workspace(str):
    """A folder: a text that is its absolute path, with a few verbs."""

    __slots__ = ()

    @property
    def path(self) -> str:
        return str(self)

    def __fspath__(self) -> str:
        return str(self)

    def __truediv__(self, name: str) -> Path:
        return Path(self) / name

    def files(self, full_path: bool = False) -> list[str]:
        return self._inside(full_path, Path.is_file)

    def directories(self, full_path: bool = False) -> list[str]:
        return self._inside(full_path, Path.is_dir)

    def _inside(self, full_path: bool, wanted: Any) -> list[str]:
        found = sorted(entry for entry in Path(self).iterdir() if wanted(entry))
        return [str(entry) if full_path else entry.name for entry in found]

    def remove(self, item: str) -> None:
        """A file or folder of this workspace; of a link the link."""
        folder = inside(Path(item).parent, Path(self), [Path(self)])
        if folder is None or Path(item).name in ("", ".."):
            raise BadParameter(f"{item!r} names nothing in {self}.")
        path = folder / Path(item).name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def get_app_workspace(app: Any) -> Workspace:
    """The folder that all users of the app share. `app`: its class, an instance, or its label."""
    return _made(_folder(app) / "app")


def get_user_workspace(app: Any, user: Any) -> Workspace:
    """The user's folder in the app, named by the user's id: user names change. Nobody's jobs share one."""
    pk = getattr(user, "pk", None)
    return _made(_folder(app) / "users" / ("nobody" if pk is None else str(pk)))


def inputs_folders(job_id: int | None = None) -> list[Path]:
    """Where uploaded inputs lie: of one job or of all, whoever owns them."""
    wanted = "*" if job_id is None else str(job_id)
    return list(conf.workspaces().absolute().glob(f"*/users/*/{INPUTS}/{wanted}"))


def _folder(app: Any) -> Path:
    return conf.workspaces().absolute() / re.sub(r"[^A-Za-z0-9_.-]", "_", registry.find(app).label).lstrip(
        "."
    )


def _made(folder: Path) -> Workspace:
    folder.mkdir(parents=True, exist_ok=True)
    return Workspace(folder)


def job_workspace(wanted: str, app: Any, user: Any) -> str:
    """Where somebody wants a job to work: below the user's folder, or inside the configured roots."""
    roots = [root.absolute() for root in conf.workspace_roots()]
    path = inside(wanted, Path(get_user_workspace(app, user)), roots)
    if path is None:
        raise BadParameter(
            f"{wanted!r} lies outside {', '.join(map(str, roots))}. Choose a folder inside, or add its root "
            "to the setting ROOST_WORKSPACE_ROOTS"
        )
    return str(path)


def inside(wanted: str | Path, base: Path, roots: list[Path]) -> Path | None:
    """`wanted`, below `base` if it is relative, if it lies in one of the roots; never out through a link."""
    path = (base / wanted).resolve()
    return path if any(path.is_relative_to(root.resolve()) for root in roots) else None
