"""What a job script imports from beside itself: `import helper`, `from . import helper`, and modules of its
app that were copied with it ("examples/ising/magnet.py" for `from examples.ising import magnet`).

While a script is loaded, sys.modules and sys.path are changed, and then restored: another script may have a
helper of the same name. In the process of a part the changes are made for good.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from typing import Any, Optional

Modules = dict[str, types.ModuleType]


class Copies:
    """Finds `a.b.c` in the file a/b/c.py of a folder; what is not there is found elsewhere as ever."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, _: Optional[types.ModuleType] = None
    ) -> Optional[ModuleSpec]:
        if path is None:
            return None
        stem = os.path.join(self.folder, *name.split("."))
        for file in (stem + ".py", os.path.join(stem, "__init__.py")):
            if os.path.isfile(file):
                return importlib.util.spec_from_file_location(name, file)
        return None


def install(folder: str, modules: Modules) -> None:
    """From now on this process imports what lies in the folder."""
    sys.path.insert(0, folder)
    sys.meta_path.insert(0, Copies(folder))
    sys.modules.update(modules)


@contextmanager
def importing(folder: str, module: types.ModuleType) -> Iterator[Modules]:
    """What was loaded from the folder meanwhile is in the dict after the block, and out of sys.modules."""
    loaded: Modules = {}
    before = dict(sys.modules)
    copies, write = Copies(folder), sys.dont_write_bytecode
    for name in _from(folder, before):
        del sys.modules[name]
    sys.dont_write_bytecode = True  # a job's source shall hold what was put there
    sys.path.insert(0, folder)
    sys.meta_path.insert(0, copies)
    try:
        own = _packages(module, folder)
        yield loaded
    finally:
        sys.dont_write_bytecode = write
        sys.path.remove(folder)
        sys.meta_path.remove(copies)
        loaded.update({name: sys.modules[name] for name in _from(folder, sys.modules)}, **own)
        _restore(before, loaded)


def _packages(module: types.ModuleType, folder: str) -> Modules:
    """The script's module, its package, and the outermost one, which a relative import loads as well."""
    package = types.ModuleType(module.__package__ or "")
    package.__path__ = [folder]
    own = {package.__name__: package, module.__name__: module}
    sys.modules.update(own)
    root = package.__name__.partition(".")[0]
    try:
        importlib.import_module(root)
    except ImportError:  # a node may lack it; then an empty one will do
        own[root] = sys.modules[root] = types.ModuleType(root)
    return own


def _from(folder: str, modules: Modules) -> list[str]:
    return [name for name, module in modules.items() if _lies_in(module, folder)]


def _lies_in(module: Any, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and file.startswith(folder + os.sep)


def _restore(before: Modules, loaded: Modules) -> None:
    for name in loaded:
        sys.modules.pop(name, None)
    for name, module in before.items():
        sys.modules.setdefault(name, module)
