"""How every run ends: with an exit code and, where something is wrong, one line each. Never with a traceback."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable

from medalopt.errors import Fault, InputError, MedaloptError, OutputError, SpreadError, UsageError
from medalopt.wording import escape_controls, shown

FAULT_OF_OUR_OWN, INTERRUPTED = 70, 130
_LONGEST_LINE = 600
_TYPE = re.compile("(\x1b\\[[012]m)")  # bold, faint and plain type: what a report itself sends to a terminal
_PLAIN = {ord("−"): "-", ord("–"): "-", ord("…"): "...", ord("≈"): "~"}


def ended(action: Callable[[], int], as_json: bool) -> int:
    """Run `action`; return its exit code, or that of what went wrong, which is told (`as_json`: as JSON too).

    An interruption goes on to who began the run.
    """
    try:
        return action()
    except MedaloptError as error:
        return _refused(error, as_json)
    except BrokenPipeError:
        forget_output()
        return OutputError.exit_code  # who closed the pipe wants no more words
    except SystemExit as error:
        return _left(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # libraries and extensions raise some that are no Exception
        if os.environ.get("MEDALOPT_TRACEBACK"):
            raise
        say(f"medalopt: a fault of our own, {type(error).__name__}: {_one_line(error)}; please report it")
        return FAULT_OF_OUR_OWN


def say(line: str) -> None:
    """Print a line to standard error; where that is closed there is nobody to tell."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(escape_controls(line), file=sys.stderr, flush=True)


def emit(text: str | Iterable[str]) -> None:
    """Print data, in one piece or in several, to standard output. Raises OutputError where that is full or closed.

    Signs that its encoding does not know are replaced by plain ones, control characters by what JSON writes for them.
    """
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        for piece in [text] if isinstance(text, str) else text:
            sys.stdout.write(_in_its_signs(_harmless(piece), sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        raise OutputError(f"standard output could not be written ({error.strerror})") from error


def _harmless(text: str) -> str:
    return "".join(part if own % 2 else escape_controls(part) for own, part in enumerate(_TYPE.split(text)))


def _in_its_signs(text: str, encoding: str) -> str:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, errors="backslashreplace").decode(encoding)
    return text


def _refused(error: MedaloptError, as_json: bool) -> int:
    faults = error.faults if isinstance(error, InputError) else ()
    for line in [str(fault) for fault in faults] or [_one_line(error)]:
        say(line)
    if as_json and isinstance(error, InputError | UsageError | SpreadError):
        from medalopt.report.jsonplan import faults_object, text

        told = faults_object(faults or (Fault("", 0, 0, "", _one_line(error)),))
        return ended(lambda: _told(text(told), error.exit_code), as_json=False)
    return error.exit_code


def _told(text: str, exit_code: int) -> int:
    emit(text)
    return exit_code


def _left(error: SystemExit) -> int:
    """Return the exit code of who left by himself: typer does so when a pipe is closed, and to complete a word."""
    if isinstance(error.__context__, BrokenPipeError):
        forget_output()
        return OutputError.exit_code
    return error.code if isinstance(error.code, int) else 0


def _one_line(error: BaseException) -> str:
    return shown(" ".join(str(error).split()), _LONGEST_LINE)


def forget_output() -> None:
    """Standard output takes no more: what still waits in its buffer must not be tried again when Python ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
