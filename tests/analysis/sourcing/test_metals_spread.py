"""How far what returns may differ, against what really returns when a figure is moved."""

from dataclasses import replace

import numpy as np
import pytest
from tests.report.plans import plan

from medalopt.analysis.sourcing.metals import compute_return_uncertainty, get_relative_deviations
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import ExactArray
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes

STEP = 1e-6
PHONE, NEAR = "phone", "near"


def _account(instance: Instance) -> PlanAccount:
    """Return the account of tiny's shipments for `instance`."""
    return PlanAccount(instance, build_routes(instance), plan("tiny").account.decisions)


def _scaled(figures: ExactArray, rows: object, by: float) -> ExactArray:
    value = figures.value.copy()
    value[rows] *= by
    return ExactArray(value, np.zeros(value.shape, dtype=np.intp))


def _moved(base: Instance, section: str, by: float) -> Instance:
    """Return `base` with the assay of phones, the recovery of dismantling or the returns of `near` times `by`."""
    if section == "devices":
        at = base.devices.names.index(PHONE)
        return replace(base, devices=replace(base.devices, assay=_scaled(base.devices.assay, at, by)))
    if section == "treatments":
        at = base.treatments.names.index("dismantle")
        return replace(base, treatments=replace(base.treatments, recovery=_scaled(base.treatments.recovery, at, by)))
    lines = base.terms.smelter == base.smelters.names.index(NEAR)
    return replace(base, terms=replace(base.terms, returned=_scaled(base.terms.returned, lines, by)))


@pytest.mark.parametrize("deduction", [0.0, 0.2])
@pytest.mark.parametrize(("section", "name"), [("devices", PHONE), ("treatments", "dismantle"), ("smelters", NEAR)])
def test_one_figure_spreads_as_far_as_it_moves_the_metal(section: str, name: str, deduction: float) -> None:
    """With one uncertain figure the deviation is what moving that figure changes, below a deduction too."""
    base = plan("tiny").instance
    terms = replace(
        base.terms, deduction=ExactArray(np.full_like(base.terms.deduction.raw, deduction), np.zeros((), int))
    )
    base = replace(base, terms=terms, annex={f"{section}_cv": {name: {"cv": 0.3}}})
    found = compute_return_uncertainty(_account(base))
    assert found is not None
    moved = [_account(_moved(base, section, 1 + sign * STEP)).returned.sum(axis=0) for sign in (1, -1)]
    expected = 0.3 * (moved[0] - moved[1]) / (2 * STEP)
    assert expected.max() > 0
    np.testing.assert_allclose(found.correlated, expected, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(found.correlated_cumulated, expected.cumsum(axis=1), rtol=1e-6, atol=1e-7)


def test_lots_that_differ_by_themselves_even_out() -> None:
    """Lots apart never spread further than lots alike, and over two months less far."""
    base = plan("tiny").instance
    found = compute_return_uncertainty(
        _account(replace(base, annex={"devices_cv": {"laptop": {"cv": {"Ag": 0.4, "default": 0.1}}}}))
    )
    assert found is not None
    assert (found.independent <= found.correlated * (1 + 1e-12)).all()
    assert found.independent_cumulated[0, -1] < 0.9 * found.correlated_cumulated[0, -1]


def test_deviations_add_up_as_squares() -> None:
    """Two independent figures spread as the root of the sum of the squares of each alone."""
    base = plan("tiny").instance
    devices, smelters = {"devices_cv": {PHONE: {"cv": 0.3}}}, {"smelters_cv": {NEAR: {"cv": 0.1}}}
    alone = [compute_return_uncertainty(_account(replace(base, annex=annex))) for annex in (devices, smelters)]
    both = compute_return_uncertainty(_account(replace(base, annex={**devices, **smelters})))
    assert both is not None
    np.testing.assert_allclose(both.correlated**2, sum(one.correlated**2 for one in alone if one))


def test_without_cv_there_is_no_spread() -> None:
    """An instance that gives no cv gets no ranges; one of prices is none of what returns."""
    assert compute_return_uncertainty(plan("tiny").account) is None
    assert (
        compute_return_uncertainty(_account(replace(plan("tiny").instance, annex={"market_cv": {"zinc": {"cv": 0.1}}})))
        is None
    )


def test_a_cv_is_read_by_metal() -> None:
    """A metal that is not named has the default, or none."""
    base = plan("tiny").instance
    given = replace(base, annex={"devices_cv": {PHONE: {"cv": {"Ag": 0.4}}, "laptop": {"correlation": 0.5}}})
    table = get_relative_deviations(given, "devices", base.devices.names)
    assert table[base.devices.names.index(PHONE)].tolist() == [0.4, 0, 0]
    assert table.sum() == 0.4
