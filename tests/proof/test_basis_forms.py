"""Linear forms and exact equations: the arithmetic of a plan gives its rows, and elimination solves them."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from tests.model.cases import conformance, planned

from medalopt.instance.accounting import Decisions, PlanAccount
from medalopt.instance.arithmetic import EXACT_ARITHMETIC
from medalopt.instance.routes import build_routes
from medalopt.proof import basis
from medalopt.proof.basis import (
    AffineNumber,
    UnknownVector,
    mark_near_zero,
    measure_terms,
    solve_equations,
    substitute_unknowns,
)


@pytest.fixture(params=["flint", "fractions"], autouse=True)
def numbers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reckon in either kind of number."""
    if request.param == "fractions":
        monkeypatch.setattr(basis, "_rational", Fraction)


def test_equations_are_solved_exactly() -> None:
    """A random system with a known solution is solved in fractions, whatever the order of its rows."""
    random = Random(3)
    for size in (1, 4, 12):
        solution = [Fraction(random.randint(-9, 9), random.randint(1, 9)) for _ in range(size)]
        rows = []
        for row in range(size):
            slopes = {k: Fraction(random.randint(1, 5), 7) for k in range(size) if k == row or random.random() < 0.3}
            slopes[row] += 40  # the row's own unknown outweighs the others: there is one solution
            rows.append((slopes, sum(slope * solution[k] for k, slope in slopes.items()) + Fraction(0)))
        random.shuffle(rows)
        assert solve_equations([*rows, ({}, Fraction(1))]) == dict(enumerate(solution))


def test_what_contradicts_is_left_out_and_what_is_open_stays() -> None:
    """Of two contradicting equations the first holds; an undetermined unknown is not in the result."""
    one = Fraction(1)
    assert solve_equations([({0: one}, one), ({0: one}, 2 * one)]) == {0: one}
    assert solve_equations([({0: one, 1: one}, one)]).keys() in ({0}, {1})
    assert solve_equations([]) == {}


def test_what_no_equation_settles_stays_as_it_is_known() -> None:
    """With one equation for two unknowns the system is reported incomplete, with two it is complete."""
    unknown = UnknownVector()
    one, other = unknown.build_unknowns(np.array([2.5, 7.25]))
    assert unknown.solve_unknowns([np.array([one * 3 - 9], dtype=object)]) == ([Fraction(3), Fraction(29, 4)], False)
    both = [np.array([one * 3 - 9, other - one], dtype=object)]
    assert unknown.solve_unknowns(both) == ([Fraction(3), Fraction(3)], True)


def test_the_account_of_forms_is_linear() -> None:
    """The accounting on affine numbers, evaluated at any point, equals the accounting there in fractions."""
    plan = planned(conformance("c03"))
    assert plan is not None
    found, made, unknown = build_routes(plan.instance, EXACT_ARITHMETIC.read), plan.account.decisions, UnknownVector()
    parts = {name: unknown.build_unknowns(getattr(made, name)) for name in made.__dataclass_fields__}
    point = [Fraction(value) * 2 for value in unknown.at]
    doubled = Decisions(**{name: EXACT_ARITHMETIC.lift(2 * getattr(made, name)) for name in parts})
    forms = PlanAccount(plan.instance, found, Decisions(**parts), EXACT_ARITHMETIC.read)
    exact = PlanAccount(plan.instance, found, doubled, EXACT_ARITHMETIC.read)
    for name in ("stock", "scrap", "cast", "feed", "returned", "composition", "sent"):
        assert np.array_equal(substitute_unknowns(getattr(forms, name), point), getattr(exact, name)), name
    for measure in ("cost", "footprint", "mass"):
        assert forms.compute_objective(measure).evaluate(point) == exact.compute_objective(measure)


def test_where_floats_are_not_decisive_a_form_is_the_greater() -> None:
    """A form within rounding of a limit stays in the maximum of both; one clearly below it does not."""
    unknown = UnknownVector()
    (form,) = unknown.build_unknowns(np.array([0.1]))
    tight, slack = form * 3 - Fraction(3, 10), form - 1
    assert isinstance(tight, AffineNumber) and (tight.sign(), slack.sign(), (-slack).sign()) == (0, -1, 1)
    assert tight >= 0 and tight > 0 and not tight <= 0 and not tight < 0
    assert slack < 0 and not slack >= 0
    assert np.maximum(np.array([tight, slack], dtype=object), 0).tolist() == [tight, 0]
    assert abs(slack).constant == 1
    assert abs(tight) is tight and abs(form).slopes == form.slopes
    assert form >= Fraction(1, 20) and not form >= Fraction(1, 5) and form <= Fraction(1, 5)
    assert (form - form).sign() == 0 and form * 1 is form and (form * 2).slopes == {0: Fraction(2)}
    assert (form - np.inf).sign() == -1
    assert (1 - form).constant == 1 and (form / Fraction(2)).slopes == {0: Fraction(1, 2)}
    assert (form - form).slopes == {} and (form * 0).slopes == {} and form + 0 is form
    assert mark_near_zero(np.array([tight, slack, 0, 1, -1], dtype=object)).tolist() == [
        True,
        False,
        True,
        False,
        False,
    ]
    assert measure_terms(np.array([slack, -2], dtype=object)).tolist() == [1.0, 2.0]
