"""An explanation with rules of a user's own: they bind, they have prices, and the invoice holds them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.analysis.explained import explained
from tests.analysis.nearby import ROOT, dearer, size, with_count
from tests.cli.runs import TINY, here
from tests.model.cases import loaded, plain
from tests.model.test_extensions import KEPT
from tests.proof.test_extensions_added import OWN, drawn, written
from tests.random_instances import from_seed

import medalopt
from medalopt.analysis.explain.explanation import Explanation, explain_plan
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import compute_cost_breakdown, find_binding_constraints
from medalopt.errors import NoPlanError, UsageError
from medalopt.plan.plan import Plan
from medalopt.report.explain import _summarize_explanation

CAP = ROOT / "models/extensions/silver_cap.py"
BOUND_BY_EACH_OTHER = (
    "m.u = pyo.Var([1, 2])",
    "m.c = pyo.Constraint(expr=0.1 * m.u[1] - 0.3 * m.u[2] + m.sent_device['phone'] >= 7)",
    "m.d = pyo.Constraint(expr=0.3 * m.u[2] - 0.1 * m.u[1] + 0.1 * m.sent_device['phone'] >= 0.7)",
    "m.e = pyo.Constraint(expr=0.7 * m.u[1] - 2.1 * m.u[2] <= 0)",
)


def adds_up(plan: Plan, near: PlanNeighbourhood) -> bool:
    """Return whether the cost breakdown sums to the objective."""
    return abs(sum(line.value for line in compute_cost_breakdown(near)) - plan.objective) <= 1e-9 * size(plan)


def by_path(found: Explanation) -> dict[str, float]:
    """Return the saving per unit by path."""
    return {row.paths[0]: row.saves for row in found.binding}


def test_a_row_by_hand(tmp_path: Path) -> None:
    """Of 7 t at 900 that a row asks for 5 are needed: a tonne less saves 900, and the row makes up all the cost."""
    path = written(tmp_path, *KEPT["a constraint"])
    found = explained(loaded(plain()), extensions=[path])
    assert by_path(found) == {"extension.c": pytest.approx(900)}
    assert [(line.kind, line.path, line.amount) for line in found.cost_breakdown] == [("added", "extension.c", 7)]
    assert found.cost_breakdown[0].value == pytest.approx(6300)
    silver = next(kink for kink in found.marginal_prices if kink.metal == 0)
    assert silver.more == pytest.approx(0, abs=1e-6)


def test_an_upper_bound_of_a_variable_by_hand(tmp_path: Path) -> None:
    """A variable may stand for 2 t of the 9 that a row asks for: one more would save 900, and 2 of them are a rent."""
    path = written(tmp_path, *KEPT["a variable of its own"])
    found = explained(loaded(plain()), extensions=[path])
    assert by_path(found) == {"extension.c": pytest.approx(900), "extension.u": pytest.approx(900)}
    assert {line.path: line.value for line in found.cost_breakdown} == {
        "extension.c": pytest.approx(8100),
        "extension.u": pytest.approx(-1800),
    }


@pytest.mark.parametrize("lines", [*KEPT.values(), *OWN.values()], ids=[*KEPT, *OWN])
def test_the_invoice_holds_whatever_is_added(lines: tuple[str, ...], tmp_path: Path) -> None:
    """Rows, bounds, blocks, variables and costs: with them the lines still come to the objective."""
    path = written(tmp_path, *lines)
    plan = medalopt.solve(loaded(plain()), extensions=[path])
    found = explain_plan(plan, [path])
    assert (
        adds_up(plan, PlanNeighbourhood.build(plan, extensions=[path]))
        and "Extension: " in (_summarize_explanation(found)[2])
    )


@pytest.mark.parametrize("seed", range(14))
def test_rows_at_random(seed: int, tmp_path: Path) -> None:
    """On any quantities of any instance the invoice comes to the objective, and no row saves less than it says."""
    (tmp_path / "random.yaml").write_text(from_seed(seed), encoding="utf-8")
    instance = medalopt.load(tmp_path / "random.yaml")
    try:
        lines = drawn(seed, medalopt.solve(instance))
        path = written(tmp_path, *lines)
        plan = medalopt.solve(instance, extensions=[path])
    except NoPlanError:
        return
    near = PlanNeighbourhood.build(plan, extensions=[path])
    assert adds_up(plan, near)
    own = {row.name: row for row in find_binding_constraints(near, (), []) if row.paths[0].startswith("extension.")}
    worth = {row.name: abs(row.dual) for row in plan.added.rows}
    for name, row in own.items():  # a derivative towards less cost: no dual of one optimum says less
        assert row.saves <= worth[name] * (1 + 1e-6)
        by = 1e-3 * row.step
        looser = [line if f"own{name[3:]} " not in line else f"{line[:-1]} {by:+})" for line in lines]
        eased = medalopt.solve(instance, extensions=[written(tmp_path, *looser)])
        assert plan.objective - eased.objective <= row.saves * abs(by) + 1e-9 * size(plan)


def test_one_medal_more_and_a_dearer_source() -> None:
    """Prices equal re-solves of the extended program for one more medal and a source at its limit."""
    instance = medalopt.load(TINY)
    found = explained(instance, extensions=[CAP])
    for m, kink in enumerate(kink for kink in found.marginal_prices if kink.metal is None):
        anew = medalopt.solve(with_count(instance, m, 1), extensions=[CAP])
        assert kink.more == pytest.approx(anew.objective - found.plan.objective, abs=1e-8 * size(found.plan))
    taking = next(one for one in found.source_analyses if 0 < one.falls_at < 1e9)
    streams = taking.source.streams
    for by, stays in ((0.99, True), (1.01, False)):
        anew = medalopt.solve(dearer(instance, streams, by * taking.falls_at), extensions=[CAP])
        assert (float(anew.account.sent[streams].sum()) > taking.taken * (1 - 1e-9)) == stays


def test_the_command_line(tmp_path: Path) -> None:
    """`explain --extend` lists the constraint as binding in text and JSON, and explains one stream with it."""
    page = here("explain", TINY, "--full", "--extend", str(CAP))
    assert page.code == 0 and "silver_cap[far]" in page.out and "Extension: " in page.out
    data = json.loads(here("explain", TINY, "--extend", str(CAP), "--json").out)
    row = next(row for row in data["explanation"]["binding"] if row["what"] == "silver_cap[far]")
    assert row["paths"] == ['extension."silver_cap[far]"'] and row["saves"] > 0 and row["unit"] is None
    assert "silver_cap" in here("explain", TINY, "streams.phone@east", "--extend", str(CAP)).out


def test_a_row_that_binds_little_is_reported_all_the_same() -> None:
    """A constraint of small effect such as the budget has its row in the table."""
    page = here("explain", TINY, "--full", "--extend", str(ROOT / "models/extensions/monthly_budget.py"))
    assert "monthly_budget[2017-04]  1 more " in page.out and "--json lists all" in page.out


def test_what_is_not_proven_is_said(tmp_path: Path) -> None:
    """With unbounded variables the prices rest on the compiled program, and the page says so."""
    found = explained(loaded(plain()), extensions=[written(tmp_path, *BOUND_BY_EACH_OTHER)])
    assert any("not verified" in line for line in _summarize_explanation(found))


def test_an_extension_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that adds another row each time it is run has no prices, and that is said."""
    monkeypatch.setenv("TIMES", "0")
    path = tmp_path / "own.py"
    path.write_text(
        "import os\nimport pyomo.environ as pyo\n\ndef extend(m, instance):\n"
        "    n = int(os.environ.get('TIMES', 0)); os.environ['TIMES'] = str(n + 1)\n"
        "    m.c = pyo.Constraint(expr=m.sent_device['phone'] >= 6 + n)\n",
        encoding="utf-8",
    )
    with pytest.raises(UsageError, match="something else each time"):
        explained(loaded(plain()), extensions=[path])
