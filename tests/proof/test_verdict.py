"""A saved plan is accepted as it was written, and twenty kinds of error in it are caught, each under its own name."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from tests.laws import pool

import medalopt
from campaigns import right_plans
from medalopt.errors import InputError
from medalopt.instance.instance import Instance
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.verdict import Verdict, verify_plan
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object, render_json

ROOT = Path(__file__).parents[2]
Edit = Callable[[dict[str, Any]], None]


@cache
def solved(name: str) -> tuple[Instance, str]:
    """Return the instance, and its plan as it is saved."""
    instance = medalopt.load(ROOT / f"instances/{name}.yaml")
    return instance, render_json(build_plan_object(medalopt.solve(instance)))


def judged(instance: Instance, content: dict[str, Any]) -> Verdict:
    """Return the verdict on a plan of which `content` was saved."""
    return verify_plan(instance, SavedPlan.model_validate(content))


def first(content: dict[str, Any], table: str, **names: str) -> dict[str, Any]:
    """Return the first non-zero row of a table with these names."""
    rows = (row for row in content[table] if all(row[name] == value for name, value in names.items()))
    return next(row for row in rows if any(isinstance(value, float) and value > 0 for value in row.values()))


def _shipment(content: dict[str, Any], factor: float) -> None:
    first(content, "shipments")["tonnes"] *= factor


def _swapped(content: dict[str, Any]) -> None:
    one, *rest = content["shipments"]
    other = next(row for row in rest if row["stream"] != one["stream"])
    for name in ("tonnes", "cost"):
        one[name], other[name] = other[name], one[name]


def _rounded_down(content: dict[str, Any]) -> None:
    for row in content["shipments"]:
        row["tonnes"] = float(int(row["tonnes"]))


def _lost(content: dict[str, Any]) -> None:
    row = max(content["metals"], key=lambda row: row["used"])
    row["used"] -= 1.0


def _melt(content: dict[str, Any], kilograms: float) -> None:
    max(content["melts"], key=lambda row: row["kg"])["kg"] += kilograms


def _without(table: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content[table].remove(max(content[table], key=lambda row: max(v for v in row.values() if type(v) is float)))

    return edit


def _plus(section: str, name: str, amount: float) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content[section][name] += amount

    return edit


def _scaled(table: str, name: str, factor: float) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        row = max(content[table], key=lambda row: abs(row[name]))
        row[name] *= factor

    return edit


def _renamed(table: str, name: str, value: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        content[table][0][name] = value

    return edit


def _cheaper_by_an_alloy_less(content: dict[str, Any]) -> None:
    row = max(content["casts"], key=lambda row: row["cast"])
    for name in ("charged", "cast"):
        row[name] *= 0.99


def _costs_exchanged(table: str) -> Edit:
    def edit(content: dict[str, Any]) -> None:
        one, other = content[table][:2]
        one["cost"], other["cost"] = other["cost"], one["cost"]

    return edit


def _other_matter(content: dict[str, Any]) -> None:
    next(row for row in content["melts"] if row["metal"] == "other")["kg"] += 1.0


def _bound_moved(content: dict[str, Any]) -> None:
    content["certificate"]["lower_bound"] *= 1.01


PLANTED: dict[str, Edit] = {
    "a shipment one per cent larger": lambda content: _shipment(content, 1.01),
    "a shipment one per cent smaller": lambda content: _shipment(content, 0.99),
    "a shipment below nothing": lambda content: _shipment(content, -1.0),
    "two rows swapped": _swapped,
    "rounded down": _rounded_down,
    "a kilogram lost between smelter and melt": _lost,
    "a kilogram more in the melt": lambda content: _melt(content, 1.0),
    "a kilogram less in the melt": lambda content: _melt(content, -1.0),
    "another total": _plus("cost", "total", 1.0),
    "a cost that does not add up": _plus("cost", "collection", -1.0),
    "another objective": _plus("objective", "value", -1.0),
    "a shipment deleted": _without("shipments"),
    "a month of a metal deleted": _without("metals"),
    "a melt deleted": _without("melts"),
    "a cast deleted": _without("casts"),
    "a purchase deleted": _without("purchases"),
    "a stockpile deleted": _without("stockpiles"),
    "a purchase one per cent larger": _scaled("purchases", "kg", 1.01),
    "a stock one per cent larger": _scaled("metals", "stock", 1.01),
    "a surplus one per cent larger": _scaled("metals", "surplus", 1.01),
    "less cast than is owed": _cheaper_by_an_alloy_less,
    "process scrap charged twice": _scaled("casts", "scrap", 2.0),
    "another stream": _renamed("shipments", "stream", "nobody@nowhere"),
    "another device": _renamed("shipments", "device", "toaster"),
    "another period": _renamed("shipments", "period", "1999-01"),
    "another smelter": _renamed("shipments", "smelter", "elsewhere"),
    "a row twice": lambda content: content["shipments"].append(dict(content["shipments"][0])),
    "a better bound than can be proven": _bound_moved,
    "the prices deleted": lambda content: content["duals"].clear(),
    "a price moved": _scaled("duals", "value", 1.01),
    "a marginal value moved": lambda content: content["prices"][0].update(value=1.01 * content["prices"][0]["value"]),
    "a marginal value of something else": lambda content: content["prices"][0].update(path="metals.nothing"),
    "a marginal value deleted": lambda content: content["prices"].pop(0),
    "a marginal value twice": lambda content: content["prices"].append(dict(content["prices"][0])),
    "a marginal value in another unit": lambda content: content["prices"][0].update(unit="USD"),
    "a stale instance": lambda content: content["instance"].update(figures="0" * 64),
    "more tonnes than were sent": lambda content: content.update(tonnes=content["tonnes"] + 1),
    "costs of two shipments exchanged": _costs_exchanged("shipments"),
    "costs of two purchases exchanged": _costs_exchanged("purchases"),
    "more unnamed matter in the melt": _other_matter,
    "another unit": lambda content: content["objective"].update(unit="USD"),
    "a better arithmetic": lambda content: content["certificate"].update(arithmetic="by an oracle"),
    "a smaller violation": lambda content: content["certificate"].update(primal_violation=-1.0),
    "less footprint than there is": lambda content: content.update(footprint=content["footprint"] - 1),
}


@pytest.mark.parametrize("name", ["tiny", "rio2016", "dantzig", "steelco", "london2012", "tokyo2020"])
def test_a_plan_is_accepted_as_it_was_written(name: str, tmp_path: Path) -> None:
    """A plan written by `solve`, as JSON or CSV folder, is verified optimal."""
    instance, saved = solved(name)
    (tmp_path / "plan.json").write_text(saved, encoding="utf-8")
    write_folder(tmp_path / "plan", render_csv_folder(medalopt.solve(instance)))
    for path in ("plan.json", "plan"):
        found = verify_plan(instance, read_saved_plan(tmp_path / path))
        assert found.accepted, found.broken
        assert found.certificate.optimal


def has_lasting_scrap(document: dict[str, Any]) -> bool:
    """Return whether process scrap returns over many periods in decreasing amounts."""
    scrap = [alloy["scrap"] for alloy in document["alloys"].values() if "scrap" in alloy]
    return document.get("periods", {}).get("count", 1) == 6 and len(scrap) > 1


@pytest.mark.parametrize("seed", sorted({*range(10), *pool.seeds(has_lasting_scrap, 2)}))
def test_no_right_plan_is_refused(seed: int) -> None:
    """Plans of any random instance, objective and form are accepted."""
    assert right_plans.trial(seed).wrong == ()


NOT_IN_TINY = {"a stock one per cent larger", "a surplus one per cent larger"}  # there all metal is used at once


@pytest.mark.parametrize("error", PLANTED)
def test_a_planted_error_is_caught(error: str) -> None:
    """Each of these edits is refused, with a named constraint and a sentence."""
    instance, saved = solved("tokyo2020" if error in NOT_IN_TINY else "tiny")
    content = copy.deepcopy(json.loads(saved))
    PLANTED[error](content)
    found = judged(instance, content)
    assert not found.accepted
    assert all(broken.rule and broken.text for broken in found.broken)


def test_an_edit_is_priced_against_the_proven_bound() -> None:
    """A superfluous shipment has its cost, and the verdict states the gap to the proven bound."""
    instance, saved = solved("tiny")
    content = json.loads(saved)
    _shipment(content, 1.01)
    found = judged(instance, content)
    assert found.value > json.loads(saved)["objective"]["value"]
    assert found.certificate.lower_bound == pytest.approx(json.loads(saved)["objective"]["value"], rel=1e-9)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "[" * 100_000, '{"format": "medalopt/plan/2"}', '{"a": 1, "a": 2}', '{"tonnes": NaN}', "\x00"],
)
def test_what_is_no_plan_is_refused_in_words(content: str, tmp_path: Path) -> None:
    """A file that is no plan ends in faults that name the file, never in a traceback."""
    path = tmp_path / "plan.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_saved_plan(path)
    assert all("plan.json" in str(fault) for fault in caught.value.faults)


@pytest.mark.parametrize("line", ["status,feasible", "certificate.gap,0.5", "format.x,1", "instance,1", "metals,1"])
def test_an_item_of_a_folder_occurs_once(line: str, tmp_path: Path) -> None:
    """Repeated or misplaced items of plan.csv are input errors, never a traceback."""
    instance, _ = solved("tiny")
    write_folder(tmp_path / "plan", render_csv_folder(medalopt.solve(instance)))
    with (tmp_path / "plan" / "plan.csv").open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
    with pytest.raises(InputError, match=r"plan\.csv: the item .* occurs twice"):
        read_saved_plan(tmp_path / "plan")


def test_a_folder_that_lacks_a_table_is_no_plan(tmp_path: Path) -> None:
    """A folder of CSV is a plan only with all its tables, each with its columns."""
    instance, _ = solved("tiny")
    files = render_csv_folder(medalopt.solve(instance))
    write_folder(tmp_path / "plan", files)
    (tmp_path / "plan" / "melts.csv").unlink()
    with pytest.raises(InputError, match=r"melts\.csv"):
        read_saved_plan(tmp_path / "plan")
    (tmp_path / "plan" / "melts.csv").write_text("alloy,kg\n", encoding="utf-8")
    with pytest.raises(InputError, match="must have the columns"):
        read_saved_plan(tmp_path / "plan")


def test_of_a_plan_in_lots_no_basis_is_looked_for() -> None:
    """A saved plan in whole lots is accepted without an exact check."""
    instance = medalopt.load(ROOT / "tests/solver/lots.yaml")
    found = judged(instance, build_plan_object(medalopt.solve(instance)))
    assert found.accepted and (found.certificate.basis, found.certificate.exact_value) == ("", None)
