"""Run the command line as `python -m medalopt`."""

from medalopt.cli import main

main()
