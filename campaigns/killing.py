"""Run the tests on mutants, each in a forked process: in place where possible, or from a fresh start.

In place, the collected tests are kept and only the code of the mutated function is exchanged: a fork and the tests that
run that line suffice. If a mutant changes imports or collection, a process with only the libraries imports the changed
package again.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import coverage
import highspy
import pytest
from hypothesis import HealthCheck, settings

from campaigns.exchange import prepare_code_exchange
from campaigns.forks import CONTEXT, Fate, apart, shared
from campaigns.mutants import Mutant

LIBRARIES = ("highspy", "numpy", "pandas", "pint", "pydantic", "pyomo.environ", "pyomo.repn.linear")
LIBRARIES += ("rich.console", "swiglpk", "typer", "yaml", "yamlcore", "hypothesis.strategies")
_QUIET = ["-q", "-x", "-W", "ignore:Module already imported"]
_QUIET += [each for name in ("cacheprovider", "xdist", "cov") for each in ("-p", f"no:{name}")]
_PATIENCE = 5.0  # times the tests' own time, that a mutant may take
_LONGEST, _ENOUGH = 6.0, 8.0  # seconds, watched: of a test, of all that a mutant is tried with


@dataclass
class LineCoverage:
    """Tests on the unchanged code: processor time of each, and the tests that run each line."""

    seconds: dict[str, float] = field(default_factory=dict)
    tests: dict[tuple[str, int], frozenset[str]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)  # how many mutants a test has killed so far
    early: frozenset[tuple[str, int]] = frozenset()  # lines that are run while the tests are collected

    def asked(self, mutant: Mutant) -> list[str]:
        """Return the tests that run a mutant's line: first the quick, the deadly, its file's own, one of each kind.

        Where no line of its own is run they are those that run its function; all where it is run on import.
        """
        around = {test for line in range(*mutant.body) for test in self.tests.get((mutant.file, line), ())}
        found = self.tests.get((mutant.file, mutant.line)) or around if mutant.within else set(self.seconds)
        alike, order = Counter[str](), {}
        for test in sorted(found, key=lambda test: (self.seconds[test], test)):
            kind = test.partition("[")[0]
            alike[kind] += 1
            order[test] = self.seconds[test] * alike[kind] / (_nearness(test, mutant) * (1 + self.kills[test]))
        quick = sorted((test for test in found if self.seconds[test] <= _LONGEST), key=lambda test: (order[test], test))
        return quick[: self._within(quick, _ENOUGH) + 1]

    def _within(self, tests: Sequence[str], limit: float) -> int:
        """Return how many of these tests, one after the other, take no longer than `limit` seconds."""
        return bisect_left(list(accumulate(self.seconds[test] for test in tests)), limit)

    def settled(self, mutant: Mutant) -> bool:
        """Return whether no code that a mutant changes runs before the tests do."""
        return bool(mutant.within) and not any((mutant.file, line) in self.early for line in range(*mutant.body))

    def patience(self, tests: Sequence[str]) -> float:
        """Return the seconds that these tests may take."""
        return 60 + _PATIENCE * sum(self.seconds[test] for test in tests)


def _nearness(test: str, mutant: Mutant) -> int:
    """Return the priority of a test: higher if it names the module, or belongs to its file."""
    if f"[{mutant.module}." in test:
        return 1000
    if f"/test_{Path(mutant.file).stem}" in test:
        return 3 if mutant.within else 30
    return 1


def ready() -> None:
    """Load the libraries: a new process starts with them."""
    for name in LIBRARIES:
        importlib.import_module(name)
    settings.register_profile("campaign", derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    settings.load_profile("campaign")
    os.environ["OPENBLAS_NUM_THREADS"] = "1"


def in_place(package: Path, folders: Sequence[str], wanted: Sequence[Mutant], jobs: int) -> Iterator[Any]:
    """Yield the `LineCoverage` data, then each mutant with its fate; None where a fresh start is needed."""
    queue = CONTEXT.SimpleQueue()
    child = os.fork()
    if not child:
        os.setpgrp()
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        pytest.main([*_QUIET, *folders], plugins=[_Campaign(package, wanted, jobs, queue, _watching(package))])
        os._exit(0)
    yield from _answers(queue, child, 1 + len(wanted))


def afresh(package: Path, wanted: Sequence[Mutant], known: LineCoverage, jobs: int) -> Iterator[tuple[Mutant, Fate]]:
    """Yield mutants with their fates, each in a process that imports the changed package from the start."""
    queue = CONTEXT.SimpleQueue()

    def work(mutants: Sequence[Mutant]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            own = Path(shutil.copytree(package, Path(folder) / package.name))
            sys.path.insert(0, folder)
            for mutant in mutants:
                queue.put((mutant, _imported(own, mutant, known)))

    child = os.fork()
    if not child:
        os.setpgrp()
        shared(work, wanted, jobs)
        os._exit(0)
    yield from _answers(queue, child, len(wanted))


def _answers(queue: Any, child: int, count: int) -> Iterator[Any]:
    """Yield so many answers of a process; then, or when no more are wanted, end it with all that it has started."""
    try:
        for _ in range(count):
            yield queue.get()
    finally:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _imported(package: Path, mutant: Mutant, known: LineCoverage) -> Fate:
    tests = known.asked(mutant)
    if not tests:
        return Fate("", 0)
    path = package / mutant.file
    kept = path.read_text(encoding="utf-8")
    path.write_text(mutant.text, encoding="utf-8")
    try:
        fate: Fate = apart(_started, (mutant, tests), known.patience(tests))
        known.kills[fate.killer] += 1
        return fate
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
        """Called by pytest with how a test went."""
        if report.failed and not self.name:
            self.name = report.nodeid


@dataclass
class _Chosen:
    """Has only the tests run that are wanted, in their order."""

    tests: list[str]

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Called by pytest with the tests that it has found."""
        place = {test: number for number, test in enumerate(self.tests)}
        items[:] = sorted((item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid])


@dataclass
class _Campaign:
    """Once the tests are collected: runs them on the code as it is, and then on each mutant."""

    package: Path
    wanted: Sequence[Mutant]
    jobs: int
    queue: Any
    collecting: coverage.Coverage

    def pytest_runtestloop(self, session: Any) -> bool:
        """Called by pytest to run the tests."""
        self.collecting.stop()
        highspy.Highs.resetGlobalScheduler(True)  # a fork has none of its threads and would wait for them for ever
        gc.collect()
        caches = [each for each in gc.get_objects() if isinstance(each, functools._lru_cache_wrapper)]
        self.caches = [each for each in caches if str(each.__module__).startswith(("medalopt", "tests"))]
        gc.freeze()  # what is loaded stays: no process looks through it again
        try:
            known = self._measured(session.items)
        except AssertionError as error:
            self.queue.put(error)
            os._exit(1)
        self.queue.put(known)
        items = {item.nodeid: item for item in session.items}

        def work(mutants: Sequence[Mutant]) -> None:
            for mutant in mutants:
                fate = self._fate(session, items, mutant, known)
                known.kills[fate.killer if fate else ""] += 1
                self.queue.put((mutant, fate))

        shared(work, self.wanted, self.jobs)
        return True

    def _forget(self) -> None:
        for each in self.caches:
            each.cache_clear()

    def _fate(self, session: Any, items: dict[str, Any], mutant: Mutant, known: LineCoverage) -> Fate | None:
        exchange = prepare_code_exchange(mutant.module, mutant.within, mutant.text, str(self.package / mutant.file))
        tests = known.asked(mutant)
        if exchange is None or not tests:
            return None
        return apart(self._run, (session, [items[test] for test in tests], exchange), known.patience(tests))

    def _measured(self, items: Sequence[Any]) -> LineCoverage:
        """Return times and lines of the tests on the unchanged code; each process runs some of the files."""
        known, answers = LineCoverage(early=frozenset(_lines(self.package, self.collecting))), CONTEXT.SimpleQueue()
        files = list(dict.fromkeys(item.path for item in items))

        def work(some: Sequence[Path]) -> None:
            answers.put(self._run_once([item for item in items if item.path in some]))

        child = os.fork()
        if not child:
            shared(work, files, self.jobs)
            os._exit(0)
        for _ in range(min(self.jobs, len(files))):
            answer = answers.get()
            if isinstance(answer, str):
                raise AssertionError(f"{answer} fails without a mutant")
            seconds, lines = answer
            known.seconds.update(seconds)
            for place, tests in lines.items():
                known.tests[place] = known.tests.get(place, frozenset()) | tests
        os.waitpid(child, 0)
        return known

    def _run_once(self, items: Sequence[Any]) -> Any:
        """Return the times of some tests and the lines they run; or the failing one."""
        self._forget()
        seconds = {}
        watched = _watching(self.package)
        signal.signal(signal.SIGVTALRM, lambda *_: pytest.skip("takes too long to be asked"))
        for item, following in zip(items, [*items[1:], None], strict=True):
            watched.switch_context(item.nodeid)
            start = time.process_time()
            signal.setitimer(signal.ITIMER_VIRTUAL, 2 * _LONGEST)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            seconds[item.nodeid] = time.process_time() - start
            if item.session.testsfailed:
                return item.nodeid
        watched.stop()
        return seconds, _lines(self.package, watched)

    def _run(self, session: Any, items: Sequence[Any], exchange: Callable[[], None]) -> str:
        """Exchange the code, run tests until one fails; return which."""
        exchange()
        self._forget()
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                return str(item.nodeid)
        return ""


def _watching(package: Path) -> coverage.Coverage:
    """Return a tracer of the lines of the package that run from now on."""
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
