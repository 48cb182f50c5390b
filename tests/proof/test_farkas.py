"""Infeasibility is proven by multipliers from the instance alone, and claimed only then."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from tests.model.cases import EXPECTED, answer, answered, at_random, changed, conformance, loaded
from tests.proof.test_bound import axes, keys
from tests.random_instances import as_text, document

import medalopt
from medalopt import solve_instance
from medalopt.errors import NoPlanError
from medalopt.instance.arithmetic import EXACT_ARITHMETIC, FLOAT_ARITHMETIC, INTERVAL_ARITHMETIC, Arithmetic
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.proof import certificate
from medalopt.proof.bound import BoundContext
from medalopt.proof.certificate import COMPILED_SCOPE, InfeasibilityProof, adopt_compiled_proof, prove_infeasibility
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData, ExtensionRow, ExtensionTerm
from medalopt.proof.prices import Duals

ROOT = Path(__file__).parents[2]
REFUSED = [name for name, answers in EXPECTED.items() if answers["cost"]["status"] == "infeasible"]
SEEDS = range(100)
PHONES = {"device": "phone", "region": "north", "available": "10 t"}
IMPOSSIBLE = (  # figures that take the plan from many instances, and leave it to some
    ("medals", "count", 10**7),
    ("alloys", "capacity", "1 g"),
    ("smelters", "limit", "1 g"),
    ("streams", "committed", "1000 t"),
)


def holds(instance: Instance, shown: InfeasibilityProof) -> None:
    """Check a proof of infeasibility again, also in fractions; intervals never claim more than they prove."""
    exact, enclosed = (
        prove_infeasibility(instance, shown.duals, EXACT_ARITHMETIC),
        prove_infeasibility(instance, shown.duals, INTERVAL_ARITHMETIC),
    )
    assert exact.holds and exact.margin >= enclosed.margin
    again = prove_infeasibility(instance, shown.duals)
    assert shown.holds and again.margin == shown.margin and again.duals == shown.duals
    assert (again.arithmetic, again.scope) == (shown.arithmetic, "instance")


@pytest.mark.parametrize("name", [*REFUSED, "infeasible"])
def test_what_has_no_plan_is_refuted(name: str) -> None:
    """Each conformance instance without a plan, and the one shipped: multipliers that hold in fractions."""
    instance = conformance(name) if name in REFUSED else medalopt.load(ROOT / f"instances/{name}.yaml")
    shown = answer(instance)
    assert isinstance(shown, InfeasibilityProof)
    assert shown.arithmetic == EXACT_ARITHMETIC.name
    holds(instance, shown)


def test_a_large_instance_is_refuted_in_enclosures() -> None:
    """The first targets of Tokyo 2020 could not be met from the goods on offer; that is certain in floating point."""
    instance = medalopt.load(ROOT / "instances/tokyo2020-first-targets.yaml")
    shown = answer(instance)
    assert isinstance(shown, InfeasibilityProof)
    assert shown.holds and shown.arithmetic == INTERVAL_ARITHMETIC.name
    assert prove_infeasibility(instance, shown.duals).margin == shown.margin


def test_random_instances_have_a_plan_or_are_refuted() -> None:
    """Each random instance has a plan or a proof of infeasibility; more than thirty are infeasible."""
    refuted = [seed for seed in SEEDS if isinstance(answered(at_random(seed)), InfeasibilityProof)]
    assert len(refuted) >= 35
    for seed in refuted:
        holds(at_random(seed), answered(at_random(seed)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("section", "figure", "value"), IMPOSSIBLE)
def test_what_a_change_makes_impossible_is_refuted(section: str, figure: str, value: Any) -> None:
    """Infeasible changes are refuted: too many medals, tiny capacities, missing supply.

    With the random instances these are more than sixty.
    """
    refuted = 0
    for seed in [seed for seed in SEEDS if isinstance(answered(at_random(seed)), Plan)][:40]:
        instance = turned(seed, section, figure, value)
        shown = instance and answer(instance)
        if instance and isinstance(shown, InfeasibilityProof):
            holds(instance, shown)
            refuted += 1
    assert refuted >= 7


def turned(seed: int, section: str, figure: str, value: Any) -> Instance | None:
    """Return a random instance with one parameter changed in the first entry of a section, None if it has none."""
    text = document(seed)
    entries = text.get(section)
    if not entries:
        return None
    first = entries[0] if isinstance(entries, list) else next(iter(entries.values()))
    first[figure] = value
    for other in ("committed", "minimum_order", "lot"):
        if figure == "limit":
            first.pop(other, None)
    return loaded(as_text(text))


def test_no_multipliers_refute_what_has_a_plan() -> None:
    """Random prices, those of the plan, and multipliers of a tighter instance refute no feasible one."""
    random = Random("no refutation")
    for seed in [seed for seed in SEEDS if isinstance(answered(at_random(seed)), Plan)][:20]:
        instance, plan = at_random(seed), answered(at_random(seed))
        assert isinstance(plan, Plan)
        tried: list[Duals] = [
            {},
            plan.duals,
            invented(instance, random),
            disturbed(plan.duals, random),
        ]
        harder = turned(seed, "medals", "count", 10**7)
        shown = harder and answer(harder)
        tried += [shown.duals, disturbed(shown.duals, random)] if isinstance(shown, InfeasibilityProof) else []
        for duals in tried:
            assert not prove_infeasibility(instance, duals, EXACT_ARITHMETIC).holds
            assert not prove_infeasibility(instance, duals, INTERVAL_ARITHMETIC).holds


def invented(instance: Instance, random: Random) -> Duals:
    """Return random multipliers of rows, whether they exist in the program or not."""
    return {
        rule: {key: random.gauss(0, 10.0 ** random.randint(-6, 3)) for key in keys(along) if random.random() < 0.5}
        for rule, along in axes(instance).items()
    }


def disturbed(duals: Duals, random: Random) -> Duals:
    """Return multipliers a little or much off."""
    return {
        rule: {key: value * random.choice((1.0, 1.0, 1.001, 0.5, 3.0, -1.0)) for key, value in rows.items()}
        for rule, rows in duals.items()
    }


def too_little() -> Instance:
    """Return an instance that requires 5 kg of silver with at most 4.5 kg recoverable."""
    stream = {"device": "phone", "region": "north", "available": "5 t"}
    alloy = {"composition": {"Ag": "100 %"}}
    return loaded(changed(market=None, periods=None, streams=[stream], alloys={"silver": alloy}))


def test_the_margin_by_hand() -> None:
    """The margin is the missing 0.5 kg, with equal multipliers of balance, melt and demand of silver."""
    instance, period = too_little(), "1"
    for weight, told in ((1.0, 0.5), (3.0, 0.75), (1e-9, 0.5 * 1e-9 * 2**30)):
        duals = {"balance": {("Ag", period): -weight}, "melt": {("silver", period): -weight}}
        shown = prove_infeasibility(instance, duals | {"demand": {("silver", period): weight}})
        assert shown.margin == pytest.approx(told, rel=1e-12)
        assert shown.rules == 3
        assert 1 <= max(abs(value) for rows in shown.duals.values() for value in rows.values()) < 2
        assert not prove_infeasibility(instance, duals).holds


def test_only_rows_that_count_are_kept() -> None:
    """Definitions, extension rows, supply prices, zeros and NaN are removed from the multipliers."""
    instance = too_little()
    shown = answer(instance)
    assert isinstance(shown, InfeasibilityProof)
    extra = {
        "define_sent": {None: 1.0},
        "own": {None: 1e9},
        "supply": {("phone@north", "1"): -1e9},
        "others": {("silver", "1"): 0.0},
        "purchase": {},
        "recycled": {"Ag": float("nan")},
    }
    assert prove_infeasibility(instance, {**shown.duals, **extra}) == shown
    assert prove_infeasibility(instance, {}).duals == {} and not prove_infeasibility(instance, {}).holds
    assert set(shown.duals) <= set(axes(instance))


def test_plain_floats_on_request() -> None:
    """In floats the proof has the same margin and states its arithmetic."""
    instance = too_little()
    shown = answer(instance)
    assert isinstance(shown, InfeasibilityProof)
    floats = prove_infeasibility(instance, shown.duals, FLOAT_ARITHMETIC)
    assert floats.margin == pytest.approx(shown.margin) and floats.arithmetic == "float64"


OWN = {  # an extension that asks for too much, and on what the refutation then rests
    "an added row": ("m.c = pyo.Constraint(expr=m.sent_device['phone'] >= 21)", "instance and 1 added row"),
    "a variable of one's own": (
        "m.u = pyo.Var(bounds=(0, 2)); m.c = pyo.Constraint(expr=m.sent_device['phone'] + m.u >= 24)",
        "instance, 1 added row and 1 added variable",
    ),
    "for cost only": ("m.objective.expr += 5 * m.sent_device['phone']", "instance"),
}


def refused(folder: Path, line: str, instance: Instance) -> InfeasibilityProof:
    """Return the proof of infeasibility of an instance with `line` as an extension."""
    path = folder / "own.py"
    path.write_text(f"import pyomo.environ as pyo\ndef extend(m, instance):\n    {line}\n", encoding="utf-8")
    with pytest.raises(NoPlanError) as refusal:
        medalopt.solve(instance, extensions=[path])
    shown = refusal.value.proof
    assert isinstance(shown, InfeasibilityProof)
    return shown


@pytest.mark.parametrize("kind", OWN)
def test_rows_of_ones_own_count_in_the_same_arithmetic(kind: str, tmp_path: Path) -> None:
    """More than the 20 t of supply is proven infeasible in fractions, with the extension row where needed."""
    line, scope = OWN[kind]
    instance = too_little() if kind == "for cost only" else loaded(changed(streams=[PHONES], market=None))
    shown = refused(tmp_path, line, instance)
    assert shown.holds and (shown.arithmetic, shown.scope) == (EXACT_ARITHMETIC.name, scope)
    again = prove_infeasibility(instance, shown.duals, added=shown.added)
    assert again.margin == shown.margin and again.rules == shown.rules
    assert prove_infeasibility(instance, shown.duals).holds == (scope == "instance")


def test_where_arithmetic_is_not_decisive_the_compiled_program_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With unbounded extension variables the compiled rows prove infeasibility in floats, as the scope states."""
    line, _ = OWN["an added row"]
    instance = loaded(changed(streams=[PHONES], market=None))
    monkeypatch.setattr(
        solve_instance,
        "prove_infeasibility",
        lambda *_, **__: InfeasibilityProof({}, float("-inf"), EXACT_ARITHMETIC.name, "instance"),
    )
    shown = refused(tmp_path, line, instance)
    assert shown.holds and (shown.arithmetic, shown.scope) == (FLOAT_ARITHMETIC.name, COMPILED_SCOPE)
    assert shown.added.rows and prove_infeasibility(instance, shown.duals, added=shown.added).holds


def test_a_hair_short_is_short() -> None:
    """A shortage of 1e-10 is proven infeasible in fractions, where floats could not."""
    offer = {"silver": {"composition": {"Ag": "100 %"}, "price": "60000 JPY/kg", "limit": "5 kg"}}
    for mass, enough in (("500.00000005 g", False), ("500 g", True)):
        medals = {"medal": {"count": 10, "parts": {"silver": mass}}}
        found = answer(loaded(changed(devices=None, streams=None, smelters=None, market=offer, medals=medals)))
        assert isinstance(found, Plan if enough else InfeasibilityProof)
        assert isinstance(found, Plan) or 0 < found.margin < 1e-8


def test_multipliers_are_brought_to_between_one_and_two() -> None:
    """Multipliers and margin are scaled by a power of two to a maximum in [1, 2); zeros stay."""
    one, other = ExtensionRow("a", 0.0, 1.0, (), 12.0), ExtensionRow("b", 0.0, 1.0, (), 0.0)
    duals = {"balance": {("Ag", "1"): -3.0, ("Ag", "2"): 0.0}, "melt": {("a", "1"): math.nan}, "define_feed": {1: 99.0}}
    shown = adopt_compiled_proof(duals, 5.0, ExtensionData((one, other), (), (ExtensionTerm("x", (), 1.0),)))
    assert shown.duals == {"balance": {("Ag", "1"): -0.375}}
    assert [row.dual for row in shown.added.rows] == [1.5, 0.0] and shown.added.costs == ()
    assert (shown.margin, shown.scope, shown.arithmetic) == (0.625, COMPILED_SCOPE, FLOAT_ARITHMETIC.name)
    assert shown.rules == 2
    assert (
        adopt_compiled_proof({}, 3.0, NO_EXTENSIONS).margin == 3.0
        and adopt_compiled_proof({}, 3.0, NO_EXTENSIONS).rules == 0
    )
    for dual in (1.0, -1.0):
        assert adopt_compiled_proof({}, 1.0, ExtensionData((ExtensionRow("a", 0.0, 1.0, (), dual),))).rules == 1


def test_multipliers_of_supply_count_for_what_may_wait() -> None:
    """Supply multipliers are kept for storable streams only."""
    stored = PHONES | {"name": "stored", "storage": {}}
    instance = loaded(changed(streams=[PHONES | {"name": "gone"}, stored]))
    supply = {(name, "1"): -1.0 for name in ("gone", "stored")}
    shown = prove_infeasibility(instance, {"supply": supply, "wish": {"1": 1.0}})
    assert shown.duals == {"supply": {("stored", "1"): -1.0}}


@pytest.mark.parametrize(
    "arithmetic", [FLOAT_ARITHMETIC, EXACT_ARITHMETIC, INTERVAL_ARITHMETIC], ids=lambda each: each.name
)
def test_all_that_a_refutation_rests_on_is_of_one_arithmetic(
    arithmetic: Arithmetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Routes and bounds are of the kind of number that the answer names."""
    grounds: list[BoundContext] = []

    def bound(ground: BoundContext, *rest: Any) -> float:
        grounds.append(ground)
        return 0.0

    monkeypatch.setattr(certificate, "compute_extended_bound", bound)
    prove_infeasibility(loaded(changed()), {}, arithmetic)
    kind = type(arithmetic.lift(np.zeros(1))), getattr(arithmetic.lift(np.zeros(1)), "dtype", None)
    for numbers in (grounds[0].routes.returned, grounds[0].bounds.stock):
        assert (type(numbers), getattr(numbers, "dtype", None)) == kind
