"""Saved plans altered in all three forms and passed to `verify`: none with another content is accepted.

Each trial alters one plan, as JSON, as a folder of CSV or as a workbook, and reads and checks it in this process, as
the command does. It may end with a plan that is not accepted or with InputError, within `fuzz.LONGEST` seconds; with
an accepted plan only where what was read is the plan that was written. Some alterations come with digests made anew:
those of figures that follow from the decisions have to be found all the same.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from tests.report.sourcing.parties import PARTY

from campaigns.altering import altered_folder, altered_json, altered_sheets, altered_workbook
from campaigns.fuzz import LONGEST, classify_failure, confine
from campaigns.running import Found, campaign, within
from medalopt import Instance
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sourcing.plan_analyses import analyse_plan
from medalopt.instance.reader.excel_reader import Spreadsheet, read_workbook
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.source_values import SourceValues
from medalopt.plan.digests import _canonicalize_sheet
from medalopt.plan.reader import SavedFile, read_plan_file, read_plan_json, read_plan_workbook
from medalopt.plan.schema import SavedPlan
from medalopt.proof.verdict import Verdict, verify_plan
from medalopt.report.document import Report
from medalopt.report.render.csv import render_csv_folder, render_report_csv
from medalopt.report.render.json import build_plan_members, render_json, render_report_json
from medalopt.report.render.xlsx import render_report_xlsx
from medalopt.report.sourcing.plan_report import build_plan_report
from medalopt.report.sourcing.table_verification import _compute_file_digests, _find_altered, check_tables
from medalopt.solve_instance import solve

ROOT = Path(__file__).parents[1]
TINY = ROOT / "instances/tiny.yaml"
UNCERTAIN = {"devices.phone.cv": "10 %", "smelters.far.cv": "2 %"}
FORGED = 0.08  # of the trials in JSON: digests are made anew
FOLLOW = (
    "shipments",
    "stockpiles",
    "purchases",
    "metals",
    "melts",
    "casts",
    "cost",
    "objective",
    "footprint",
    "tonnes",
)
TABLES = ("rules", "risks", "assumptions", "papers")  # of the sourcing plan that have no figures, or not from decisions
SOLVED = "comes_in_per_t"  # the column of the award table that took further solves


@dataclass(frozen=True, eq=False)
class Base:
    """A right plan in its three forms; without a workbook where it is no sourcing plan."""

    instance: Instance
    written: SourceValues | None
    text: str
    folder: Mapping[str, str]
    book: bytes | None

    def accepts(self, saved: SavedFile) -> bool:
        """Return whether `verify` accepts the plan with every part checked."""
        found = self.judged(saved)
        return found is not None and found.accepted and not found.unchecked

    def judged(self, saved: SavedFile) -> Verdict | None:
        """Return the verdict of `verify`; None where a digest suffices to refuse the file."""
        assert isinstance(saved.plan, SavedPlan)
        if _find_altered(saved):
            return None
        return check_tables(saved, verify_plan(self.instance, saved.plan), lambda: self.written)


@cache
def bases() -> tuple[Base, ...]:
    """Return a sourcing plan with all that can be in one, a plan in whole lots, and one with rows of its own."""
    lots, capped = solve(_lots()), solve(_tiny(), extensions=[ROOT / "models/extensions/silver_cap.py"])
    plain = [Base(one.instance, None, _text(one), render_csv_folder(one), None) for one in (lots, capped)]
    return (sourced(), *plain)


@cache
def sourced() -> Base:
    """Return the sourcing plan of the small case, with parties and uncertainty, and all that took further solves."""
    variants = ScenarioRunner(TINY, UNCERTAIN)
    plan = solve(_tiny())
    parties = {"near": PARTY, "far": {**PARTY, "contract": ""}}
    instance = replace(plan.instance, annex={**plan.instance.annex, "parties": parties})
    plan = replace(plan, instance=instance)
    content = build_plan_report(plan, None, analyse_plan(plan, variants), variants.source_values)
    book = render_report_xlsx(replace(content, charts=()))
    return Base(instance, variants.source_values, str(render_report_json(content)), _render_folder(content), book)


def _render_folder(content: Report) -> dict[str, str]:
    return {name: str(text) for name, text in render_report_csv(content).items() if name.endswith(".csv")}


def _text(plan: Any) -> str:
    return render_json(build_plan_members(plan))


def _tiny() -> Instance:
    return ScenarioRunner(TINY, UNCERTAIN).instance


def _lots() -> Instance:
    from medalopt import load

    return load(ROOT / "tests/solver/lots.yaml")


def trial(number: int) -> Found:
    """Alter a saved plan, and see how `verify` ends; this process is confined from now on."""
    bases()
    confine()
    return tried(number)


def tried(number: int) -> Found:
    """Alter a saved plan, and see how `verify` ends."""
    random = Random(number)
    base = random.choice((bases()[0], *bases()))
    form = random.choice(("json", "csv", "xlsx") if base.book else ("json", "csv"))
    with within(LONGEST):
        if form == "json" and random.random() < FORGED:
            return _forged(number, random, base)
        end, wrong = _ended(form, random, base)
    return Found(Counter({f"{form}: {end}": 1}), (f"{number}: {form}: {wrong}",) if wrong else ())


def _ended(form: str, random: Random, base: Base) -> tuple[str, str]:
    """Return the class of the result of an altered plan, and its fault."""
    try:
        saved = _ALTERED[form](random, base)
    except BaseException as error:
        return classify_failure(error)
    if not isinstance(saved.plan, SavedPlan):
        return "an answer that there is no plan", ""
    found = base.judged(saved)
    if found is None or not found.accepted:
        return "not accepted", ""
    was = written(base, form)
    if found.unchecked:  # the digests are gone, as in a file of an earlier version, and with them those of the solver
        without = {"digests": {}, "solver": was.plan.solver}
        saved, was = (replace(file, plan=file.plan.model_copy(update=without)) for file in (saved, was))
    same = told(saved) == told(was)
    end = "accepted: digests are gone, and that is said" if found.unchecked else "accepted: nothing else is said"
    return end, "" if same else "accepted, and something else is said"


def _json(random: Random, base: Base) -> SavedFile:
    return read_plan_json(FileBytes("plan.json", altered_json(random, json.loads(base.text), base.text.encode())))


def _csv(random: Random, base: Base) -> SavedFile:
    folder, changed = _folder(base), altered_folder(random, dict(base.folder))
    try:
        for name, content in changed.items():
            _put(folder / name, content)
        return read_plan_file(folder)
    finally:
        for name in changed:
            _put(folder / name, base.folder[name].encode() if name in base.folder else None)


def _put(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(content)


def _xlsx(random: Random, base: Base) -> SavedFile:
    assert base.book is not None
    if random.random() < 0.1:
        return read_plan_workbook(FileBytes("plan.xlsx", altered_workbook(random, base.book)))
    sheets = sheets_of(base)
    return read_plan_workbook(replace(sheets, sheets=altered_sheets(random, dict(sheets.sheets))))


_ALTERED = {"json": _json, "csv": _csv, "xlsx": _xlsx}


@cache
def _folder(base: Base) -> Path:
    folder = Path(_place().name, f"plan{id(base)}")
    folder.mkdir()
    for name, text in base.folder.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@cache
def _place() -> tempfile.TemporaryDirectory[str]:
    """Return the folder of this process."""
    return tempfile.TemporaryDirectory()


@cache
def sheets_of(base: Base) -> Spreadsheet:
    """Return the cells of the workbook."""
    assert base.book is not None
    book = read_workbook(FileBytes("plan.xlsx", base.book), print)
    assert book is not None
    return book


@cache
def written(base: Base, form: str) -> SavedFile:
    """Return the plan as it was written, read back."""
    if form == "json":
        return read_plan_json(FileBytes("plan.json", base.text.encode()))
    return read_plan_file(_folder(base)) if form == "csv" else read_plan_workbook(sheets_of(base))


def told(saved: SavedFile) -> Any:
    """Return the content of a file in a comparable form: no empty cells, numbers as numbers."""
    parts = (
        {name: _canonicalize_sheet(part) for name, part in saved.parts.items()}
        if saved.file_format == "xlsx"
        else saved.parts
    )
    assert isinstance(saved.plan, SavedPlan)
    kept = saved.plan.model_dump(exclude={"sourcing": True, "instance": {"files"}})  # other bytes, the same figures
    return _plain(kept), _plain(dict(parts))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one not in (None, "")}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _forged(number: int, random: Random, base: Base) -> Found:
    """Alter a derived value, recompute all digests, and check that it is found."""
    content = json.loads(base.text)
    where = _figure(random, content)
    saved = read_plan_json(FileBytes("plan.json", json.dumps(content).encode()))
    assert isinstance(saved.plan, SavedPlan)
    forged = replace(saved, plan=saved.plan.model_copy(update={"digests": _compute_file_digests(saved)}))
    wrong = (f"{number}: {where} is altered with its digest, and accepted",) if base.accepts(forged) else ()
    return Found(Counter({"json: digests made anew: not accepted": not wrong}), wrong)


def _figure(random: Random, content: dict[str, Any]) -> str:
    """Alter one derived value; return its location."""
    places: list[tuple[str, Any]] = [(name, content[name]) for name in FOLLOW]
    sourcing = content.get("sourcing", {"tables": {}, "documents": []})
    places += [(name, one["rows"]) for name, one in sourcing["tables"].items() if name not in TABLES]
    places += [(one["number"], one["lines"]["rows"]) for one in sourcing["documents"]]
    while True:
        name, table = random.choice(places)
        holder, keys = (content, [name]) if isinstance(table, float) else (table, [])
        if isinstance(holder, list) and holder:
            holder = random.choice(holder)
        if isinstance(holder, dict):
            keys = keys or [key for key, value in holder.items() if type(value) in (int, float) and key != SOLVED]
        if keys:
            key = random.choice(keys)
            holder[key] = 10 * holder[key] + 1
            return f"{name}.{key}"


if __name__ == "__main__":
    sys.exit(campaign("saved_plans", trial, 100_000, sys.argv[1:]))
