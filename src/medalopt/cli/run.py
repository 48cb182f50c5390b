"""One run of the command line: every run ends with an exit code and one line per error, never with a traceback.

Interrupts that take effect within a second, also while a solver runs and Python does not regain control.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from medalopt.errors import CoefficientRangeError, Fault, FaultKind, InputError, MedaloptError, OutputError, UsageError
from medalopt.text import escape_control_characters, escape_text

INTERNAL_ERROR, INTERRUPTED = 70, 130
_MAX_LINE_LENGTH = 600
_STYLE_CODES = re.compile("(\x1b\\[[012]m)")  # bold, faint and plain type, as reports send them to a terminal
_ASCII_SUBSTITUTES = {ord("−"): "-", ord("–"): "-", ord("…"): "...", ord("≈"): "~"}


def main() -> None:
    """Run the command line and exit with its code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads slow small sums down, and change their rounding
    try:
        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:
        print_message("medalopt: interrupted")
        code = INTERRUPTED
    if code == INTERRUPTED:
        _exit_interrupted()
    sys.exit(code)


def _exit_interrupted() -> None:
    """Exit at once after an interrupt: cleanup by libraries may take seconds."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(INTERRUPTED)


def run_command(arguments: Sequence[str]) -> int:
    """Run `medalopt` with some arguments; errors are reported in one line each.

    Args:
        arguments: Arguments without the program name.

    Returns:
        Exit code.
    """
    try:
        with handle_interrupts():
            return run_guarded(lambda: _parse_and_run(list(arguments)), "--json" in arguments)
    except KeyboardInterrupt:
        print_message("medalopt: interrupted")
        return INTERRUPTED


def _parse_and_run(arguments: list[str]) -> int:
    """Parse the arguments and run the command. Raises UsageError for an invalid command line."""
    import typer

    from medalopt.cli.app import build_app

    if sys.flags.optimize > 1:
        raise UsageError(
            "Python was started without docstrings, which Pyomo needs: unset PYTHONOPTIMIZE, or give -O only once"
        )
    try:
        app = build_app(arguments[0] if arguments else "")
        result = app(arguments, prog_name="medalopt", standalone_mode=False)
    except OSError as error:  # commands handle their own errors: this is help that could not be printed
        _discard_output()
        raise OutputError(f"standard output could not be written ({error.strerror})") from error
    except typer.TyperException as error:
        if not arguments:
            print_message(error.format_message())  # the help
            return UsageError.exit_code
        raise UsageError(_usage_message(error)) from error
    if result == INTERRUPTED:  # typer's code for an interrupt
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _usage_message(error: Exception) -> str:
    """Return the error of the command line with a reference to its help."""
    message = getattr(error, "format_message", error.__str__)().replace("Value error, ", "").rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "medalopt")
    return f"{message}; {command} --help lists arguments and options"


def run_guarded(action: Callable[[], int], as_json: bool) -> int:
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
        return _report_error(error, as_json)
    except BrokenPipeError:
        _discard_output()
        return OutputError.exit_code  # the reader has closed the pipe: print nothing
    except SystemExit as error:
        return _system_exit_code(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # libraries and extensions raise some that do not derive from Exception
        if os.environ.get("MEDALOPT_TRACEBACK"):
            raise
        print_message(f"medalopt: internal error, {type(error).__name__}: {_single_line(error)}; please report it")
        return INTERNAL_ERROR


def print_message(line: str) -> None:
    """Print a line to standard error, if open.

    Args:
        line: Message; control characters are escaped.
    """
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(escape_control_characters(line), file=sys.stderr, flush=True)


def print_output(text: str | Iterable[str]) -> None:
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
            sys.stdout.write(_replace_unencodable(_escape_unsafe(piece), sys.stdout.encoding or "utf-8"))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _discard_output()
        raise OutputError(f"standard output could not be written ({error.strerror})") from error


def _escape_unsafe(text: str) -> str:
    """Return a text with control characters escaped, except the type styles of reports."""
    return "".join(
        part if number % 2 else escape_control_characters(part) for number, part in enumerate(_STYLE_CODES.split(text))
    )


def _replace_unencodable(text: str, encoding: str) -> str:
    """Return a text with characters replaced that the encoding cannot represent."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        plain = text.translate(_ASCII_SUBSTITUTES)
        return plain.encode(encoding, errors="backslashreplace").decode(encoding)
    return text


def _report_error(error: MedaloptError, as_json: bool) -> int:
    """Report an error of ours; return its exit code."""
    faults = error.faults if isinstance(error, InputError) else ()
    for line in [str(fault) for fault in faults] or [_single_line(error)]:
        print_message(line)
    if as_json and isinstance(error, InputError | UsageError | CoefficientRangeError):
        from medalopt.report.render.json import build_faults_object, render_json

        kind = FaultKind.COEFFICIENT_RANGE if isinstance(error, CoefficientRangeError) else FaultKind.USAGE
        payload = build_faults_object(faults or (Fault("", 0, 0, "", _single_line(error), kind=kind),))
        return run_guarded(lambda: _print_and_return(render_json(payload), error.exit_code), as_json=False)
    return error.exit_code


def _print_and_return(text: str, exit_code: int) -> int:
    """Print a text; return the exit code."""
    print_output(text)
    return exit_code


def _system_exit_code(error: SystemExit) -> int:
    """Return the exit code of a SystemExit: typer raises it for a closed pipe and for shell completion."""
    if isinstance(error.__context__, BrokenPipeError):
        _discard_output()
        return OutputError.exit_code
    return error.code if isinstance(error.code, int) else 0


def _single_line(error: BaseException) -> str:
    """Return the message of an exception as one short line."""
    return escape_text(" ".join(str(error).split()), _MAX_LINE_LENGTH)


def _discard_output() -> None:
    """Redirect standard output to the null device, so that Python does not flush its buffer again at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_GRACE_SECONDS = 0.5  # seconds that Python has to end the run itself


@contextmanager
def handle_interrupts() -> Iterator[None]:
    """Watch for interrupts within the context; end the process if the body does not react to one.

    Python handles signals between bytecode instructions only, and a solver call is one; a thread sees them at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    over = threading.Event()
    before = signal.set_wakeup_fd(writing)
    threading.Thread(target=_watch_signals, args=(reading, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(before)
        os.close(writing)  # ends the watching thread


def _watch_signals(reading: int, over: threading.Event) -> None:
    """Read signal numbers from a pipe; end the process if an interrupt is not handled in time."""
    while heard := os.read(reading, 1):
        if heard[0] == signal.SIGINT and not over.wait(_GRACE_SECONDS):
            print_message("medalopt: interrupted")
            os._exit(INTERRUPTED)
    os.close(reading)
