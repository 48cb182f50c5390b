"""The smallest command line of typer, the reference for `medalopt --help`."""

import typer

app = typer.Typer()


@app.command()
def solve(instance: str) -> None:
    """Print the name of an instance."""
    print(instance)


@app.command()
def check(instance: str) -> None:
    """Print the name of an instance."""
    print(instance)


app()
