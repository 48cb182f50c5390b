"""Checks of explanations with extensions, for any planted error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY, RULES = ROOT / "instances/tiny.yaml", Path(__file__).parent / "instances" / "rules.py"
FEW, SHORT = RULES.with_name("few.py"), RULES.with_name("shortfall.yaml")
CAP = """import pyomo.environ as pyo


def extend(model, instance):
    model.cap = pyo.Constraint(expr=model.sent_device["phone"] <= 14)
"""
EXPECTED = {"less[1]", "less[2]", "upper bound of spare"}  # of rules.py: what binds


def explained() -> Iterator[str]:
    """The cost breakdown sums to the objective, and relaxing a constraint saves as much as a re-solve."""
    import os

    import medalopt
    from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
    from medalopt.analysis.explain.shadow_prices import compute_cost_breakdown, find_binding_constraints
    from medalopt.errors import MedaloptError

    instance = medalopt.load(TINY)
    os.environ["LOOSER"] = "0"
    try:
        near = PlanNeighbourhood.build(medalopt.solve(medalopt.load(SHORT)))
        if abs(sum(line.value for line in compute_cost_breakdown(near)) - near.plan.objective) > 1e-9 * near.plan.cost:
            yield "penalties"
        plan = medalopt.solve(instance, extensions=[RULES])
        near = PlanNeighbourhood.build(plan, extensions=[RULES])
        if abs(sum(line.value for line in compute_cost_breakdown(near)) - plan.objective) > 1e-9 * abs(plan.objective):
            yield "invoice"
        own = {row.name: row for row in find_binding_constraints(near, (), []) if row.paths[0].startswith("extension.")}
        if own.keys() != EXPECTED:
            yield "what binds"
            return
        os.environ["LOOSER"] = "1e-4"
        saved = plan.objective - medalopt.solve(instance, extensions=[RULES]).objective
        told = sum(row.saves for row in own.values()) * 1e-4
        if abs(saved - told) > 1e-3 * saved:
            yield "worth"
    except MedaloptError:
        yield "unproven"


def own_rules() -> Iterator[str]:
    """A rule of the user's own that cannot be kept is loosened as far as is needed, or left out."""
    import medalopt
    from medalopt.analysis.infeasibility.diagnosis import diagnose_infeasibility
    from medalopt.errors import MedaloptError

    try:
        found = diagnose_infeasibility(medalopt.load(TINY), extensions=[FEW])
    except MedaloptError:
        yield "unproven"
        return
    told = [change.encode()["to"] for repair in found.repairs for change in repair.changes] if found else []
    if told != [None, 22.0]:
        yield "other cures"


def rules_and_lots() -> Iterator[str]:
    """By hand: with at most 14 t three lots of 4 t and 6 kg bought, 17,400; the bound is that without lots, 15,800."""
    import tempfile

    import medalopt
    from medalopt.errors import MedaloptError

    with tempfile.TemporaryDirectory() as folder:
        cap = Path(folder) / "cap.py"
        cap.write_text(CAP, encoding="utf-8")
        try:
            plan = medalopt.solve(medalopt.load(ROOT / "tests/solver/lots.yaml"), extensions=[cap])
        except MedaloptError:
            yield "unproven"
            return
    if abs(plan.cost - 17_400) > 1e-3:
        yield "optimum"
    if abs(plan.certificate.lower_bound - 15_800) > 1e-3:
        yield "bound"
