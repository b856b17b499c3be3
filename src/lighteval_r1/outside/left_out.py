"""What a library imports and this process never uses is left out: while it is imported, stand-ins take their places.

What a stand-in holds can be named, subclassed, written into types and put before a function as its decorator. Anything
else that calls it, once the import is over or in another thread, raises: it is never a result.
"""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from lighteval_r1.outside.collecting import uncollected


@contextmanager
def left_out(packages: Sequence[str]) -> Iterator[None]:
    """Until it ends, these and all below them are stand-ins, for the whole process; what is imported already stays.

    Afterwards whoever imports one of them gets the package itself.
    """
    stand_ins = StandIns([package for package in packages if package not in sys.modules])
    sys.meta_path.insert(0, stand_ins)
    try:
        with uncollected():
            yield
    finally:
        sys.meta_path.remove(stand_ins)
        stand_ins.importing = False
        for name in stand_ins.modules:
            sys.modules.pop(name, None)


class StandIns(MetaPathFinder, Loader):
    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = packages
        self.modules: list[str] = []
        self.thread = threading.get_ident()
        self.importing = True

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if not any(name == package or name.startswith(f"{package}.") for package in self.packages):
            return None
        if threading.get_ident() != self.thread:
            raise ImportError(f"{name} is being left out of another thread's import (left_out.py).", name=name)
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.modules.append(spec.name)
        module = ModuleType(spec.name)
        module.__getattr__ = lambda name: self.named(spec.name, name)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing in it."""

    def named(self, owner: str, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(name, (), {"__module__": owner, "of": self})


class StandIn(type):
    """Of a class, a function or a value."""

    of: StandIns

    def __getattr__(cls, name: str) -> type:
        return cls.of.named(f"{cls.__module__}.{cls.__name__}", name)

    def __call__(cls, *given: object, **named: object) -> object:
        if not cls.of.importing or threading.get_ident() != cls.of.thread:
            raise RuntimeError(f"{cls.__module__}.{cls.__name__} was left out when this process began (left_out.py).")
        decorates = len(given) == 1 and not named and callable(given[0]) and not isinstance(given[0], StandIn)
        return given[0] if decorates else cls
