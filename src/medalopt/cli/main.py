"""One run of the command line, from its arguments to its exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130


def main() -> None:
    """Run the command line and leave with its exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # threads for a sum cost more than they save, and alter its bits
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while even that was imported which tells of it
        print("medalopt: interrupted", file=sys.stderr)
        code = INTERRUPTED
    if code == INTERRUPTED:
        _leave()
    sys.exit(code)


def _leave() -> None:
    """End at once: what a library would put away first may take seconds."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(INTERRUPTED)


def run(arguments: Sequence[str]) -> int:
    """Run `medalopt` with `arguments`; return the exit code, having said what went wrong in one line each."""
    from medalopt.cli.ending import ended, say
    from medalopt.cli.interrupting import interruptible

    try:
        with interruptible():
            return ended(lambda: _parsed(list(arguments)), "--json" in arguments)
    except KeyboardInterrupt:
        say("medalopt: interrupted")
        return INTERRUPTED


def _parsed(arguments: list[str]) -> int:
    """Parse the arguments and run the verb they name. Raises UsageError where they name none."""
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
    except OSError as error:  # the verbs end by themselves: this is help that could not be printed
        forget_output()
        raise OutputError(f"standard output could not be written ({error.strerror})") from error
    except typer.TyperException as error:
        if not arguments:
            say(error.format_message())  # the help
            return UsageError.exit_code
        raise UsageError(_cure(error)) from error
    if result == INTERRUPTED:  # so typer hands on an interruption
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _cure(error: Exception) -> str:
    """Return what is wrong with the command line and where its help stands."""
    message = getattr(error, "format_message", error.__str__)().replace("Value error, ", "").rstrip(".")
    command = getattr(getattr(error, "ctx", None), "command_path", "medalopt")
    return f"{message}; {command} --help tells what may stand there"
