"""Generate pages, pictures and the JSON Schema, or the one named; with `--check` list those out of date.

`reference/cli.md` is the output of `--help`, `reference/plan_tables.md` lists the tables of `medalopt plan`, the JSON
Schema is the output of `medalopt schema`. `images/answer.svg` shows the beginning of
`medalopt solve instances/tokyo2020.yaml` on a terminal; the other pictures are what the commands of `gallery.md` write.
Tutorials in Python are rendered from their scripts by notebooks.py; the tests, which run them, compare these.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

from notebooks import NOTEBOOKS, render_notebook
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
MEDALOPT = str(Path(sys.executable).parent / "medalopt")
WIDTH = 100
SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" class="rich-terminal">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-family: sans-serif; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""


def record_terminal(*command: str) -> str:
    """Return the output of `command` on a terminal of `WIDTH` columns, with colours.

    Args:
        command: Program and arguments.

    Returns:
        Standard output, with line ends as line feeds.

    Raises:
        CalledProcessError: The command failed.
    """
    reading, writing = pty.openpty()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=writing, stderr=subprocess.DEVNULL, cwd=ROOT, env=_make_environment()
    )
    os.close(writing)
    output = b""
    while True:
        try:
            chunk = os.read(reading, 65536)
        except OSError:  # Linux reports the end of a terminal by an error
            break
        if not chunk:
            break
        output += chunk
    os.close(reading)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    return output.decode().replace("\r\n", "\n")


def _make_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    return kept | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(WIDTH), "LINES": "200"}


def render_terminal_svg(*arguments: str) -> str:
    """Return an SVG of the first lines on the terminal after `medalopt` with `arguments`."""
    with Path(os.devnull).open("w") as null:
        console = Console(record=True, width=WIDTH, file=null, force_terminal=True)
        console.print(Text.from_ansi("$ " + " ".join(["medalopt", *arguments])))
        console.print(Text.from_ansi(cut_to_summary(record_terminal(MEDALOPT, *arguments))))
        drawing = console.export_svg(title="medalopt", code_format=SVG, unique_id="answer")
    return "\n".join(line.rstrip() for line in drawing.splitlines()) + "\n"


def cut_to_summary(text: str) -> str:
    """Return the summary and the first two tables of an answer."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return "\n\n".join(lines.split("\n\n")[:3]) + "\n…"


def run_plain(*arguments: str) -> str:
    """Return the output of `medalopt` with `arguments`, run in this process where standard output is no terminal.

    Raises:
        SystemExit: The command failed.
    """
    from medalopt.cli.run import run_command

    said, errors = io.StringIO(), io.StringIO()
    with contextlib.chdir(ROOT), contextlib.redirect_stdout(said), contextlib.redirect_stderr(errors):
        code = run_command(arguments)
    if code:
        sys.exit(f"medalopt {shlex.join(arguments)}: exit code {code}: {errors.getvalue()}")
    return said.getvalue()


def draw_gallery(wanted: str = "") -> dict[str, str]:
    """Return the pictures that the commands of docs/gallery.md write, by their path from the root.

    Args:
        wanted: Path of a picture, whose command alone is run; '' for all.

    Raises:
        SystemExit: A command failed.
    """
    page = (ROOT / "docs/gallery.md").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        for line in re.findall(r"^\$ medalopt (.* -o docs/images/.*)$", page, flags=re.MULTILINE):
            if not wanted.startswith(shlex.split(line)[-1].removesuffix(".svg") if wanted else ""):
                continue
            run_plain(*shlex.split(line.replace("docs/images", folder)))
        return {f"docs/images/{path.name}": path.read_text(encoding="utf-8") for path in sorted(Path(folder).iterdir())}


def render_notebooks(wanted: str = "") -> dict[str, str]:
    """Return the pages of the tutorials in Python, by their path from the root, run on a cluster of this machine.

    Args:
        wanted: Path of a page, whose script alone is run; '' for all.
    """
    paths = {str(path.with_suffix(".md").relative_to(ROOT)): path for path in NOTEBOOKS}
    pages: dict[str, str] = {}
    if wanted and wanted not in paths:
        return pages
    from distributed.deploy.subprocess import SubprocessCluster

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name in ("instances", "models"):
            (Path(folder) / name).symlink_to(ROOT / name)
        subprocess.run([sys.executable, "-m", "instances.japan1621", "--regions", "12", "nation"], check=True)
        with SubprocessCluster(n_workers=1, worker_kwargs={"nthreads": 1}) as cluster:
            address = {"tcp://127.0.0.1:8786": cluster.scheduler_address}
            for name in [wanted] if wanted else paths:
                pages[name] = render_notebook(paths[name], address)
    return pages


def render_help(*verb: str) -> str:
    """Return the help of a verb, or of medalopt itself, as plain text."""
    return "\n".join(line.rstrip() for line in run_plain(*verb, "--help").strip("\n").splitlines())


def list_verbs() -> list[str]:
    """Return the verbs in the order of the help."""
    commands = render_help().split("Commands", 1)[1]
    return re.findall(r"^[│ ]{1,4}([a-z]+) ", commands, flags=re.MULTILINE)


def render_reference() -> str:
    """Return the reference page of all verbs."""
    lines = ["# Command line", "", "Generated by `make docs` from `--help`.", ""]
    for name, verb in {"medalopt": (), **{f"medalopt {verb}": (verb,) for verb in list_verbs()}}.items():
        lines += [f"## {name}", "", "```text", render_help(*verb), "```", ""]
    return "\n".join(lines)


INTRODUCTION = """# Tables of the sourcing plan

Generated by `make docs` from the tables that `medalopt plan` writes for small instances. Keys and columns are those of
the JSON (`sourcing.tables`, [JSON](json.md#plan)), of the folder of CSV (`KEY.csv`) and of the workbook, where titles
replace the keys; the plan itself is beside them ([JSON](json.md#solve)). A table without rows is left out.
`money` is the currency of the instance, `NAME` a metal or medal, `YEAR` a fiscal year; shares run from 0 to 1.
[Replanning](../how-to/replan.md) adds tables of plan against actual.
"""
OWN_NAMES = (
    (r"\b(medal)_(gold|silver|bronze)_", r"\1_NAME_"),
    (r"^stream_ends_\w+$", "stream_ends_NAME"),
    (r"\b(Silver|Copper)\b(?= content)", "Metal"),
    (r"\b(silver|copper)\b(?= of every stream)", "metal"),
    (r"\b(in )?(gold|silver|bronze) medals?\b", r"\1NAME medals"),
    (r"\bfy\d{4}\b", "fyYEAR"),
    (r"\b(FY ?)?20\d\d(/\d\d)?\b", "YEAR"),
    (r"\b(JPY|EUR)\b", "money"),
)


def render_plan_tables() -> str:
    """Return the page of the tables of the sourcing plan, from the index of their columns."""
    tables: dict[str, str] = {}
    for table in (*_list_sourcing_tables("tiny"), *_list_sourcing_tables("fractions", "--brief")):
        columns = {
            _drop_names(column["name"]): f"| `{_drop_names(column['name'])}` | {column['type']} "
            f"| {_drop_names(column.get('unit', ''))} | {_drop_names(column.get('title', ''))} |".replace("|  |", "| |")
            for column in table["schema"]["fields"]
        }
        head = [f"## {_drop_names(table['name'])}", "", _drop_names(table.get("description", "")), ""]
        lines = [*head, "| column | type | unit | title |", "| --- | --- | --- | --- |", *columns.values(), ""]
        tables.setdefault(_drop_names(table["name"]), "\n".join(lines))
    return "\n".join([INTRODUCTION, *tables.values()])


def _list_sourcing_tables(name: str, *options: str) -> list[dict[str, Any]]:
    """Return the tables of the sourcing plan of a shipped instance, with their columns."""
    with tempfile.TemporaryDirectory() as folder:
        run_plain("plan", f"instances/{name}.yaml", *options, "-o", f"{folder}/plan")
        index = json.loads((Path(folder) / "plan" / "datapackage.json").read_text(encoding="utf-8"))
    names = [table["name"] for table in index["resources"]]
    return list(index["resources"][names.index("plan") + 1 :])


def _drop_names(text: str) -> str:
    """Return a text without the names of the instance that it was made for."""
    for pattern, instead in OWN_NAMES:
        text = re.sub(pattern, instead, text)
    return text


FIELDS = """# All fields of the instance format

Generated by `make docs` from the JSON Schema. [The instance format](format.md) explains them by section. `*` stands
for a name, `[]` for an entry of a list or a row of a table. A number without unit is in the unit given here; shares
(unit 1) may be written in `%`. Every mapping may carry `source` (where its values come from) and `note`; both are
copied into the plan.

| field | unit | least | greatest | default | meaning |
| --- | --- | --- | --- | --- | --- |
"""


def render_fields() -> str:
    """Return the page of all fields of the instance format."""
    schema = json.loads(run_plain("schema"))
    return FIELDS + "".join(f"{row}\n" for row in _list_fields(schema, schema["$defs"], ""))


def _list_fields(model: dict[str, Any], models: dict[str, Any], above: str) -> Iterator[str]:
    """Yield a row of the table for each field of a model of the schema, and of the models in it."""
    for name, field in model.get("properties", {}).items():
        if name in ("source", "note"):
            continue
        parts = list(_walk_parts(field, models, f"{above}{name}"))
        numbers = [part for _, part in parts if part.get("type") in ("number", "integer")]
        words = [
            repr(word) for _, part in parts for word in part.get("enum", [part["const"]] if "const" in part else [])
        ]
        unit = next((part["unit"] for _, part in parts if "unit" in part), "")
        ends = [min((each[end] for each in numbers if end in each), default="") for end in ("minimum", "maximum")]
        default = "required" if name in model.get("required", ()) else field.get("default", "")
        default = "" if default in ({}, []) else default
        meaning = " ".join([field["description"], *([f"One of {', '.join(words)}."] if len(words) > 1 else [])])
        cells = [f"`{above}{name}`", unit, *ends, default, meaning]
        yield f"| {' | '.join(str(cell) for cell in cells)} |".replace("|  |", "| |").replace("|  |", "| |")
        for path, part in parts:
            if "properties" in part and part["properties"].keys() - {"source", "note"}:
                yield from _list_fields(part, models, f"{path}.")


def _walk_parts(part: dict[str, Any], models: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a part of the schema and all alternatives, items and values in it, each with its path; no fields."""
    if "$ref" in part:
        part = {**models[part["$ref"].rsplit("/", 1)[1]], **part}
    yield path, part
    for one in [*part.get("anyOf", ()), *part.get("oneOf", ())]:
        yield from _walk_parts(one, models, path)
    if isinstance(part.get("items"), dict):
        yield from _walk_parts(part["items"], models, f"{path}[]")
    if isinstance(part.get("additionalProperties"), dict):
        yield from _walk_parts(part["additionalProperties"], models, f"{path}.*")


PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/cli.md": render_reference,
    "docs/images/answer.svg": partial(render_terminal_svg, "solve", "instances/tokyo2020.yaml"),
    "docs/reference/format_fields.md": render_fields,
    "docs/reference/plan_tables.md": render_plan_tables,
    "instances/medalopt-1.schema.json": partial(run_plain, "schema"),
}


def render_pages(wanted: str = "", check: bool = False) -> dict[str, str]:
    """Return generated files by their path from the root.

    Args:
        wanted: Path of a file; of a picture, all that its command writes. '' for all.
        check: Leave out the tutorials in Python.
    """
    pages = {name: render() for name, render in PAGES.items() if wanted in ("", name)}
    if wanted not in PAGES:
        pages |= draw_gallery(wanted) | ({} if check else render_notebooks(wanted))
    return pages


def list_stale(pages: dict[str, str]) -> list[str]:
    """Return the paths of those generated files that differ from the files in place."""
    return [name for name, text in pages.items() if not _is_current(ROOT / name, text)]


def main() -> int:
    """Write the files that are out of date; with `--check` list them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", default="", metavar="PAGE", help="such as docs/reference/cli.md; all")
    parser.add_argument("--check", action="store_true", help="list, and write nothing; without tutorials in Python")
    given = parser.parse_args()
    os.environ["COLUMNS"] = str(WIDTH)
    pages = render_pages(given.page, given.check)
    if not pages:
        parser.error(f"{given.page}: no generated page; give its path from the root, such as docs/reference/cli.md")
    stale = list_stale(pages)
    for name in stale:
        print(f"{name} is out of date" if given.check else f"{name} written")
        if not given.check:
            (ROOT / name).write_text(pages[name], encoding="utf-8")
    return 1 if stale and given.check else 0


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and _normalize(path.read_text(encoding="utf-8")) == _normalize(text)


def _normalize(text: str) -> str:
    """Return the text of a page without what differs between processors: the last digits of a gap."""
    if text.startswith("<svg"):
        text = " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)).split())
    return re.sub(r"(gap|kept to) [^ ,]+", r"\1 …", text)


if __name__ == "__main__":
    sys.exit(main())
