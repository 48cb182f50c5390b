"""Write what is generated for people: `generate.py` writes what is out of date, `generate.py --check` only tells.

`cli.md` is what `--help` prints, the JSON Schema what `medalopt schema` prints; `answer.svg` shows how the answer of
`medalopt solve instances/tokyo2020.yaml` begins on a terminal, `tornado.svg` the tornado of the small case.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

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


def on_a_terminal(*command: str) -> str:
    """Return what `command` prints on a terminal of `WIDTH` columns, colours and all.

    `CalledProcessError` where it fails.
    """
    here, there = pty.openpty()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=there, stderr=subprocess.DEVNULL, cwd=ROOT, env=_terminal()
    )
    os.close(there)
    said = b""
    while True:
        try:
            some = os.read(here, 65536)
        except OSError:  # Linux tells the end of a terminal by an error
            break
        if not some:
            break
        said += some
    os.close(here)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    return said.decode().replace("\r\n", "\n")


def _terminal() -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    return own | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "COLUMNS": str(WIDTH), "LINES": "200"}


def picture(*arguments: str) -> str:
    """Return an SVG of the first lines on the screen after `medalopt` with `arguments`."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("$ " + " ".join(["medalopt", *arguments])))
        console.print(Text.from_ansi(beginning(on_a_terminal(MEDALOPT, *arguments))))
        drawn = console.export_svg(title="medalopt", code_format=SVG, unique_id="answer")
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


def beginning(text: str) -> str:
    """Return the summary and the first two tables of an answer."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return "\n\n".join(lines.split("\n\n")[:3]) + "\n…"


def plain(*arguments: str) -> str:
    """Return what `medalopt` with `arguments` prints where it is no terminal."""
    environment = os.environ | {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": str(WIDTH)}
    command = [MEDALOPT, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment).stdout


def chart(*arguments: str) -> str:
    """Return the SVG that `medalopt` with `arguments` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chart.svg"
        plain(*arguments, "-o", str(path))
        return path.read_text(encoding="utf-8")


def helped(*verb: str) -> str:
    """Return the help of a verb, or of medalopt itself, as plain text."""
    return "\n".join(line.rstrip() for line in plain(*verb, "--help").strip("\n").splitlines())


def verbs() -> list[str]:
    """Return the verbs in the order in which the help lists them."""
    commands = helped().split("Commands", 1)[1]
    return re.findall(r"^[│ ]{1,3}([a-z]+) ", commands, flags=re.MULTILINE)


def reference() -> str:
    """Return the page of all verbs."""
    lines = ["# The command line", "", "Written by `make docs` from what `--help` prints.", ""]
    for name, verb in {"medalopt": (), **{f"medalopt {verb}": (verb,) for verb in verbs()}}.items():
        lines += [f"## {name}", "", "```text", helped(*verb), "```", ""]
    return "\n".join(lines)


def main() -> int:
    """Write, or with `--check` name, the files that are out of date."""
    pages = {
        "docs/reference/cli.md": reference(),
        "docs/images/answer.svg": picture("solve", "instances/tokyo2020.yaml"),
        "docs/images/tornado.svg": chart("sensitivity", "instances/tiny.yaml", "--tornado", "--jobs", "1"),
        "instances/medalopt-1.schema.json": plain("schema"),
    }
    stale = [name for name, text in pages.items() if not _stands(ROOT / name, text)]
    for name in stale:
        print(f"{name} is out of date" if "--check" in sys.argv else f"{name} written")
        if "--check" not in sys.argv:
            (ROOT / name).write_text(pages[name], encoding="utf-8")
    return 1 if stale and "--check" in sys.argv else 0


def _stands(path: Path, text: str) -> bool:
    return path.exists() and _said(path.read_text(encoding="utf-8")) == _said(text)


def _said(text: str) -> str:
    """What a page says, without what differs from one processor to another: the last digits of a proof."""
    if text.startswith("<svg"):
        text = " ".join(unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", text, flags=re.DOTALL)).split())
    return re.sub(r"(gap|kept to) [^ ,]+", r"\1 …", text)


if __name__ == "__main__":
    sys.exit(main())
