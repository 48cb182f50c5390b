"""One run of the command line, from its arguments to its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads slow small sums down, and change their rounding
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # raised before the exit handling was imported
        print("medalopt: interrupted", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED:
        _leave()
    sys.exit(code)


def _leave() -> None:
    """Exit at once after an interrupt: cleanup by libraries may take seconds."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(INTERRUPTED)


def run(arguments: Sequence[str]) -> int:
    """Run `medalopt` with some arguments; errors are reported in one line each.

    Args:
        arguments: Arguments without the program name.

    Returns:
        Exit code.
    """
    from medalopt.cli.ending import ended, say
    from medalopt.cli.interrupting import interruptible

    try:
        with interruptible():
            return ended(lambda: _parsed(list(arguments)), "--json" in arguments)
    except KeyboardInterrupt:
        say("medalopt: interrupted")
        return INTERRUPTED


def _parsed(arguments: list[str]) -> int:
    """Parse the arguments and run the command. Raises UsageError for an invalid command line."""
    import typer

    from medalopt.cli.app import app
    from medalopt.cli.ending import forget_output, say
    from medalopt.errors import OutputError, UsageError

    if sys.flags.optimize > 1:
        raise UsageError(
            "Python takes the docstrings away, and Pyomo needs them: unset PYTHONOPTIMIZE, or give -O once"
        )
    try:
        result = app(arguments, prog_name="medalopt", standalone_mode=False)
    except OSError as error:  # commands handle their own errors: this is help that could not be printed
        forget_output()
        raise OutputError(f"standard output could not be written ({error.strerror})") from error
    except typer.TyperException as error:
        if not arguments:
            say(error.format_message())  # the help
            return UsageError.exit_code
        raise UsageError(_cure(error)) from error
    if result == INTERRUPTED:  # typer's code for an interrupt
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _cure(error: Exception) -> str:
    """Return the error of the command line with a reference to its help."""
    message = getattr(error, "format_message", error.__str__)().replace("Value error, ", "").rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "medalopt")
    return f"{message}; {command} --help tells what may stand there"
