"""`medalopt check`, `schema` and `new`: check an instance, print its JSON schema, write a starter instance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medalopt.cli import options
from medalopt.cli.output import ReportOutput
from medalopt.cli.run import print_message, print_output
from medalopt.errors import UsageError
from medalopt.text import escape_text, format_path


def check(
    instance: options.InstanceArgument,
    set_: options.SetOption = None,
    output: options.OutputOption = None,
    date: options.DateOption = None,
    json: options.JsonOption = False,
) -> int:
    """Check an instance: all errors at once, with line and fix.

    Unusual values are reported as warnings, also those of a scenario.
    """
    where = ReportOutput.prepare(output, {instance: "the instance"}, json, date=date)
    loaded = options.read_instance(instance, set_, scenarios=True)
    from medalopt.report.verify import build_check_report

    where.deliver(build_check_report(loaded))
    return 0


def schema() -> int:
    """Print the JSON Schema of the instance format.

    Editors use it for completion and validation.
    """
    from json import dumps

    from medalopt.instance.schema.validation import build_json_schema

    print_output(dumps(build_json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0


def new(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Name of the new instance: a-z, 0-9, _ and -; default: the example."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="File to write; default: NAME.yaml.")
    ] = None,
    example: Annotated[
        str | None,
        typer.Option("--example", metavar="EXAMPLE", help="Shipped instance to copy, with its tables; `list`: all."),
    ] = None,
) -> int:
    """Write a commented instance to start from.

    A small feasible one, or a shipped example; no file is overwritten.
    """
    from medalopt.instance.examples import list_examples, read_example, render_starter_template

    examples = list_examples() if example is not None else {}
    if example is not None and example not in examples:
        lines = [f"{one:<{max(map(len, examples))}}  {title}" for one, title in examples.items()]
        if example == "list":
            print_output("".join(f"{line}\n" for line in lines))
            return 0
        for line in lines:
            print_message(line)
        raise UsageError(f"--example {escape_text(example)}: not in the list above")
    name = name if name is not None or example is None else example
    if name is None:
        raise UsageError("give the name of the new instance, such as my-games, or --example list")
    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") or len(name) > 100:
        raise UsageError(
            f"{escape_text(name)}: a name consists of a-z, 0-9, _ and -, at most 100 characters, such as my-games"
        )
    path = output or Path(f"{name}.yaml")
    texts = read_example(example, name) if example is not None else {f"{name}.yaml": render_starter_template(name)}
    _write_new_files({path if file == f"{name}.yaml" else path.parent / file: text for file, text in texts.items()})
    print_message(f"{format_path(path)}: written; edit its values, then: medalopt solve {format_path(path)}")
    return 0


def _write_new_files(texts: dict[Path, str]) -> None:
    """Write new files in their order; one that exists is left unchanged, an error unless it has the same content."""
    from medalopt.report.atomic_write import write_file

    *tables, instance = texts
    options.check_new_path(instance)
    for path in [table for table in tables if not (table.is_file() and table.read_bytes() == texts[table].encode())]:
        options.check_new_path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, texts[path])
    write_file(instance, texts[instance])
