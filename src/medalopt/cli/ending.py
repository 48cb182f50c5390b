"""Exit handling and output: every run ends with an exit code and one line per error, never with a traceback."""

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
_TYPE = re.compile("(\x1b\\[[012]m)")  # bold, faint and plain type, as reports send them to a terminal
_PLAIN = {ord("−"): "-", ord("–"): "-", ord("…"): "...", ord("≈"): "~"}


def ended(action: Callable[[], int], as_json: bool) -> int:
    """Run an action and report its errors.

    Args:
        action: Returns an exit code.
        as_json: Report input errors as JSON too.

    Returns:
        Exit code of the action, or of the error.

    Raises:
        KeyboardInterrupt: Passed on to the caller.
    """
    try:
        return action()
    except MedaloptError as error:
        return _refused(error, as_json)
    except BrokenPipeError:
        forget_output()
        return OutputError.exit_code  # the reader has closed the pipe: print nothing
    except SystemExit as error:
        return _left(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # libraries and extensions raise some that do not derive from Exception
        if os.environ.get("MEDALOPT_TRACEBACK"):
            raise
        say(f"medalopt: a fault of our own, {type(error).__name__}: {_one_line(error)}; please report it")
        return FAULT_OF_OUR_OWN


def say(line: str) -> None:
    """Print a line to standard error, if open.

    Args:
        line: Message; control characters are escaped.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(escape_controls(line), file=sys.stderr, flush=True)


def emit(text: str | Iterable[str]) -> None:
    """Print data to standard output.

    Characters outside the encoding are replaced, control characters escaped as in JSON.

    Args:
        text: Text, or its pieces.

    Raises:
        OutputError: Standard output is closed or full.
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
    """Return a text with control characters escaped, except the type styles of reports."""
    return "".join(part if own % 2 else escape_controls(part) for own, part in enumerate(_TYPE.split(text)))


def _in_its_signs(text: str, encoding: str) -> str:
    """Return a text with characters replaced that the encoding cannot represent."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_PLAIN)
        return plain.encode(encoding, errors="backslashreplace").decode(encoding)
    return text


def _refused(error: MedaloptError, as_json: bool) -> int:
    """Report an error of ours; return its exit code."""
    faults = error.faults if isinstance(error, InputError) else ()
    for line in [str(fault) for fault in faults] or [_one_line(error)]:
        say(line)
    if as_json and isinstance(error, InputError | UsageError | SpreadError):
        from medalopt.report.jsonplan import faults_object, text

        told = faults_object(faults or (Fault("", 0, 0, "", _one_line(error)),))
        return ended(lambda: _told(text(told), error.exit_code), as_json=False)
    return error.exit_code


def _told(text: str, exit_code: int) -> int:
    """Print a text; return the exit code."""
    emit(text)
    return exit_code


def _left(error: SystemExit) -> int:
    """Return the exit code of a SystemExit: typer raises it for a closed pipe and for shell completion."""
    if isinstance(error.__context__, BrokenPipeError):
        forget_output()
        return OutputError.exit_code
    return error.code if isinstance(error.code, int) else 0


def _one_line(error: BaseException) -> str:
    """Return the message of an exception as one short line."""
    return shown(" ".join(str(error).split()), _LONGEST_LINE)


def forget_output() -> None:
    """Redirect standard output to the null device, so that Python does not flush its buffer again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
