"""Commands on a page of the documents, compared with their output."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from tests.cli.runs import ROOT, here

SCHEDULER = "tcp://127.0.0.1:8786"


class Command(NamedTuple):
    """A command that a page shows: its words, the lines below it, and the exit code that the page gives it."""

    words: list[str]
    shown: list[str]
    code: int


def list_commands(text: str) -> Iterator[Command]:
    """Yield each command of medalopt at a prompt of the page `text`; "# exit code 3" at its end announces that."""
    for block in re.findall(r"^```console\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for command in block.split("$ medalopt ")[1:]:
            first, *shown = command.replace("\\\n", "").splitlines()
            code = re.search(r"# exit code (\d)$", first)
            words = shlex.split(first, comments=True)
            yield Command(words, [line for line in shown if line.strip() not in ("", "…")], int(code[1]) if code else 0)


def list_scripts(text: str) -> Iterator[Command]:
    """Yield each block of Python of the page `text`, as one word, with the lines of the text right below it."""
    pattern = r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?"
    for script, shown in re.findall(pattern, text, flags=re.DOTALL | re.MULTILINE):
        yield Command([script], [line for line in shown.splitlines() if line.strip() not in ("", "…")], 0)


def list_untrue_lines(shown: list[str], printed: str) -> list[str]:
    """Return the lines of `shown` that are not part of `printed`, whatever the spaces."""
    text = " ".join(printed.split())
    return [line for line in shown if " ".join(line.split()) not in text]


def run_commands(page: str, scheduler: str = SCHEDULER) -> list[str]:
    """Run the commands of a page in this folder, and return the differences to the page.

    Args:
        page: Path of the page from the root.
        scheduler: Address of a Dask scheduler in the place of the one on the page.
    """
    wrong = []
    for command in list_commands((ROOT / page).read_text(encoding="utf-8").replace(SCHEDULER, scheduler)):
        ended = here(*command.words)
        if ended.code != command.code:
            wrong.append(f"{shlex.join(command.words)}: exit code {ended.code}: {ended.err}")
        wrong += list_untrue_lines(command.shown, ended.out + ended.err)
    return wrong
