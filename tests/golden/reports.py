"""Reports of the command line, each kept word for word in one file of this folder.

A reworded sentence changes its golden file and no other test; `make golden` writes the files. Numbers are compared by
the tests of the packages; they are kept here so that a report can be read as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from tests.cli.runs import ROOT, here

FOLDER = Path(__file__).parent
TINY, INFEASIBLE = "instances/tiny.yaml", "instances/infeasible.yaml"
PLAN = "{folder}/plan.json"  # of tiny
WIDTH = "100"  # columns
NOTHING = 1e-9
LINE = 200  # characters at most of a line of JSON
DIGITS = 9  # significant, of numbers in JSON; the last ones may differ from one release of HiGHS to the next

REPORTS: Mapping[str, tuple[str, ...]] = {
    "solve": ("solve", TINY),
    "solve-infeasible": ("solve", INFEASIBLE),
    "check": ("check", TINY),
    "explain": ("explain", TINY),
    "explain-infeasible": ("explain", INFEASIBLE),
    "sensitivity": ("sensitivity", TINY),
    "sensitivity-tornado": ("sensitivity", TINY, "--tornado", "--jobs", "1"),
    "sensitivity-vary": ("sensitivity", TINY, "--vary", "medals.gold.count=30..40"),
    "plan": ("plan", TINY, "--full"),
    "plan-brief": ("plan", TINY, "--brief"),
    "compare": ("compare", TINY, INFEASIBLE),
    "sweep": ("sweep", TINY, "--grid", "medals.gold.count=30..40/3", "--jobs", "1"),
    "verify": ("verify", PLAN, TINY),
    "verify-refused": ("verify", PLAN, TINY, "--set", "medals.gold.count=39"),
}
JSON = (
    *("solve", "solve-infeasible", "check", "explain", "explain-infeasible", "sensitivity", "sensitivity-vary"),
    *("compare", "sweep", "verify", "verify-refused"),
)


def list_files() -> list[str]:
    """Return the names of all golden files."""
    return [*(f"{name}.txt" for name in REPORTS), *(f"{name}.json" for name in JSON)]


def render_report(file: str) -> str:
    """Return the output of the command of a golden file, without parts that differ between machines."""
    name, kind = file.rsplit(".", 1)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(ROOT), mock.patch.dict(os.environ, COLUMNS=WIDTH):
        command = [word.format(folder=folder) for word in REPORTS[name]]
        if any(word != raw for word, raw in zip(command, REPORTS[name], strict=True)):
            here("solve", TINY, "-o", PLAN.format(folder=folder))
        run = here(*command, *(["--json"] if kind == "json" else []))
        text = run.out if kind == "json" else f"$ medalopt {' '.join(REPORTS[name])}\n{run.out}{run.err}"
        text = mask_surroundings(text.replace(folder, "{folder}"))
    return round_numbers(text) if kind == "json" else f"{text.rstrip()}\n$ echo $?\n{run.code}\n"


def mask_surroundings(text: str) -> str:
    """Return a report without digests of files, versions and times."""
    for pattern, instead in (
        (r"\b[0-9a-f]{64}\b", "<sha256>"),
        (r"(medalopt|HiGHS) \d[\w.]*", r"\1 <version>"),
        (r'("version": )"[^"]*"', r'\1"<version>"'),
        (r"\b\d+(\.\d+)? (ms|s)\b", "<time>"),
    ):
        text = re.sub(pattern, instead, text)
    return text


def round_numbers(text: str) -> str:
    """Return JSON, one object or one a line, with a row of a table a line and numbers of at most nine digits."""
    parts = [text] if text.startswith("{\n") else text.splitlines()
    return "".join(_lay_out(_rounded(json.loads(part))) + "\n" for part in parts)


def _lay_out(node: Any, indent: str = "") -> str:
    """Return JSON with short values on one line."""
    line, below = json.dumps(node, ensure_ascii=False), indent + " "
    if len(indent + line) <= LINE or not isinstance(node, dict | list):
        return line
    if isinstance(node, list):
        return "[\n" + ",\n".join(below + _lay_out(item, below) for item in node) + f"\n{indent}]"
    fields = (f"{below}{json.dumps(key, ensure_ascii=False)}: {_lay_out(item, below)}" for key, item in node.items())
    return "{\n" + ",\n".join(fields) + f"\n{indent}}}"


def _rounded(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _rounded(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_rounded(item) for item in node]
    if isinstance(node, float):
        return float(f"{node:.{DIGITS}g}") if abs(node) > NOTHING else 0.0
    return node


def write_golden_files() -> None:
    """Write all golden files, and remove those without a report."""
    for file in list_files():
        (FOLDER / file).write_text(render_report(file), encoding="utf-8")
    for path in [*FOLDER.glob("*.txt"), *FOLDER.glob("*.json")]:
        if path.name not in list_files():
            path.unlink()
