"""Tries the checks on one error after the other, each in a process of its own."""

from __future__ import annotations

import functools
import gc
import importlib
import os
import pkgutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import CodeType
from typing import Any

import yaml
from campaigns.definitions import normalize
from campaigns.exchange import find_code, prepare_code_exchange
from campaigns.forks import Fate, apart
from tests.planted import known
from tests.planted.checks import CHECKS, Known, loaded
from tests.planted.planting import Planted, copied, plant, planted

# what medalopt needs, loaded once: a new process starts with it
LOADED = ("highspy", "numpy", "pint", "pydantic", "pyomo.core", "pyomo.repn.linear", "swiglpk", "yaml", "yamlcore")
CAUGHT_BY = Path(__file__).with_name("caught_by.yaml")
PROOF = ("wrong plans", "bounds", "bases", "additions", "refutations", "refusals", "statements")  # of its errors, first
PATIENCE = 600.0  # seconds, that the checks of one error may take
Found = dict[str, list[str]]  # by check: what gave the error away
Outcome = tuple[Planted | None, Found]  # of an error, or of unchanged code


def errors() -> list[Planted]:
    """Return the errors of errors.yaml."""
    files = yaml.safe_load(Path(__file__).with_name("errors.yaml").read_text(encoding="utf-8"))
    return [
        Planted(name, file, within, *fragments)
        for file, definitions in files.items()
        for within, entries in definitions.items()
        for name, fragments in entries.items()
    ]


def try_errors(wanted: Sequence[Planted | None], thorough: bool = False) -> Iterator[Outcome]:
    """Yield each error (None: unchanged code) with what all checks find, or the first that finds something.

    Where an error is in the code of a function, a process that has loaded the package and the instances is forked and
    the code exchanged; a process that has loaded neither where code is planted that runs on import.
    """
    for name in LOADED:
        importlib.import_module(name)
    spec = find_spec("medalopt")
    assert spec is not None and spec.origin is not None
    with tempfile.TemporaryDirectory() as folder:
        package = copied(Path(spec.origin).parent, Path(folder))
        sys.path.insert(0, folder)
        right = _apart(known.known)
        assert not isinstance(right, Fate), f"what is right was not found out: {right.killer}"
        done = _apart(_try_in_place, package, wanted, right, thorough, seconds=PATIENCE * (1 + len(wanted)))
        assert not isinstance(done, Fate), f"the errors were not tried: {done.killer}"
        yield from done
        tried = {error for error, _ in done}
        for error in wanted:
            if error and error not in tried:
                with planted(package, error):
                    yield error, _ended(_apart(_found, right, order(error), thorough))


def _try_in_place(package: Path, wanted: Sequence[Planted | None], right: Known, thorough: bool) -> list[Outcome]:
    """Return the outcomes of unchanged code, and of errors whose code can be exchanged in a fork of this process."""
    on_import = _record_calls(package, _import_package)
    on_reading = _record_calls(package, lambda: [loaded(Path(path)) for path in right.optima])
    gc.unfreeze()  # what is frozen would not be found
    caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
    caches = [each for each in caches if str(each.__module__).startswith(("medalopt", "tests"))]
    done: list[Outcome] = []
    for error in wanted:
        if error is None:
            done.append((None, _ended(_apart(_found, right, tuple(CHECKS), True))))
            continue
        text = plant(package, error)
        put = prepare_code_exchange(error.module, error.within, text, error.file)
        if put and not _is_called(error, on_import) and _changes_body(package, error, text):
            stale = caches if _is_called(error, on_reading) else []
            done.append((error, _ended(_apart(_found_in_place, put, stale, right, order(error), thorough))))
    return done


def _import_package() -> None:
    import medalopt

    for module in pkgutil.walk_packages(medalopt.__path__, "medalopt."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def _record_calls(package: Path, task: Callable[[], object]) -> set[tuple[str, str]]:
    """Run `task`, and return file and qualified name of every function of the package that it calls."""
    called: set[CodeType] = set()
    sys.setprofile(lambda frame, event, _: called.add(frame.f_code) if event == "call" else None)
    try:
        task()
    finally:
        sys.setprofile(None)
    folder = f"{package}{os.sep}"
    return {
        (code.co_filename.removeprefix(folder), code.co_qualname)
        for code in called
        if code.co_filename.startswith(folder)
    }


def _is_called(error: Planted, called: set[tuple[str, str]]) -> bool:
    """Return whether the function that has the error, or one within it, is among those `called`."""
    return any(
        file == error.file and (name == error.within or name.startswith(f"{error.within}.")) for file, name in called
    )


def _changes_body(package: Path, error: Planted, text: str) -> bool:
    """Return whether the error is in the body of its function, not in its decorators or defaults."""
    kept = normalize((package / error.file).read_text(encoding="utf-8"))
    was, becomes = (find_code(compile(each, error.file, "exec"), error.within) for each in (kept, text))
    return was != becomes


def _found_in_place(put: Callable[[], None], stale: Iterable[Any], *arguments: Any) -> Found:
    """Return the findings with exchanged code, which what is in the `stale` caches was read without."""
    put()
    for cache in stale:
        cache.cache_clear()
    return _found(*arguments)


def order(error: Planted) -> list[str]:
    """Return all checks: first the one that caught_by.yaml has for the error, then those of its room."""
    first = [check for check, names in read_caught_by().items() if error.name in names and check in CHECKS]
    near = [check for check in CHECKS if error.room == "proof" and check.partition(":")[0] in PROOF]
    return list(dict.fromkeys([*first, *near, *CHECKS]))


@functools.cache
def read_caught_by() -> dict[str, list[str]]:
    """Return by check the names of the errors that it catches at once: they give the order of the checks, no more."""
    return yaml.safe_load(CAUGHT_BY.read_text(encoding="utf-8")) or {}


def write_caught_by(found: Iterable[Outcome]) -> None:
    """Write which check caught each error first."""
    names: dict[str, list[str]] = {check: [] for check in CHECKS}
    for error, checks in found:
        for check in checks:
            if error and check in names and error.name not in names[check]:
                names[check].append(error.name)
    caught = {check: sorted(those) for check, those in names.items() if those}
    CAUGHT_BY.write_text(
        "# By check: the errors that it catches first. `python -m tests.planted --write` writes this file; it decides\n"
        "# with which check the trial of an error begins, and no more.\n"
        + yaml.safe_dump(caught, width=118, sort_keys=False, default_flow_style=None),
        encoding="utf-8",
    )


def _ended(found: Found | Fate) -> Found:
    """Return the findings; a process that does not end is a finding too."""
    return {"its end": [found.killer]} if isinstance(found, Fate) else found


def _found(right: Known, checks: Iterable[str], thorough: bool) -> Found:
    found: Found = {}
    for check in checks:
        for caught in _seen(check, right):
            if caught not in found.setdefault(check, []):
                found[check].append(caught)
            if not thorough:
                return found
    return found


def _seen(check: str, right: Known) -> Iterator[str]:
    """Yield the findings of a check; an exception is a finding."""
    try:
        yield from CHECKS[check](right)
    except Exception as error:
        yield f"breaks off with {type(error).__name__}: {error}"


def _apart(task: Callable[..., Any], *arguments: Any, seconds: float = PATIENCE) -> Any:
    """Run `task` in a separate process; return its result, or a `Fate` if it does not end."""
    gc.freeze()  # what is loaded stays: no process looks through it again
    return apart(_unwritten, (task, *arguments), seconds)


def _unwritten(task: Callable[..., Any], *arguments: Any) -> Any:
    sys.dont_write_bytecode = True
    return task(*arguments)
