"""`python -m medalopt` is the same as `medalopt`."""

from medalopt.cli import main

main()
