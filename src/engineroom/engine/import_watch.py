"""Patches other libraries' modules when they are imported, if they ever are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from engineroom.serialize.by_value import child_processes, class_sources, cloudpickles
from engineroom.serialize.modules.adoption import imported_at

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType


def watch_imports(more: Mapping[str, Callable[[Any], None]]) -> None:
    """Let other libraries know how functions and classes have come to this engine: pickling, and `inspect`.

    `more`: what else is to be done with modules, by their names.
    """
    acts: dict[str, Callable[[Any], None]] = dict.fromkeys(cloudpickles.MODULES, cloudpickles.teach)
    acts |= {"multiprocessing.reduction": child_processes.teach, "inspect": class_sources.teach}
    ImportWatch({**acts, **more}).start()


class ImportWatch:
    """Calls a function with a module as soon as that has been imported. `acts`: by the modules' names."""

    def __init__(self, acts: dict[str, Callable[[Any], None]]) -> None:
        self._acts = acts

    def start(self) -> None:
        """Act at once on what is there already, later on the others."""
        for name in self._acts.keys() & sys.modules.keys():
            self._acts.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Have the module found by the others, and acted on when it has run; nothing for all other modules."""
        del path, target
        imported_at[fullname] = time()
        act = self._acts.pop(fullname, None)
        if act is None:
            return None
        from importlib.util import find_spec  # only now needed

        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            run = loader.exec_module

            def run_and_act(module: ModuleType) -> None:
                run(module)
                act(module)

            loader.exec_module = run_and_act
        return spec
