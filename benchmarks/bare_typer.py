"""The smallest command line that typer makes: what `medalopt --help` is measured against."""

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
