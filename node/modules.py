"""Modules that are found where they stand: whoever adds one lists it nowhere."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def walk_modules(package: ModuleType) -> Iterator[ModuleType]:
    """Every module below a package, loaded, in the order of their names."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)
