"""Variants answered by processes: the same bits whoever solves them, kept in a journal, ended at any time."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.analysis.sensitivity.test_tornado import BY_HAND
from tests.analysis.varied import ROOT, TINY
from tests.cli.runs import TOKYO

from medalopt.analysis import process_pool
from medalopt.analysis.process_pool import ScenarioResult, ScenarioResults, solve_scenarios
from medalopt.analysis.result_cache import ResultCache, compute_line_digest, open_result_cache
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import OutputError, SolverError, UsageError

ASKED = [
    *({f"devices.{device}.content.{metal}": f"{grams} g/t"} for device, metal in (("phone", "Ag"), ("laptop", "Ag"))
      for grams in (700, 900, 1_100)),
    {"medals.gold.count": "60"},
    {"market.zinc.price": "99 JPY/kg"},
]  # fmt: skip


@pytest.fixture(scope="module")
def alone() -> ScenarioResults:
    """Return the results of one process."""
    return solve_scenarios(ScenarioRunner(TINY), ASKED, 1)


def test_as_many_processes_as_one_likes(alone: ScenarioResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes give bit-identical results, and every finished scenario is reported."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    reported: list[tuple[int, int]] = []
    assert (
        solve_scenarios(ScenarioRunner(TINY), ASKED, 2, report_progress=lambda done, of: reported.append((done, of)))
        == alone
    )
    assert reported == [(done, len(ASKED)) for done in range(len(ASKED) + 1)]


def test_a_large_instance_is_solved_by_decomposition(alone: ScenarioResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variants of a large instance are planned one by one, by decomposition, and come to the same."""
    monkeypatch.setattr("medalopt.solve_instance.DECOMPOSITION_THRESHOLD", 0)
    variants = ScenarioRunner(TINY)
    found = solve_scenarios(variants, ASKED, 1).results
    assert "moving" not in variants.__dict__
    for one, other in zip(found, alone.results, strict=True):
        assert one is not None and other is not None and one.status == other.status
        assert (one.value or 0.0) == pytest.approx(other.value or 0.0, rel=1e-8)


def test_the_order_does_not_matter(alone: ScenarioResults) -> None:
    """Solving in reverse order with the same program gives the same bits."""
    variants = ScenarioRunner(TINY)
    assert variants.solve_scenario(variants.build_scenario(ASKED[6])).status == "infeasible"
    assert solve_scenarios(variants, ASKED[::-1], 1).results[::-1] == alone.results


def test_no_plan_and_no_instance() -> None:
    """Infeasible and invalid scenarios are reported among the results."""
    found = solve_scenarios(
        ScenarioRunner(TINY), [{"medals.gold.count": "60"}, {"smelters.near.returned.Ag": "101 %"}], 1
    ).results
    assert found[0] == ScenarioResult("infeasible", None)
    assert found[1] is not None and found[1].status == "wrong"
    assert "between 0 % and 100 %" in found[1].said
    assert not found[1].feasible


def test_what_cannot_be_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant that the solver has no proven answer for does not end the others."""
    variants = ScenarioRunner(TINY)

    def refuse(variant: object = None) -> None:
        raise SolverError("no proof")

    monkeypatch.setattr(variants, "solve_scenario", refuse)
    assert solve_scenarios(variants, ASKED[:1], 1).results == (ScenarioResult("unanswered", None, "no proof"),)


def test_a_fault_of_our_own_costs_one_row(alone: ScenarioResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant in which medalopt itself fails says so in its own answer, and the next one is answered."""
    variants = ScenarioRunner(TINY)
    apply = variants.apply_changes

    def fail(changes: dict[str, str]) -> object:
        if changes == ASKED[0]:
            raise ZeroDivisionError("planted")
        return apply(changes)

    monkeypatch.setattr(variants, "apply_changes", fail)
    first, second = solve_scenarios(variants, ASKED[:2], 1).results
    assert first == ScenarioResult("unanswered", None, "internal error, ZeroDivisionError: planted; please report it")
    assert second == alone.results[1]


def test_a_process_answers_as_its_parent_does(
    alone: ScenarioResults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker function ignores Ctrl-C and starts from the basis that it received."""
    handled: list[object] = []
    monkeypatch.setattr(process_pool.signal, "signal", lambda *arguments: handled.extend(arguments))
    monkeypatch.setattr(process_pool.os, "_exit", lambda code: None)
    monkeypatch.setattr(process_pool.multiprocessing, "parent_process", multiprocessing.current_process)
    monkeypatch.setattr(process_pool, "_exit_with_parent", handled.append)
    stored = tmp_path / "start"
    stored.write_bytes(pickle.dumps(process_pool.WorkerSetup.capture(ScenarioRunner(TINY))))
    process_pool._initialize_worker(stored)
    assert process_pool._solve_in_worker(ASKED[0]) == alone.results[0]
    assert handled[:2] == [signal.SIGINT, signal.SIG_IGN]
    assert handled[2] is multiprocessing.current_process()


def test_where_the_parent_is_gone_a_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose parent has ended does not stay."""
    codes: list[int] = []
    monkeypatch.setattr(process_pool.os, "_exit", codes.append)
    gone = multiprocessing.get_context("spawn").Process()
    monkeypatch.setattr(gone, "join", lambda: None)
    process_pool._exit_with_parent(gone)
    assert codes == [1]


def test_as_many_as_there_are_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Left out, the number of processes is that of the processors, where the system tells which are ours, of those."""
    assert process_pool.count_cores() >= 1
    monkeypatch.delattr(process_pool.os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(process_pool.os, "cpu_count", lambda: None)
    assert process_pool.count_cores() == 1


def interrupting(after: int) -> process_pool.ProgressCallback:
    """Return a progress callback that raises KeyboardInterrupt after some results."""

    def report(done: int, of: int) -> None:
        if done == after:
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize("jobs", [1, 2])
def test_ctrl_c_keeps_what_is_done(alone: ScenarioResults, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted, the answers until then are there, the others not, and no process is left."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    found = solve_scenarios(ScenarioRunner(TINY), ASKED, jobs, report_progress=interrupting(3))
    assert found.interrupted
    there = {number: answer for number, answer in enumerate(found.results) if answer is not None}
    assert len(there) == 3
    assert all(answer == alone.results[number] for number, answer in there.items())


def test_processes_that_die(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system kills every process, the message says so and suggests a remedy."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    monkeypatch.setattr(process_pool, "MAX_FAILED_PROCESSES", 1)
    monkeypatch.setattr(process_pool, "_solve_in_worker", os._exit)
    with pytest.raises(SolverError, match="--jobs 1"):
        solve_scenarios(ScenarioRunner(TINY), [3] * 4, 2)  # type: ignore[list-item]


def fatal(changes: dict[str, str]) -> ScenarioResult:
    """End the process at one of the variants, and answer the others."""
    return os._exit(9) if changes == ASKED[2] else process_pool._solve_in_worker(changes)


def test_a_process_that_dies_costs_nothing(alone: ScenarioResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scenario that repeatedly kills its process is reported and not cached; others are solved."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    monkeypatch.setattr(process_pool, "_solve_in_worker", fatal)
    found = solve_scenarios(ScenarioRunner(TINY), ASKED[2:4], 2).results
    assert found == (process_pool.PROCESS_ENDED, alone.results[3])


def test_a_process_that_is_killed_as_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process killed during its start does not block the run and loses no scenario."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    variants = ScenarioRunner(TOKYO)
    assert len(pickle.dumps(process_pool.WorkerSetup.capture(variants))) > 2 * 65_536, "more than a pipe holds"
    found: list[ScenarioResults] = []
    asked = [{"medals.gold.count": "1_000"}, {"medals.gold.count": "1_100"}]
    work = threading.Thread(target=lambda: found.append(solve_scenarios(variants, asked, 2)), daemon=True)
    others = set(multiprocessing.active_children())
    work.start()
    for _ in waiting(60):
        children = set(multiprocessing.active_children()) - others
        if len(children) == len(asked):  # earlier, CPython 3.11 may change its list of processes while it counts them
            children.pop().kill()
            break
    work.join(timeout=180)
    assert not work.is_alive() and [one.status for one in found[0].results if one] == ["optimal"] * 2


def test_a_pool_that_closes_while_a_process_starts(alone: ScenarioResults, monkeypatch: pytest.MonkeyPatch) -> None:
    """If a kill closes the queues of the next process, its scenarios are solved all the same."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    submit, closed = ProcessPoolExecutor.submit, [OSError("handle is closed")]

    def submit_once_closed(pool: ProcessPoolExecutor, *given: Any) -> Any:
        if closed:
            raise closed.pop()
        return submit(pool, *given)

    monkeypatch.setattr(ProcessPoolExecutor, "submit", submit_once_closed)
    found = solve_scenarios(ScenarioRunner(TINY), ASKED[2:4], 2).results
    assert found == alone.results[2:4]


def test_without_a_place_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a temporary folder one line says so, and how to run without processes."""
    monkeypatch.setattr(process_pool, "SECONDS_BEFORE_POOL", 0.0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(OutputError, match="--jobs 1 needs none"):
        solve_scenarios(ScenarioRunner(TINY), ASKED[:2], 2)


def test_two_runs_do_not_share_a_journal(tmp_path: Path) -> None:
    """A second run with the same cache file is rejected at once, and works after the first has ended."""
    instance, path = ScenarioRunner(TINY).instance, tmp_path / "kept"
    with open_result_cache(path, instance, "cost") as kept:
        assert kept is not None
        with pytest.raises(UsageError, match="is in use by another run"):
            ResultCache(path, instance, "cost")
        kept.add_result({"a": "1"}, ScenarioResult("optimal", 1.0))
    with open_result_cache(path, instance, "cost") as again:
        assert again is not None and again.find_result({"a": "1"}) == ScenarioResult("optimal", 1.0)


def test_where_files_cannot_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks keeps a journal all the same."""

    def refuse(_: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("medalopt.analysis.result_cache._lock", refuse)
    ResultCache(tmp_path / "kept", ScenarioRunner(TINY).instance, "cost").close()
    assert (tmp_path / "kept").read_bytes()


def test_an_altered_answer_is_found_out(alone: ScenarioResults, tmp_path: Path) -> None:
    """An altered value breaks its line's digest; with a forged digest, re-solving detects it."""
    path, variants = tmp_path / "kept", ScenarioRunner(TINY)
    with open_result_cache(path, variants.instance, "cost") as kept:
        solve_scenarios(variants, ASKED, 1, kept)
    text = path.read_text()
    assert alone.results[0] is not None and alone.results[0].value is not None
    path.write_text(text.replace(repr(alone.results[0].value), repr(alone.results[0].value - 1000)))
    with pytest.raises(UsageError, match="line 2 is damaged, altered or from another journal"):
        ResultCache(path, variants.instance, "cost")
    path.unlink()
    with open_result_cache(path, variants.instance, "cost") as kept:
        assert kept is not None
        for changes, answer in zip(ASKED, alone.results, strict=True):
            assert answer is not None
            kept.add_result(
                changes, ScenarioResult(answer.status, None if answer.value is None else answer.value * 1.001)
            )
    with (
        open_result_cache(path, variants.instance, "cost") as kept,
        pytest.raises(UsageError, match=r"has another result for"),
    ):
        solve_scenarios(variants, ASKED, 1, kept)


def test_a_second_head_of_a_journal_is_no_answer(tmp_path: Path) -> None:
    """The first line again, with a digest that fits it, holds no answer and is refused with its number."""
    instance = ScenarioRunner(TINY).instance
    ResultCache(tmp_path / "kept", instance, "cost").close()
    head = json.loads((tmp_path / "kept").read_text().splitlines()[0])
    with (tmp_path / "kept").open("a") as file:
        file.write(json.dumps({**head, "check": compute_line_digest(head, head)}) + "\n")
    with pytest.raises(UsageError, match="line 2 is damaged, altered or from another journal"):
        ResultCache(tmp_path / "kept", instance, "cost")


def test_a_line_of_another_journal(tmp_path: Path) -> None:
    """A line that was copied from the journal of another objective is refused."""
    instance = ScenarioRunner(TINY).instance
    for measure in ("cost", "footprint"):
        with open_result_cache(tmp_path / measure, instance, measure) as kept:
            assert kept is not None
            kept.add_result({"a": measure}, ScenarioResult("infeasible", None))
    with (tmp_path / "cost").open("a") as file:
        file.write((tmp_path / "footprint").read_text().splitlines(keepends=True)[1])
    with pytest.raises(UsageError, match="line 3 is damaged, altered or from another journal"):
        ResultCache(tmp_path / "cost", instance, "cost")


def test_which_answers_are_solved_again(tmp_path: Path) -> None:
    """Three of a few, two per cent of many, always the same of the same journal."""
    with open_result_cache(tmp_path / "kept", ScenarioRunner(TINY).instance, "cost") as kept:
        assert kept is not None
        many = {number: {"a": str(number)} for number in range(1_000)}
        assert len(kept.select_sample(many)) == 20 and kept.select_sample(many) == kept.select_sample(
            dict(reversed(many.items()))
        )
        assert len(kept.select_sample({number: many[number] for number in range(10)})) == 3
        assert kept.select_sample({5: {}}) == [5]


@pytest.mark.parametrize(("one", "other", "same"), [
    (ScenarioResult("optimal", 1e9), ScenarioResult("optimal", 1e9 + 1), True),
    (ScenarioResult("optimal", 1e9), ScenarioResult("optimal", 1e9 + 1e4), False),
    (ScenarioResult("optimal", 1.0), ScenarioResult("infeasible", None), False),
    (ScenarioResult("wrong", None, "a"), ScenarioResult("wrong", None, "b"), True),
    (ScenarioResult("unanswered", None), ScenarioResult("optimal", 1.0), True),
])  # fmt: skip
def test_what_is_the_same_answer(one: ScenarioResult, other: ScenarioResult, same: bool) -> None:
    """Cached values may differ by rounding; an unsolved scenario may be solved later."""
    assert one.agrees_with(other) is same and other.agrees_with(one) is same


def test_a_journal_goes_on_where_it_was_cut_off(alone: ScenarioResults, tmp_path: Path) -> None:
    """A cache file truncated within a line is resumed: only complete lines are reused."""
    path = tmp_path / "kept.jsonl"
    variants = ScenarioRunner(TINY)
    with open_result_cache(path, variants.instance, "cost") as kept:
        assert kept is not None
        solve_scenarios(variants, ASKED, 1, kept, interrupting(5))
    path.write_bytes(path.read_bytes()[:-9])
    reported: list[int] = []
    fresh = ScenarioRunner(TINY)
    with open_result_cache(path, fresh.instance, "cost") as kept:
        assert kept is not None and len(kept) == 4
        assert solve_scenarios(fresh, ASKED, 1, kept, lambda done, of: reported.append(done)) == alone
    assert reported == [4, 5, 6, 7, 8]
    assert len(path.read_text().splitlines()) == 1 + len(ASKED)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,device\n", "is not a journal"),
        ('{"format": "medalopt/journal/2", "instance": "other"}\n', "belongs to another instance"),
        ('{"format": "medalopt/journal/1", "instance": "other"}\n', "belongs to another version"),
        ('{"format": "medalopt/journal/1", broken\n', "belongs to another version"),
        ("HEADER\n{}\n", "line 2 is damaged"),
        ('HEADER\n{"variant": "a", "status": "optimal", "value": NaN, "said": ""}\n', "line 2 is damaged"),
        ('HEADER\n{"variant": [], "status": {}, "value": "1", "said": 3, "check": {}}\n', "line 2 is damaged"),
        (f"HEADER\n{'[' * 50_000}\n", "line 2 is damaged"),
        (f'HEADER\n{{"variant": {"1" * 9_999}}}\n', "line 2 is damaged"),
        (f"HEADER\n{' ' * 70_000}{{}}\n", "line 2 is damaged"),
        ("HEADER\n\n", "line 2 is damaged"),
        ("HEADER\nHEADER\n", "line 2 is damaged"),
        ('{"format": "medalopt/journal/2", "instance": ' + "[" * 50_000 + "\n", "belongs to another version"),
        ('HEADER\n{"variant": "a", "status": "optimal", "value": null, "said": ""}\n', "line 2 is damaged"),
    ],
)
def test_a_journal_of_something_else(content: str, said: str, tmp_path: Path) -> None:
    """A file that is not a cache of this run is left unchanged and reported."""
    instance = ScenarioRunner(TINY).instance
    path = tmp_path / "kept.jsonl"
    ResultCache(path, instance, "cost").close()
    text = content.replace("HEADER", path.read_text().strip())
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        ResultCache(path, instance, "cost")
    assert path.read_text() == text


def test_a_journal_for_another_measure(tmp_path: Path) -> None:
    """Answers for the cost are none for the footprint."""
    instance = ScenarioRunner(TINY).instance
    ResultCache(tmp_path / "kept", instance, "cost").close()
    with pytest.raises(UsageError, match="another objective"):
        ResultCache(tmp_path / "kept", instance, "footprint")


def test_a_journal_that_cannot_be_written(tmp_path: Path) -> None:
    """Without the folder, on a folder, or on a full disk, the journal says so."""
    instance = ScenarioRunner(TINY).instance
    with pytest.raises(OutputError, match="could not be written"):
        ResultCache(tmp_path / "none" / "kept", instance, "cost")
    with pytest.raises(UsageError, match="not a regular file"):
        ResultCache(tmp_path, instance, "cost")
    kept = ResultCache(tmp_path / "kept", instance, "cost")
    kept.close()
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OutputError, match="could not be written"):
        kept._file = full
        kept.add_result({}, ScenarioResult("infeasible", None))


def test_what_cannot_be_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe, a name that is none and a file that is too large are refused, and keep nobody waiting."""
    instance = ScenarioRunner(TINY).instance
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="not a regular file"):
        ResultCache(tmp_path / "pipe", instance, "cost")
    with pytest.raises(OutputError, match="not a path"):
        ResultCache(tmp_path / "a\0b", instance, "cost")
    ResultCache(tmp_path / "kept", instance, "cost").close()
    monkeypatch.setattr("medalopt.analysis.result_cache.MAX_JOURNAL_BYTES", 10)
    with pytest.raises(UsageError, match="not a regular file"):
        ResultCache(tmp_path / "kept", instance, "cost")


def test_killed_and_resumed_the_bytes_are_the_same(tmp_path: Path) -> None:
    """A run that is killed with its processes, and begun again, ends with the bytes of one that was not."""
    command = [sys.executable, "-m", "medalopt", "sensitivity", str(BY_HAND), "--tornado", "--json"]
    kept = tmp_path / "kept.jsonl"
    with subprocess.Popen([*command, "--journal", str(kept)], stdout=subprocess.DEVNULL, cwd=ROOT) as run:
        for _ in waiting(60):
            if kept.exists() and kept.read_bytes().count(b"\n") > 5:
                break
        run.send_signal(signal.SIGKILL)
    before = kept.read_bytes().count(b"\n")
    whole = subprocess.run([*command, "--jobs", "1"], capture_output=True, check=True, cwd=ROOT).stdout
    again = [*command, "--journal", str(kept), "--jobs", "2"]
    resumed = subprocess.run(again, capture_output=True, check=True, cwd=ROOT).stdout
    assert resumed == whole
    assert 5 < before <= kept.read_bytes().count(b"\n") == 1 + 2 * json.loads(whole)["tornado"]["asked"] + 1


def waiting(seconds: float) -> Iterator[None]:
    """Yield until so many seconds are over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.002)
        yield
