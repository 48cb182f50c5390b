"""The command line: parse, call, print, exit code; nothing else. Heavy imports wait until a command needs them."""

from medalopt.cli.main import main

__all__ = ["main"]
