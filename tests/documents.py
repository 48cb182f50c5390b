"""What a page of the documents shows at a prompt, and whether that is what the commands print."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from tests.cli.runs import ROOT, here


def sessions(page: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the words of each command of medalopt that `page` shows, and the lines below it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE):
        for command in block.split("$ medalopt ")[1:]:
            first, *shown = command.splitlines()
            yield shlex.split(first), [line for line in shown if line.strip() not in ("", "…")]


def untrue(page: str) -> list[str]:
    """Return the lines that `page` shows below its commands and that these do not print; run from the root."""
    wrong = []
    for words, shown in sessions(page):
        printed = " ".join(here(*words).out.split()) if shown else ""
        wrong += [line for line in shown if " ".join(line.split()) not in printed]
    return wrong
