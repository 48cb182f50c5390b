"""Fractions: one is a single product, two halves are one; a plan by hand; both ways of solving agree; bad input."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import yaml
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, document, with_fractions

import medalopt
from medalopt.errors import InputError, NoPlanError
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes

BY_HAND = ROOT / "instances" / "fractions.yaml"
BOARDS = "treatments__dismantle__fractions__boards"


def _as_fractions(single: Mapping[str, Any]) -> Document:
    """Return an entry with one fraction in place of its single product."""
    rest = {name: value for name, value in single.items() if name not in ("to_smelter", "recovery")}
    part = {"share": single.get("to_smelter", "100 %"), "recovery": single.get("recovery", "100 %")}
    return rest | {"fractions": {"all": part}}


def _route_pairs(instance: Instance) -> set[tuple[int, str]]:
    """Return stream and treatment of every route that takes devices."""
    routes, treatments = build_routes(instance), instance.treatments
    taking = np.flatnonzero(routes.treats).tolist()
    return {(int(routes.stream[j]), treatments.names[routes.treatment[j]]) for j in taking}


@pytest.mark.parametrize("seed", range(8))
def test_no_fractions_change_nothing(seed: int) -> None:
    """Empty fractions give the bytes of a plan without the field."""
    content = document(seed)
    for treatment in content.get("treatments", {}).values():
        treatment["fractions"] = {}
    assert answer(loaded(content)) == answer(loaded(document(seed)))


@pytest.mark.parametrize("seed", range(16))
def test_one_fraction_is_a_single_product(seed: int) -> None:
    """A treatment with one fraction never costs more than one that sends it on: it may be residue if not accepted."""
    content, other = document(seed), document(seed)
    for name, treatment in other.get("treatments", {}).items():
        single = {field: treatment[field] for field in ("to_smelter", "recovery") if field in treatment}
        other["treatments"][name] = _as_fractions(treatment) | {
            "devices": {
                device: _as_fractions(single | own) if own.keys() & {"to_smelter", "recovery"} else own
                for device, own in treatment.get("devices", {}).items()
            }
        }
    before, after = loaded(content), loaded(other)
    if before.lots:
        return
    plan, split = pool.solved(before), pool.solved(after)
    if _route_pairs(before) == _route_pairs(after):
        assert (plan is None) == (split is None)
    if plan is not None:
        assert split is not None and split.objective <= plan.objective + pool.slack(plan, split)
        if _route_pairs(before) == _route_pairs(after):
            assert abs(plan.objective - split.objective) <= pool.slack(plan, split)


def _halve(fractions: Document) -> Document:
    """Return fractions of which each is cut into two halves."""
    result: Document = {}
    for name, part in fractions.items():
        recovery = {metal: _half(value) for metal, value in part["recovery"].items()}
        half = part | {"share": _half(part["share"]), "recovery": recovery}
        result |= {name: half, f"{name}, other half": half}
    return result


def _half(value: Any) -> Any:
    return f"{float(str(value).rstrip('% ')) / 2!r} %" if str(value).endswith("%") else value / 2


@pytest.mark.parametrize("seed", range(16))
def test_two_halves_are_one_fraction(seed: int) -> None:
    """Fractions cut into two equal halves, each with a smelter of its own choice, cost the same."""
    content = with_fractions(seed)
    for treatment in content.get("treatments", {}).values():
        for entry in (treatment, *treatment.get("devices", {}).values()):
            if "fractions" in entry:
                entry["fractions"] = _halve(entry["fractions"])
    for smelter in content.get("smelters", {}).values():
        for terms in smelter.get("terms", {}).values():
            if "fractions" in terms:
                terms["fractions"] = [each for name in terms["fractions"] for each in (name, f"{name}, other half")]
    plan, halves = pool.solved(loaded(with_fractions(seed))), pool.solved(loaded(content))
    assert (plan is None) == (halves is None)
    if plan is not None and halves is not None:
        assert abs(plan.objective - halves.objective) <= pool.slack(plan, halves)


@pytest.mark.parametrize("seed", range(16))
def test_both_ways_agree(seed: int) -> None:
    """The decomposition, which prices combinations of branches, finds the same optimum, or neither finds a plan."""
    instance = loaded(with_fractions(seed))
    if instance.lots:
        return
    plan = pool.solved(instance)
    try:
        other = medalopt.solve(instance, method="decomposition")
    except NoPlanError:
        assert plan is None
        return
    assert plan is not None and other.certificate.optimal and other.method.startswith("decomposition")
    assert abs(plan.objective - other.objective) <= pool.slack(plan, other)


def by_hand(**changes: Any) -> Instance:
    """Return the instance by hand with other values, by path with `__` between the names."""
    content = yaml.safe_load(BY_HAND.read_text(encoding="utf-8"))
    for path, value in changes.items():
        *names, last = path.split("__")
        at = content
        for name in names:
            at = at.setdefault(name, {})
        at[last] = value
    return loaded(content)


def test_the_plan_by_hand() -> None:
    """The instance with its arithmetic in the file: its optimum, feeds and sales; each change by hand."""
    plan = medalopt.solve(medalopt.load(BY_HAND))
    assert plan.certificate.optimal and plan.certificate.basis == "proven"
    assert plan.cost == pytest.approx(1039, rel=1e-12) and plan.tonnes == pytest.approx(9.5)
    assert plan.account.feed[:, 0] == pytest.approx([0.2 * 2 + 0.1 * 9.5, 1.5])
    assert plan.costs["residue"] == pytest.approx(38) and plan.costs["sales"] == pytest.approx(-2 * 619.5 - 190)
    table = plan.tables["shipments"]
    told = zip(*(table[name] for name in ("fraction", "smelter", "tonnes", "feed")), strict=True)
    assert {row[:2]: row[2:] for row in told} == {
        (None, None): pytest.approx((9.5, 0)),
        ("boards", "far"): pytest.approx((2, 0.4)),
        ("boards", "near"): pytest.approx((7.5, 1.5)),
        ("cables", "far"): pytest.approx((9.5, 0.95)),
    }
    for changes, cost in (
        ({"smelters__near__capacity": "1.7 t"}, 8.5 * 122),  # all boards to `near`
        ({f"{BOARDS[:-6]}steel__sold": 0}, 1039 + 190),
        ({"smelters__far__terms": {"scrap": {"fractions": ["cables"]}}}, 7.5 * 122 + 1800),  # the rest in bars
    ):
        assert medalopt.solve(by_hand(**changes)).cost == pytest.approx(cost, rel=1e-12), changes


def test_a_fraction_that_nobody_takes_is_residue() -> None:
    """A fraction that no smelter accepts gives a warning, and costs the same as residue."""
    instance = by_hand(smelters__far__accepts=[], smelters__near__terms={"boards": {"fractions": ["boards"]}})
    assert ["`cables`: it is residue" in fault.message for fault in instance.warnings].count(True) == 1
    plan = medalopt.solve(instance)  # a tonne costs 134 + 80 - 50, and 2 for its cables
    assert plan.cost == pytest.approx(7.5 * 166 + 1800, rel=1e-12)


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (f"{BOARDS}__share", "45 %", "the shares of the fractions sum to 105 %"),
        (f"{BOARDS}__recovery__Cu", "61 %", "the recoveries of Cu of the fractions sum to 101 %"),
        ("treatments__dismantle__to_smelter", "20 %", "`to_smelter` is that of a single product"),
        ("treatments__dismantle__devices", {"phone": {"recovery": "9 %"}}, "of the treatment: give this device its"),
        ("smelters__near__terms", {"a": {"fractions": ["board"]}}, "no fraction is called `board`; did you mean"),
        ("treatments__dismantle/steel", {"cost": 1}, "a treatment is called `dismantle/steel`"),
        (f"{BOARDS}__weight", "10 %", "unknown key `weight`"),
    ],
)
def test_faults_are_reported(path: str, value: Any, text: str) -> None:
    """Each error names the fault and the valid values."""
    with pytest.raises(InputError) as error:
        by_hand(**{path: value})
    assert any(text in fault.message for fault in error.value.faults), [each.message for each in error.value.faults]
