"""Data classes are frozen, and those with arrays compare by identity."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import re
from typing import Any

import pytest

import medalopt

ARRAYS = re.compile("Numbers|Floats|Ints|Bools|Figures|At")


def dataclasses_of(package: Any) -> list[type]:
    """Return the dataclasses that a package and all below it define."""
    names = [each.name for each in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return [
        each
        for module in modules
        for name, each in vars(module).items()
        if isinstance(each, type) and dataclasses.is_dataclass(each)
        if each.__module__ == module.__name__
    ]


CLASSES = dataclasses_of(medalopt)
GROWING = {
    "_OpenCollection",
    "_WorkbookImport",
    "_SheetBuilder",
    "_Branch",
}  # what is filled while one function reads, and handed to none


def test_there_is_something_to_look_at() -> None:
    """The classes checked below include the public ones."""
    assert {"Instance", "Plan", "Certificate", "Decisions", "Routes", "PlanAccount"} <= {
        each.__name__ for each in CLASSES
    }


@pytest.mark.parametrize("found", CLASSES, ids=lambda found: f"{found.__module__}.{found.__qualname__}")
def test_what_is_handed_out_is_frozen(found: Any) -> None:
    """No field can be assigned; values with arrays are equal only if identical."""
    assert found.__dataclass_params__.frozen or found.__name__ in GROWING
    if any(ARRAYS.fullmatch(str(field.type)) for field in dataclasses.fields(found)):
        assert not found.__dataclass_params__.eq
