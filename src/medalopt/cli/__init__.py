"""The command line: parse, call, print, exit code; nothing else. Heavy imports wait until a command needs them."""

from medalopt.cli.run import main

__all__ = ["main"]
