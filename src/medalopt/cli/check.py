"""`medalopt check`, `schema` and `new`: validate an instance, print its JSON schema, write a starter instance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli.options import InstanceArgument, JsonOption, SetOption, check_new_path, read_instance
from medalopt.cli.output import OutputOption, check_outputs, print_report, write_report
from medalopt.cli.run import print_message, print_output
from medalopt.errors import UsageError
from medalopt.text import escape_text, format_path


def check(
    instance: InstanceArgument, set_: SetOption = None, output: OutputOption = None, json: JsonOption = False
) -> int:
    """Check an instance: all errors at once, with line and fix.

    Unusual values are reported as warnings.
    """
    outputs = check_outputs(output, {instance: "the instance"})
    figures = read_instance(instance, set_, scenarios=True)
    from medalopt.report.check import build_check_report

    report = build_check_report(figures)
    write_report(report, outputs)
    print_report(report, json)
    return 0


def schema() -> int:
    """Print the JSON Schema of the instance format.

    Editors use it for completion and validation.
    """
    from json import dumps

    from medalopt.instance.schema import build_json_schema

    print_output(dumps(build_json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the new instance: a-z, 0-9, _ and -.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="File to write; default: NAME.yaml.")
    ] = None,
) -> int:
    """Write a commented instance to start from.

    It is feasible, so that it can be solved at once.
    """
    from medalopt.instance.loading import render_starter_template
    from medalopt.report.atomic_write import write_file

    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") or len(name) > 100:
        raise UsageError(f"{escape_text(name)}: a name is made of a-z, 0-9, _ and -, at most 100, such as my-games")
    path = output or Path(f"{name}.yaml")
    check_new_path(path)
    write_file(path, render_starter_template(name))
    print_message(f"{format_path(path)}: is written; change its figures, then: medalopt solve {format_path(path)}")
    return 0
