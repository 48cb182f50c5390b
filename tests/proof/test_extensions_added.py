"""Rows of a user's own are data in the plan: checked as given, proven with the instance, and tampering is caught."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.model.cases import loaded, plain
from tests.model.test_extensions import HEAD, KEPT
from tests.random_instances import from_seed

import medalopt
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.plan.reader import read_saved_plan
from medalopt.plan.schema import SavedPlan
from medalopt.proof.certificate import certify_plan
from medalopt.proof.extension_rows import price_decisions
from medalopt.proof.extensions import (
    ExtensionData,
    ExtensionRow,
    ExtensionTerm,
    ExtensionVariable,
    compute_activity,
    evaluate_quantity,
    place_extensions,
    sum_weighted_rows,
)
from medalopt.proof.verdict import Verdict, verify_plan
from medalopt.report.atomic_write import write_folder
from medalopt.report.render.csv import render_csv_folder
from medalopt.report.render.json import build_plan_object, render_json
from medalopt.report.render.text import render_report_text
from medalopt.report.verify import build_verdict_report

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "models" / "extensions").glob("*.py"))
Edit = Callable[[dict[str, Any]], None]


def judged(instance: Instance, content: dict[str, Any]) -> Verdict:
    """Return the verdict on a plan of which `content` was saved."""
    return verify_plan(instance, SavedPlan.model_validate(content))


def written(folder_: Path, *lines: str) -> Path:
    """Return a file with `lines` as its extension."""
    path = folder_ / "own.py"
    path.write_text(HEAD + "".join(f"    {line}\n" for line in lines), encoding="utf-8")
    return path


def accepted(plan: Plan, folder_: Path) -> None:
    """Hold a plan, saved as JSON and as a folder of CSV, against its instance."""
    (folder_ / "plan.json").write_text(render_json(build_plan_object(plan)), encoding="utf-8")
    write_folder(folder_ / "plan", render_csv_folder(plan))
    for name in ("plan.json", "plan"):
        found = verify_plan(plan.instance, read_saved_plan(folder_ / name))
        assert found.accepted, found.broken
        assert found.certificate.optimal
        assert found.certificate.lower_bound == plan.certificate.lower_bound


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_plan_with_an_example_is_accepted(path: Path, tmp_path: Path) -> None:
    """The worked extensions are verified in fractions, and a saved plan carries them in JSON and CSV."""
    plan = medalopt.solve(medalopt.load(ROOT / "instances/tiny.yaml"), extensions=[path])
    assert plan.certificate.arithmetic == "exact rational"
    assert plan.certificate.scope == f"instance and {len(plan.added.rows)} added rows"
    assert any(row.dual for row in plan.added.rows)
    accepted(plan, tmp_path)


@pytest.mark.parametrize("lines", KEPT.values(), ids=KEPT)
def test_whatever_an_extension_adds_is_accepted(lines: tuple[str, ...], tmp_path: Path) -> None:
    """Bounds, fixed quantities, variables, blocks and costs are saved with the plan and verified from there."""
    plan = medalopt.solve(loaded(plain()), extensions=[written(tmp_path, *lines)])
    accepted(plan, tmp_path)


def test_a_large_plan_is_proven_by_enclosures(tmp_path: Path) -> None:
    """If fractions are too slow, added rows too are verified with interval arithmetic."""
    plan = medalopt.solve(medalopt.load(ROOT / "instances/tokyo2020.yaml"), extensions=[EXAMPLES[-1]])
    assert plan.certificate.arithmetic == "float64 with a proven error bound"
    accepted(plan, tmp_path)


OWN = {
    "a free variable that a row defines": (
        "m.u = pyo.Var()",
        "m.c = pyo.Constraint(expr=m.u == 0.3 * m.sent_device['phone'] - 0.1 * m.feed['smelter', '1'])",
        "m.d = pyo.Constraint(expr=m.u >= 1.7)",
    ),
    "one that follows from another": (
        "m.u = pyo.Var([1, 2])",
        "m.c = pyo.Constraint(expr=m.u[1] == m.u[2] / 3 + 0.1 * m.sent_device['phone'])",
        "m.d = pyo.Constraint(expr=m.u[2] == 0.7 * m.sent_device['phone'])",
        "m.e = pyo.Constraint(expr=m.u[1] + 0.1 * m.u[2] >= 3)",
    ),
    "a shortfall that costs": (
        "m.u = pyo.Var(domain=pyo.NonNegativeReals)",
        "m.c = pyo.Constraint(expr=m.u >= 7 - m.sent_device['phone'])",
        "m.objective.expr += 5 * m.u",
    ),
    "a cost of a quantity of the model's": ("m.objective.expr += 3 * m.sent_device['phone']",),
}


@pytest.mark.parametrize("lines", OWN.values(), ids=OWN)
def test_variables_and_costs_of_ones_own_are_proven(lines: tuple[str, ...], tmp_path: Path) -> None:
    """A variable without bounds gets those implied by its rows; added costs count in the objective."""
    plan = medalopt.solve(loaded(plain()), extensions=[written(tmp_path, *lines)])
    assert plan.certificate.scope == plan.added.scope
    accepted(plan, tmp_path)


def test_what_nothing_bounds_is_not_claimed_to_be_proven_from_the_plan(tmp_path: Path) -> None:
    """Two variables that bound only each other: the scope is the compiled program, and `verify` refuses."""
    path = written(
        tmp_path,
        "m.u = pyo.Var([1, 2])",
        "m.c = pyo.Constraint(expr=0.1 * m.u[1] - 0.3 * m.u[2] + m.sent_device['phone'] >= 7)",
        "m.d = pyo.Constraint(expr=0.3 * m.u[2] - 0.1 * m.u[1] + 0.1 * m.sent_device['phone'] >= 0.7)",
        "m.e = pyo.Constraint(expr=0.7 * m.u[1] - 2.1 * m.u[2] <= 0)",
    )
    plan = medalopt.solve(loaded(plain()), extensions=[path])
    assert plan.certificate.scope == "instance and extensions as compiled"
    found = judged(plan.instance, json.loads(render_json(build_plan_object(plan))))
    assert {broken.path for broken in found.broken} >= {"certificate.scope", "status"}
    assert "not valid" in render_report_text(build_verdict_report(found, "plan.json"))


def test_what_was_added_without_its_solution() -> None:
    """Bare of duals and values, with duals times a factor, and priced as another: the rest stays as it is."""
    rows = (ExtensionRow("a", 1.0, 2.0, (), 3.0), ExtensionRow("b", 1.0, 2.0, (), -4.0))
    added = ExtensionData(rows, (ExtensionVariable("own", 0.0, 9.0, 5.0),), (ExtensionTerm("own", (), 2.0),))
    bare = added.without_solution()
    assert [row.dual for row in bare.rows] == [0.0, 0.0] and [one.value for one in bare.variables] == [0.0]
    assert [row.dual for row in added.scale_duals(0.5).rows] == [1.5, -2.0]
    assert added.scale_duals(0.5).variables == added.variables
    assert bare.with_duals_of(added) == replace(added, variables=bare.variables)
    assert (bare.costs, bare.rows[1].name, bare.variables[0].upper) == (added.costs, "b", 9.0)
    assert ExtensionRow("c", 1.0, 2.0, ()).dual == 0.0 and ExtensionVariable("c", 1.0, 2.0).value == 0.0


@pytest.mark.parametrize(
    ("rows", "variables", "costs", "scope"),
    [
        (0, 0, 0, "instance"),
        (1, 0, 0, "instance and 1 added row"),
        (2, 1, 0, "instance, 2 added rows and 1 added variable"),
        (0, 2, 1, "instance, 2 added variables and added costs"),
        (1, 0, 2, "instance, 1 added row and added costs"),
    ],
)
def test_what_a_certificate_is_about(rows: int, variables: int, costs: int, scope: str) -> None:
    """The instance, and how many rows and variables were added; of costs that there are some."""
    row, own, cost = (
        ExtensionRow("row", 0.0, 1.0, ()),
        ExtensionVariable("own", 0.0, 1.0),
        ExtensionTerm("own", (), 1.0),
    )
    assert ExtensionData((row,) * rows, (own,) * variables, (cost,) * costs).scope == scope


def test_what_is_earned_counts_in_what_the_plan_comes_to(tmp_path: Path) -> None:
    """A prize of 3 JPY for every tonne of phones makes the saved plan's value less, and the verdict finds the same."""
    path = written(tmp_path, "m.objective.expr += -3 * m.sent_device['phone']")
    plan = medalopt.solve(loaded(plain()), extensions=[path])
    assert plan.objective < plan.cost
    found = judged(plan.instance, build_plan_object(plan))
    assert found.accepted and found.value == plan.objective


@cache
def solved() -> tuple[Instance, str]:
    """Return tiny and its plan under the cap on silver, as it is saved."""
    instance = medalopt.load(ROOT / "instances/tiny.yaml")
    return instance, render_json(
        build_plan_object(medalopt.solve(instance, extensions=[ROOT / "models/extensions/silver_cap.py"]))
    )


def _row(content: dict[str, Any]) -> dict[str, Any]:
    return max(content["added_rows"], key=lambda row: abs(row["dual"]))


def _dropped(content: dict[str, Any]) -> None:
    name = _row(content)["name"]
    content["added_rows"] = [row for row in content["added_rows"] if row["name"] != name]
    content["added_terms"] = [term for term in content["added_terms"] if term["row"] != name]


def _slack_dropped(content: dict[str, Any]) -> None:
    name = min(content["added_rows"], key=lambda row: abs(row["dual"]))["name"]
    content["added_rows"] = [row for row in content["added_rows"] if row["name"] != name]
    content["added_terms"] = [term for term in content["added_terms"] if term["row"] != name]


def _without_added(content: dict[str, Any]) -> None:
    for table in ("added_rows", "added_terms", "added_variables"):
        del content[table]


def _shipment(content: dict[str, Any]) -> None:
    """Return shipments within the rows of the instance that violate the added row only."""
    free = render_json(build_plan_object(medalopt.solve(solved()[0])))
    for member, value in json.loads(free).items():
        if member not in ("duals", "certificate", "prices"):
            content[member] = value


def _coefficient(content: dict[str, Any]) -> None:
    name = _row(content)["name"]
    term = max((term for term in content["added_terms"] if term["row"] == name), key=lambda term: -term["coefficient"])
    term["coefficient"] *= 1.01  # of what counts against the cap: more of it may come from elsewhere


PLANTED: dict[str, tuple[Edit, str]] = {
    "a plan that breaks the row": (_shipment, "silver_cap"),
    "the row dropped": (_dropped, "status"),
    "a row without a price dropped": (_slack_dropped, "certificate.scope"),
    "all rows dropped": (_without_added, "status"),
    "the terms dropped": (lambda content: content["added_terms"].clear(), "status"),
    "a looser end": (lambda content: _row(content).update(upper=1.0), "status"),
    "a tighter end": (lambda content: _row(content).update(upper=-1.0), "silver_cap"),
    "no end": (lambda content: _row(content).update(upper=None), "status"),
    "a price moved": (lambda content: _row(content).update(dual=_row(content)["dual"] * 1.01), "status"),
    "a price of the wrong sign": (lambda content: _row(content).update(dual=-_row(content)["dual"]), "status"),
    "a coefficient moved": (_coefficient, "status"),
    "another smelter": (lambda content: content["added_terms"][0]["key"].reverse(), "silver_cap"),
    "a row twice": (lambda content: content["added_rows"].append(dict(_row(content))), "silver_cap"),
    "a term of no row": (lambda content: content["added_terms"][0].update(row="nothing"), "nothing"),
    "ends crossed": (lambda content: _row(content).update(lower=1.0, upper=0.0), "silver_cap"),
    "a row that claims the costs": (lambda content: _row(content).update(name="objective"), "objective"),
    "a cost of nothing that was solved": (
        lambda content: content["added_terms"].append(
            {"row": "objective", "component": "network_footprint", "key": [], "coefficient": 1.0}
        ),
        "objective.value",
    ),
    "a variable out of its bounds": (
        lambda content: content["added_variables"].append({"name": "u", "lower": 0.0, "upper": 1.0, "value": 2.0}),
        "u",
    ),
    "a variable twice": (
        lambda content: content["added_variables"].extend(
            2 * [{"name": "u", "lower": 0.0, "upper": 1.0, "value": 0.0}]
        ),
        "u",
    ),
    "another scope": (lambda content: content["certificate"].update(scope="instance"), "certificate.scope"),
}


@pytest.mark.parametrize("error", PLANTED)
def test_tampering_with_added_rows_is_caught(error: str) -> None:
    """Each of these edits is refused, with the violation named."""
    instance, saved = solved()
    content = copy.deepcopy(json.loads(saved))
    edit, path = PLANTED[error]
    edit(content)
    found = judged(instance, content)
    assert not found.accepted
    assert any(path in broken.path for broken in found.broken), found.broken


FAR = {
    "a coefficient": lambda content: content["added_terms"][0].update(coefficient=1e308),
    "all coefficients, and a price": lambda content: (
        _row(content).update(dual=-1e308),
        [term.update(coefficient=1e308) for term in content["added_terms"]],
    ),
    "an end": lambda content: _row(content).update(upper=1e308),
    "a variable without an end": lambda content: (
        content["added_variables"].append({"name": "u", "lower": None, "upper": None, "value": 1e308}),
        content["added_terms"].append({"row": "objective", "component": "u", "key": [], "coefficient": 1e308}),
    ),
}


@pytest.mark.parametrize("name", FAR)
def test_figures_beyond_all_bounds_are_only_wrong(name: str) -> None:
    """A number of 300 digits in the file is refused like any other error."""
    instance, saved = solved()
    content = json.loads(saved)
    FAR[name](content)
    found = judged(instance, content)
    assert not found.accepted
    assert "not valid" in render_report_text(build_verdict_report(found, "plan.json"))


def test_the_verdict_says_what_it_is_subject_to() -> None:
    """A person reads that the rows of the plan count beside the instance's."""
    instance, saved = solved()
    assert "subject to the instance and 2 added rows" in render_report_text(
        build_verdict_report(judged(instance, json.loads(saved)), "plan.json")
    )


def test_half_a_folder_is_refused(tmp_path: Path) -> None:
    """A folder without one of the extension tables is refused, and so is text instead of a number."""
    instance, _ = solved()
    plan = medalopt.solve(instance, extensions=[ROOT / "models/extensions/silver_cap.py"])
    write_folder(tmp_path / "plan", render_csv_folder(plan))
    terms = tmp_path / "plan" / "added_terms.csv"
    terms.write_text(terms.read_text(encoding="utf-8").replace("0.4", "some"), encoding="utf-8")
    with pytest.raises(InputError, match="coefficient"):
        read_saved_plan(tmp_path / "plan")
    terms.unlink()
    with pytest.raises(InputError, match="added_terms"):
        read_saved_plan(tmp_path / "plan")


def drawn(seed: int, plan: Plan) -> list[str]:
    """Return rows at random over any quantities of the model, each a little tighter than `plan` has it."""
    chance = random.Random(seed)
    model = medalopt.build(plan.instance)
    columns = [column for part in model.component_objects() if part.ctype.__name__ == "Var" for column in part.values()]
    lines = []
    for number in range(chance.randint(1, 3)):
        chosen = chance.sample(columns, min(chance.randint(1, 4), len(columns)))
        terms = [(column, chance.choice([1.0, -1.0, 0.3, 2.5])) for column in chosen]
        row = ExtensionRow("c", 0, 0, tuple(ExtensionTerm(*key_of(column), factor) for column, factor in terms))
        rows = place_extensions(plan.instance, plan.account.routes, ExtensionData((row,)), FLOAT_ARITHMETIC.lift)
        value, size = (float(each[0]) for each in compute_activity(plan.account, rows))
        body = " + ".join(f"{factor} * m.{key_of(column)[0]}[{key_of(column)[1]!r}]" for column, factor in terms)
        body = body.replace("network_footprint[()]", "network_footprint")
        sign, off = chance.choice([("<=", -1), (">=", 1)])
        lines.append(f"m.own{number} = pyo.Constraint(expr={body} {sign} {value + off * 0.02 * size!r})")
    return lines


def key_of(column: Any) -> tuple[str, tuple[str, ...]]:
    """Return component and index of a Pyomo variable."""
    index = column.index()
    return column.parent_component().name, index if isinstance(index, tuple) else () if index is None else (index,)


@pytest.mark.parametrize("seed", range(16))
def test_rows_at_random_are_proven_as_well(seed: int, tmp_path: Path) -> None:
    """On any quantities of any instance: the certified value is the compiled program's, and the saved plan is right."""
    (tmp_path / "random.yaml").write_text(from_seed(seed), encoding="utf-8")
    instance = medalopt.load(tmp_path / "random.yaml")
    try:
        free = medalopt.solve(instance)
        plan = medalopt.solve(instance, extensions=[written(tmp_path, *drawn(seed, free))])
    except NoPlanError:
        return
    assert plan.certificate.optimal and plan.certificate.scope == plan.added.scope
    assert plan.objective >= free.objective - 1e-9 * max(1.0, abs(free.objective))
    accepted(plan, tmp_path)


@pytest.mark.parametrize("seed", range(10))
def test_prices_come_to_what_the_rows_are_worth(seed: int, tmp_path: Path) -> None:
    """For any row weights, the pulled-back prices of the decisions equal the value of the rows."""
    (tmp_path / "random.yaml").write_text(from_seed(seed), encoding="utf-8")
    instance = medalopt.load(tmp_path / "random.yaml")
    try:
        account = medalopt.solve(instance).account
    except NoPlanError:
        return
    chance = random.Random(seed)
    model = medalopt.build(instance)
    columns = [column for part in model.component_objects() if part.ctype.__name__ == "Var" for column in part.values()]
    rows = [
        ExtensionRow(str(n), 0, 1, (ExtensionTerm(*key_of(c), chance.uniform(-1, 1)),)) for n, c in enumerate(columns)
    ]
    set_ = place_extensions(instance, account.routes, ExtensionData(tuple(rows)), FLOAT_ARITHMETIC.lift)
    weights = np.array([chance.uniform(-1, 1) for _ in rows] + [0.0])
    made, size = compute_activity(account, set_)
    pull = price_decisions(instance, account.routes, account.read, sum_weighted_rows(set_, weights))
    worth = sum(float((each * evaluate_quantity(account, array)).sum()) for array, each in pull.items())
    assert worth == pytest.approx(float(weights @ made), abs=1e-9 * max(1.0, float(size.sum())))


def test_prices_at_random_never_prove_too_much() -> None:
    """With any dual values of added rows the bound is at most the objective of the plan."""
    instance, _ = solved()
    plan = medalopt.solve(instance, extensions=[ROOT / "models/extensions/two_sources.py"])
    chance = random.Random(1)
    bounds = compute_bounds(instance, plan.account.routes)
    for arithmetic in (FLOAT_ARITHMETIC, EXACT_ARITHMETIC):
        for _ in range(5):
            rows = tuple(
                ExtensionRow(row.name, row.lower, row.upper, row.terms, chance.uniform(-1e5, 1e5))
                for row in plan.added.rows
            )
            certificate = certify_plan(plan.account, bounds, plan.duals, "cost", arithmetic, ExtensionData(rows))
            assert certificate.lower_bound <= plan.objective * (1 + 1e-9)
