"""The command line: parse, call, print, exit code; nothing else. Heavy imports wait until a verb needs them."""

from medalopt.cli.main import app, main

__all__ = ["app", "main"]
