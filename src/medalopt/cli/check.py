"""`medalopt check`, `schema` and `new`: validate an instance, print its JSON schema, write a starter instance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli.common import Changes, InstanceFile, Json, check_new, place, read
from medalopt.cli.ending import emit, say
from medalopt.errors import UsageError
from medalopt.wording import shown


def check(instance: InstanceFile, set_: Changes = None, json: Json = False) -> int:
    """Check an instance: every mistake of every file at once, with line and cure; what is odd draws a warning."""
    figures = read(instance, set_, scenarios=True)
    if json:
        from medalopt.report.jsonplan import checked_object, text

        emit(text(checked_object(figures)))
    else:
        from medalopt.report.instance import described

        emit(described(figures))
    return 0


def schema() -> int:
    """Print the JSON Schema of the instance format, for editors that complete and check while one types."""
    from json import dumps

    from medalopt.instance.schema import json_schema

    emit(dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new instance's name: a-z, 0-9, _ and -.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="Where to write it; left out: NAME.yaml.")
    ] = None,
) -> int:
    """Write a commented instance to start from; it has a plan."""
    from medalopt.instance.starting import template
    from medalopt.report.files import write_file

    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") or len(name) > 100:
        raise UsageError(f"{shown(name)}: a name is made of a-z, 0-9, _ and -, at most 100, such as my-games")
    path = output or Path(f"{name}.yaml")
    check_new(path)
    write_file(path, template(name))
    say(f"{place(path)}: is written; change its figures, then: medalopt solve {place(path)}")
    return 0
