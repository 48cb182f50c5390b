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
        code = run_command(sys.argv[1:])
    except KeyboardInterrupt:  # raised before the exit handling was imported
        print("medalopt: interrupted", file=sys.stderr)
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
    from medalopt.cli.run import handle_interrupts, print_message, run_guarded

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
    from medalopt.cli.run import discard_output, print_message
    from medalopt.errors import OutputError, UsageError

    if sys.flags.optimize > 1:
        raise UsageError(
            "Python was started without docstrings, which Pyomo needs: unset PYTHONOPTIMIZE, or give -O only once"
        )
    try:
        app = build_app(arguments[0] if arguments else "")
        result = app(arguments, prog_name="medalopt", standalone_mode=False)
    except OSError as error:  # commands handle their own errors: this is help that could not be printed
        discard_output()
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
