"""Tries the tests on mutants, each in a forked process of its own: in place where that will do, or afresh.

In place, what is collected stays, and only the code of the one function that a mutant changes is exchanged: a fork
and the tests that run that line are all it takes. Where a mutant changes what is done while modules are imported
and tests are collected, a process that has only the libraries imports the changed package anew.
"""

from __future__ import annotations

import functools
import gc
import importlib
import inspect
import multiprocessing
import os
import resource
import signal
import sys
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import coverage
import pytest
from hypothesis import HealthCheck, settings

from campaigns.mutants import Mutant

LIBRARIES = ("highspy", "numpy", "pandas", "pint", "pydantic", "pyomo.environ", "pyomo.repn.linear", "scipy.sparse")
LIBRARIES += ("rich.console", "swiglpk", "typer", "yaml", "yamlcore", "hypothesis.strategies")
_QUIET = ["-q", "-x", "-W", "ignore:Module already imported"]
_QUIET += [each for name in ("cacheprovider", "xdist", "cov") for each in ("-p", f"no:{name}")]
_PATIENCE = 10.0  # times the tests' own time, that a mutant may take
_LONGEST, _ENOUGH = 5.0, 8.0  # seconds: of a test that is asked, and of all that a mutant is tried with
_MEMORY = 6 * 2**30  # bytes, that a mutant may take


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: the test that killed it, `timeout`, `crash`, or nothing."""

    killer: str
    seconds: float


@dataclass
class Known:
    """What the tests do with the code as it is: how long each takes, and which run a line."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)  # how many mutants a test has killed so far
    early: frozenset[tuple[str, int]] = frozenset()  # lines that are run while the tests are collected

    def asked(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a mutant's line, all where it is run on import: first the quick and the deadly."""
        found = self.tests.get((mutant.file, mutant.line), frozenset()) if mutant.within else frozenset(self.seconds)
        quick = [test for test in found if self.seconds[test] <= _LONGEST]
        quick.sort(key=lambda test: (self.seconds[test] / (1 + self.kills[test]), test))
        return quick[: bisect_left(list(accumulate(self.seconds[test] for test in quick)), _ENOUGH) + 1]

    def settled(self, mutant: Mutant) -> bool:
        """Whether nothing that a mutant changes is run before the tests are."""
        return bool(mutant.within) and not any((mutant.file, line) in self.early for line in range(*mutant.body))

    def patience(self, tests: Sequence[str]) -> float:
        """Return the seconds that these tests may take."""
        return 10 + _PATIENCE * sum(self.seconds[test] for test in tests)


def ready() -> None:
    """Load the libraries: a new process starts with them."""
    for name in LIBRARIES:
        importlib.import_module(name)
    settings.register_profile("campaign", derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("campaign")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def in_place(package: Path, folders: Sequence[str], wanted: Sequence[Mutant]) -> Iterator[Any]:
    """Yield what is `Known`, and then the fate of each mutant; None where it has to start afresh."""
    here, there = multiprocessing.Pipe(duplex=False)
    if child := os.fork():
        there.close()
        for _ in range(len(wanted) + 1):
            yield here.recv()
        os.waitpid(child, 0)
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    pytest.main([*_QUIET, *folders], plugins=[_Campaign(package, wanted, there, _watching(package))])
    os._exit(0)


def afresh(package: Path, mutant: Mutant, tests: Sequence[str], seconds: float) -> Fate:
    """Return the fate of a mutant in a process that imports the changed package from the start."""
    path = package / mutant.file
    kept = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    try:
        return _apart(_started, (mutant, list(tests)), seconds)
    finally:
        path.write_text(kept, encoding="utf-8")


def _started(mutant: Mutant, tests: list[str]) -> str:
    sys.dont_write_bytecode = True
    failing = _Failing()
    files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
    ended = pytest.main([*_QUIET, *files], plugins=[failing, _Chosen(tests)])
    return failing.name or ("" if ended == pytest.ExitCode.OK else f"collection ends with {ended}")


class _Failing:
    """Remembers the test that fails first."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.name:
            self.name = report.nodeid


@dataclass
class _Chosen:
    """Has only the tests run that are wanted, in their order."""

    tests: list[str]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        place = {test: number for number, test in enumerate(self.tests)}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])


@dataclass
class _Campaign:
    """Once the tests are collected: runs them on the code as it is, and then on each mutant."""

    package: Path
    wanted: Sequence[Mutant]
    there: Connection
    collecting: coverage.Coverage

    def pytest_runtestloop(self, session: Any) -> bool:
        self.collecting.stop()
        gc.collect()
        gc.freeze()  # what is loaded stays: no process looks through it again
        known = _apart(self._measured, (session,), 1800)
        self.there.send(known)
        items = {item.nodeid: item for item in session.items}
        for mutant in self.wanted:
            fate = self._fate(session, items, mutant, known)
            known.kills[fate.killer if fate else ""] += 1
            self.there.send(fate)
        return True

    def _fate(self, session: Any, items: dict[str, Any], mutant: Mutant, known: Known) -> Fate | None:
        exchange = _exchange(self.package, mutant)
        tests = known.asked(mutant)
        if exchange is None or not tests:
            return None
        return _apart(_run, (session, [items[test] for test in tests], exchange), known.patience(tests))

    def _measured(self, session: Any) -> Known:
        known = Known(early=frozenset(_lines(self.package, self.collecting)))
        _forget()
        watched = _watching(self.package)
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            watched.switch_context(item.nodeid)
            start = time.perf_counter()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            known.seconds[item.nodeid] = time.perf_counter() - start
            assert not session.testsfailed, f"{item.nodeid} fails without a mutant"
        watched.stop()
        known.tests.update(_lines(self.package, watched))
        return known


def _watching(package: Path) -> coverage.Coverage:
    """Return what watches, from now on, which lines of the package are run."""
    watched = coverage.Coverage(data_file=None, include=[f"{package}/*"], config_file=False)
    watched.start()
    return watched


def _lines(package: Path, watched: coverage.Coverage) -> dict[tuple[str, int], frozenset[str]]:
    """Return by file and line which tests ran it."""
    found = watched.get_data()
    return {
        (str(Path(path).relative_to(package)), line): frozenset(tests) - {""}
        for path in found.measured_files()
        for line, tests in found.contexts_by_lineno(path).items()
    }


def _run(session: Any, items: Sequence[Any], exchange: Callable[[], None]) -> str:
    """Exchange the code, run tests until one fails; return which."""
    exchange()
    _forget()
    for item, following in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""


def _exchange(package: Path, mutant: Mutant) -> Callable[[], None] | None:
    """Return what gives the function in which a mutant lies its changed code; None where there is none to be had."""
    if not mutant.within or mutant.module not in sys.modules:
        return None
    found: Any = sys.modules[mutant.module]
    for name in mutant.within.split("."):
        found = vars(found).get(name)
    for name in ("fget", "__func__", "func", "wrapped"):
        found = getattr(found, name, found)
    function = inspect.unwrap(found) if callable(found) else found
    code = _code(compile(mutant.text, str(package / mutant.file), "exec"), mutant.within)
    if not isinstance(function, FunctionType) or code is None or function.__code__.co_freevars != code.co_freevars:
        return None
    if function.__code__.co_qualname != code.co_qualname:
        return None
    return lambda: setattr(function, "__code__", code)


def _code(outer: CodeType, name: str) -> CodeType | None:
    inner = [each for each in outer.co_consts if isinstance(each, CodeType)]
    found = [each for each in inner if each.co_qualname == name]
    return found[-1] if found else next((code for each in inner if (code := _code(each, name))), None)


def _forget() -> None:
    """Empty the caches of package and tests."""
    for each in gc.get_objects(generation=None):
        if isinstance(each, functools._lru_cache_wrapper) and str(each.__module__).startswith(("medalopt", "tests")):
            each.cache_clear()


def _apart(task: Callable[..., Any], arguments: tuple[Any, ...], seconds: float) -> Any:
    """Run `task` in a fork; return what it returns, a text as a `Fate`."""
    here, there = multiprocessing.Pipe(duplex=False)
    start = time.perf_counter()
    child = os.fork()
    if not child:
        _answer(there, task, arguments)
    there.close()
    result: Any = "timeout"
    try:
        if here.poll(seconds):
            result = here.recv()
    except EOFError:
        result = "crash"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Fate(result, time.perf_counter() - start) if isinstance(result, str) else result


def _answer(there: Connection, task: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    try:
        there.send(task(*arguments))
    finally:
        os._exit(0)
