"""Run the command line as `python -m medalopt`."""

from medalopt.cli.run import main

main()
