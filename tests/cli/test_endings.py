"""How a run ends when something goes wrong that no user can cause, and when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from tests.cli.runs import MEDALOPT, PATIENCE, TINY, TOKYO, here

from medalopt.cli.ending import ended
from medalopt.errors import NoPlanError, SolverError


def _raising(error: BaseException) -> int:
    return ended(lambda: (_ for _ in ()).throw(error), as_json=False)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (SolverError("no proof"), 70, "no proof\n"),
        (NoPlanError("x", "unbounded"), 3, "x: no plan is best"),
        (KeyboardInterrupt(), 130, "medalopt: interrupted\n"),
        (BrokenPipeError(), 5, ""),
        (SystemExit(3), 3, ""),
        (SystemExit("done"), 0, ""),
        (MemoryError("all\ngone\x1b[31m"), 70, "a fault of our own, MemoryError: all gone\\x1b[31m; please report it"),
    ],
)
def test_every_end_has_its_code(error: BaseException, code: int, said: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Each kind of end has its exit code and at most one line, without what a terminal would act on."""
    assert _raising(error) == code
    err = capfd.readouterr().err
    assert said in err and len(err.splitlines()) == (1 if said else 0)
    assert "\x1b" not in err


def test_a_planted_fault_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error deep inside a verb ends with 70 and one line that asks to report it; no traceback."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr("medalopt.solving.solve", broken)
    ran = here("solve", TINY)
    assert (ran.code, ran.out) == (70, "")
    assert ran.err == "medalopt: a fault of our own, ZeroDivisionError: planted; please report it\n"


def test_a_traceback_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With MEDALOPT_TRACEBACK set, whoever mends medalopt sees where it broke."""
    monkeypatch.setenv("MEDALOPT_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        _raising(ZeroDivisionError("planted"))


@pytest.mark.parametrize("delay", [0.15, 0.6, 1.5])
def test_an_interruption_ends_with_130(delay: float) -> None:
    """Ctrl-C ends a run with 130 and one line, wherever it comes."""
    process = subprocess.Popen([*MEDALOPT, "solve", TOKYO], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "medalopt: interrupted\n")


def test_a_solver_that_does_not_listen_is_interrupted_too() -> None:
    """A step that keeps Python waiting is ended by the thread that watches."""
    deaf = (
        "import signal, sys\n"
        "from medalopt.cli.interrupting import interruptible\n"
        "with interruptible():\n"
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
