import numpy as np
import pytest
from tests.analysis.sourcing.test_traceability import SCRAPPY
from tests.report.plans import plan

from medalopt.analysis.sourcing.metals import (
    compute_fineness,
    compute_scrap_account,
    count_strikable_medals,
    find_plating_alloys,
)

PLANS = [("tiny",), ("tiny", *SCRAPPY), ("tokyo2020",)]


@pytest.mark.parametrize("name", PLANS)
def test_the_scrap_account_balances(name: tuple[str, ...]) -> None:
    """What falls is lost, charged again, in hand or not fit yet; each period starts with what the last one left."""
    one = plan(*name)  # type: ignore[arg-type]
    found = compute_scrap_account(one.account)
    there, gone = found.opening + found.fit, found.recharged + found.closing
    np.testing.assert_allclose(there, gone, atol=1e-9 * found.cast.max())
    ends = (found.lost + found.recharged).sum(axis=1) + found.closing[:, -1] + found.waiting[:, -1]
    np.testing.assert_allclose(found.fallen.sum(axis=1), ends, rtol=1e-9)
    assert (found.opening[:, 1:] == found.closing[:, :-1]).all()


def test_scrap_that_is_left_has_the_worth_that_the_plan_counts() -> None:
    """At the end the account's worth is what the cost of the plan is less by."""
    one = plan("tiny", ("alloys.silver_925.scrap.value", "50 JPY/g"))
    assert compute_scrap_account(one.account).value[:, -1].sum() == pytest.approx(-one.costs["scrap"])
    assert one.costs["scrap"] < 0


@pytest.mark.parametrize("name", PLANS)
def test_what_is_cast_is_inside_its_window(name: tuple[str, ...]) -> None:
    """Fineness lies between least and greatest also with process scrap, and where no others are let in it is whole."""
    one = plan(*name)  # type: ignore[arg-type]
    alloys, cast = one.instance.alloys, one.account.cast > 0
    share = compute_fineness(one.account).transpose(0, 2, 1)[cast]  # (heats, E)
    alloy = np.nonzero(cast)[0]
    assert (share >= alloys.low.value[alloy] - 1e-9).all()
    named = alloys.named[alloy]
    assert (share[named] <= alloys.high.value[alloy][named] + 1e-9).all()
    others = 1 - np.where(named, share, 0).sum(axis=1)
    most = np.where(alloys.admits_others, alloys.others.value, 1)[alloy]
    assert (others <= most + 1e-9).all()


def test_scrap_brings_its_own_metal() -> None:
    """A heat of fresh metal and scrap lies between the two: by hand for the silver of May."""
    one = plan("tiny", ("alloys.silver_925.composition.Ag", "[92.5 %, 100 %]"), ("market.old_silver.limit", "20 kg"))
    share = compute_fineness(one.account)
    alloy, silver = one.instance.alloys.names.index("silver_925"), one.instance.metals.names.index("Ag")
    fresh, again = one.account.composition[alloy, silver, 1], one.account.decisions.recharged[alloy, 1]
    expected = (fresh + again * share[alloy, silver, 0]) / (one.account.charge[alloy, 1] + again)
    assert again > 0
    assert share[alloy, silver, 1] == pytest.approx(expected)


@pytest.mark.parametrize("name", [*PLANS, ("tiny", ("medals.silver.allowance", "10 %"))])
def test_medals_are_struck_in_time_and_of_what_is_there(name: tuple[str, ...]) -> None:
    """Every kind is whole when it is due, no count ever falls, and no medal is struck of metal that is not cast."""
    one = plan(*name)  # type: ignore[arg-type]
    made, medals = count_strikable_medals(one.account), one.instance.medals
    assert [int(made[m, due]) for m, due in enumerate(medals.due)] == medals.count.tolist()
    assert (np.diff(made, axis=1) >= 0).all()
    need = medals.parts.value * (1 + medals.allowance.value)[:, None]
    blanks = ((1 - one.instance.alloys.scrap_share.value)[:, None] * one.account.cast).cumsum(axis=1)
    assert (need.T @ made <= blanks * (1 + 1e-6)).all()


def test_plating_is_a_small_part_of_every_medal() -> None:
    """The gold of Tokyo's medals is plating; nothing of tiny's is."""
    tokyo, tiny = plan("tokyo2020"), plan("tiny")
    assert [tokyo.instance.alloys.names[a] for a in np.flatnonzero(find_plating_alloys(tokyo.account))] == [
        "gold_plate"
    ]
    assert not find_plating_alloys(tiny.account).any()
