"""Exit codes and messages of internal errors and interrupts."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.cli.runs import MEDALOPT, PATIENCE, TINY, TOKYO, Run, Terminal, here

from medalopt.cli import run as interrupting
from medalopt.cli.options import report_progress
from medalopt.cli.run import main, print_message, print_output, run_command, run_guarded
from medalopt.errors import NoPlanError, OutputError, SolverError


def _raising(error: BaseException) -> int:
    return run_guarded(lambda: (_ for _ in ()).throw(error), as_json=False)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SolverError("no proof"), 70, "no proof\n"),
        (NoPlanError("x", "unbounded"), 3, "x: unbounded"),
        (BrokenPipeError(), 5, ""),
        (SystemExit(3), 3, ""),
        (asyncio.CancelledError("gone"), 70, "internal error, CancelledError: gone; please report it"),
        (SystemExit("done"), 0, ""),
        (MemoryError("all\ngone\x1b[31m"), 70, "internal error, MemoryError: all gone\\x1b[31m; please report it"),
    ],
)
def test_every_end_has_its_code(error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Each kind of end has its exit code and at most one line without control characters."""
    assert _raising(error) == code
    err = capfd.readouterr().err
    assert said in err and len(err.splitlines()) == (1 if said else 0)
    assert "\x1b" not in err


def test_a_planted_fault_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error deep inside a verb ends with 70 and one line that asks to report it; no traceback."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("medalopt.api.solve_instance", broken)
    ran = here("solve", TINY)
    assert (ran.code, ran.out) == (70, "")
    assert ran.err == "medalopt: internal error, ZeroDivisionError: planted; please report it\n"


@pytest.mark.parametrize(
    "place", ["medalopt.api.solve_instance", "medalopt.cli.app.build_app", "medalopt.cli.options.read_instance"]
)
def test_an_interruption_is_reported_once(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While options are read, files, or a plan is sought: code 130 and one line."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(place, interrupted)
    assert here("solve", TINY) == Run(130, "", "medalopt: interrupted\n")


def test_an_environment_variable_requests_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """With MEDALOPT_TRACEBACK set, whoever mends medalopt sees where it broke."""
    monkeypatch.setenv("MEDALOPT_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        _raising(ZeroDivisionError("planted"))


@pytest.mark.parametrize("delay", [0.1, 0.4, 0.8])
def test_an_interruption_ends_with_130(delay: float) -> None:
    """Ctrl-C ends a run with 130 and one line, wherever it comes."""
    begun = "from medalopt.cli.run import main; print('begun', flush=True); main()"
    command = [MEDALOPT[0], "-c", begun, "solve", TOKYO]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "medalopt: interrupted\n")


def test_a_solver_that_does_not_listen_is_interrupted_too() -> None:
    """A step that keeps Python waiting is ended by the thread that watches."""
    deaf = (
        "import signal, sys\n"
        "from medalopt.cli.run import handle_interrupts\n"
        "with handle_interrupts():\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [])\n"
        "    signal.signal(signal.SIGINT, lambda *_: None)\n"
        "    print('ready', flush=True)\n"
        "    while True: pass\n"
    )
    process = subprocess.Popen([MEDALOPT[0], "-c", deaf], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "medalopt: interrupted\n")


def test_a_terminal_shows_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal long steps are announced with their duration; elsewhere not."""
    for stream, said in ((Terminal(), ["solving x …", "solving x: 0.0 s"]), (io.StringIO(), [])):
        monkeypatch.setattr(sys, "stderr", stream)
        with report_progress("solving x"):
            pass
        assert stream.getvalue().splitlines() == said


def test_without_streams_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed standard error suppresses messages; a closed standard output is an error."""
    monkeypatch.setattr(sys, "stderr", None)
    print_message("nobody hears")
    with report_progress("nothing"), contextlib.redirect_stdout(None), pytest.raises(OutputError, match="closed"):
        print_output("nobody reads")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", TINY]])
def test_output_that_is_full(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever prints, typer or a verb, a full output is code 5 and one line."""
    with Path("/dev/full").open("w", encoding="utf-8") as full, contextlib.redirect_stdout(full):
        assert run_command(arguments) == 5
    assert capfd.readouterr().err == "standard output could not be written (No space left on device)\n"


@pytest.mark.parametrize("arguments", [["--help"], ["check", TINY]])
def test_output_that_is_closed(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever prints, a closed pipe is code 5 and silence."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as pipe, contextlib.redirect_stdout(pipe):
        assert run_command(arguments) == 5
    assert capfd.readouterr().err == ""


def test_main_leaves_with_the_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`main` runs the arguments of the process; interrupted, be it before it began, it leaves with 130 at once."""
    monkeypatch.setattr(sys, "argv", ["medalopt", "slove"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    codes: list[int] = []
    monkeypatch.setattr(sys.modules["medalopt.cli.run"], "run_command", interrupted)
    monkeypatch.setattr(os, "_exit", codes.append)
    with pytest.raises(SystemExit) as left:
        main()
    assert codes == [130] == [left.value.code]
    assert capsys.readouterr().err.endswith("medalopt: interrupted\n")


def test_the_watch_ends_what_does_not_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch waits a while after an interruption, then ends the process; other signals are not its own."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(interrupting, "_GRACE_SECONDS", 0.0)
    for over, expected in ((False, [130]), (True, [])):
        codes.clear()
        reading, writing = os.pipe()
        event = threading.Event()
        if over:
            event.set()
        os.write(writing, bytes([signal.SIGCHLD, signal.SIGINT]))
        os.close(writing)
        interrupting._watch_signals(reading, event)
        assert codes == expected


def test_other_threads_are_not_watched() -> None:
    """Signals reach the main thread alone: a run in another one goes its way."""
    seen: list[bool] = []

    def body() -> None:
        with interrupting.handle_interrupts():
            seen.append(True)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join(timeout=60)
    assert seen == [True]
