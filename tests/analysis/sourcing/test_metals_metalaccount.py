import numpy as np
import pytest
from tests.report.plans import plan

from medalopt.analysis.sourcing.metals import compute_metal_account

NAMES = ("tiny", "tokyo2020")


@pytest.mark.parametrize("name", NAMES)
def test_the_account_balances(name: str) -> None:
    """What was there and came in is what went out and stays, of every metal in every period."""
    found = compute_metal_account(plan(name).account)
    into, out = found.opening + found.returned + found.bought, found.charged + found.surplus + found.closing
    np.testing.assert_allclose(into, out, rtol=1e-9, atol=1e-9 * into.max())
    assert (found.opening[:, 1:] == found.closing[:, :-1]).all()
    assert (found.closing >= 0).all()


def test_it_says_what_the_plan_says() -> None:
    """Returned, left and closing are those of the plan's table of metals, charged is that of its melts."""
    one = plan("tiny")
    found = compute_metal_account(one.account)
    for mine, column in ((found.returned, "returned"), (found.surplus, "surplus"), (found.closing, "stock")):
        assert mine.ravel().tolist() == one.tables["metals"][column]
    melts = one.melts.query("metal != 'other'").groupby("metal")["charged [kg]"].sum()
    assert found.charged.sum(axis=1) == pytest.approx([melts[metal] for metal in one.instance.metals.names])


def test_what_is_owed_is_what_the_medals_hold() -> None:
    """The 6,000 bronze medals of half a kilogram and 60 of silver are owed at the end, 38 of them in May."""
    one = plan("tiny")
    found = compute_metal_account(one.account)
    assert found.metal_due[:, -1].sum() == pytest.approx(6000 * 0.5 + 60 * 0.5, rel=0.02)  # the rest is no metal
    silver = found.metal_due[one.instance.metals.names.index("Ag")]
    assert silver[:2].tolist() == pytest.approx([0, 38 * 0.5 * 0.925])
