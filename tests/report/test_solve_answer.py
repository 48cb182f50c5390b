"""The answer in a few lines, compared with plans in which its statements are carried out."""

from __future__ import annotations

import numpy as np
import pytest
from tests.report.plans import plan
from tests.report.reading import list_numbers, mentions, mentions_about

from medalopt.plan.metal_values import MetalValues, find_marginal_source, find_rejected_offer
from medalopt.report.solve import describe_status, summarize_plan


def lines(name: str, objective: str = "cost") -> tuple[str, ...]:
    """Return the lines of the answer."""
    chosen = plan(name, objective=objective)
    return summarize_plan(chosen, MetalValues(chosen))


def test_the_tokyo_answer() -> None:
    """Cost, payers, tonnes and binding constraints for a planner."""
    said, chosen = "\n".join(lines("tokyo2020")), plan("tokyo2020")
    paid = [sum(kinds.values()) for kinds in chosen.party_costs.values()]
    assert mentions(said, "JPY", "parties", "municipalities", "operators", "committee", numbers=(5_000,))
    assert mentions_about(said, chosen.cost, *paid) and "per medal" not in said
    passed_on = chosen.account.decisions.sent[chosen.account.routes.smelter < 0].sum()
    assert mentions_about(said, chosen.tonnes, 79_653, 100 * chosen.tonnes / 79_653, passed_on)
    silver = MetalValues(chosen).at_hand[chosen.instance.metals.names.index("Ag")].max()
    assert mentions(said, "silver", "mined_silver", "recycled", numbers=(57_600,))  # what binds
    assert mentions_about(said, silver)
    assert mentions(said, "pick_up (bundle)", "kanto")  # where more comes from
    assert "copper" not in said
    assert "optimal" in describe_status(plan("tokyo2020")).lower()


def test_the_kilogram_more_takes_what_is_said() -> None:
    """A kilogram less at hand does take that many tonnes more from that region, at that cost."""
    chosen = plan("tokyo2020")
    worth = MetalValues(chosen)
    silver = chosen.instance.metals.names.index("Ag")
    source = find_marginal_source(chosen, worth, silver)
    assert source is not None and source.region == "kanto"
    richer = plan("tokyo2020", ("metals.Ag.opening_stock", "0.1 kg"))
    assert chosen.tonnes - richer.tonnes == pytest.approx(0.1 * source.tonnes, rel=1e-3)
    assert chosen.cost - richer.cost == pytest.approx(0.1 * worth.at_hand[silver].max(), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "metal"), [("tiny", "Ag"), ("tiny", "Cu"), ("tiny", "Zn"), ("rio2016", "Ag"), ("rio2016", "Zn")]
)
def test_a_kilogram_saves_what_it_is_worth(name: str, metal: str) -> None:
    """A little more at hand from the start saves its worth where that is the same throughout, and lies between else."""
    chosen = plan(name)
    worth = MetalValues(chosen)
    e = chosen.instance.metals.names.index(metal)
    values = worth.at_hand[e][worth.used[e]]
    opening = float(chosen.instance.metals.opening_stock.value[e])
    richer = plan(name, (f"metals.{metal}.opening_stock", f"{opening + 1e-4!r} kg"))
    saved = (chosen.cost - richer.cost) / 1e-4
    holding = float(chosen.instance.metals.holding.value[e].sum())
    assert values.min() * (1 - 1e-6) - holding - 1e-3 <= saved <= values.max() * (1 + 1e-6) + 1e-3


def test_copper_that_is_left_over_is_not_called_scarce() -> None:
    """Tokyo has 270 t of surplus copper: valued at its sale price, and not binding."""
    chosen = plan("tokyo2020")
    worth = MetalValues(chosen)
    copper = chosen.instance.metals.names.index("Cu")
    assert copper not in worth.scarce
    held = chosen.instance.metals.holding.value[copper].sum()
    assert 30 * (1 - 1e-9) <= worth.at_hand[copper][worth.used[copper]].max() <= 30 + held


def test_what_keeps_an_offer_out_is_what_binds() -> None:
    """The reason why more is not bought is a rule that binds: recycled content, unnamed matter, limits."""
    tiny, metals = plan("tiny"), plan("tiny").instance.metals.names
    reasons = {metal: find_rejected_offer(tiny, MetalValues(tiny), metals.index(metal)) for metal in ("Ag", "Cu", "Zn")}
    assert reasons["Ag"] is None  # its shadow price is 1.4 times the price, which is little
    tokyo = plan("tokyo2020")
    silver = find_rejected_offer(tokyo, MetalValues(tokyo), tokyo.instance.metals.names.index("Ag"))
    assert silver is not None and "recycled" in silver.reason
    assert reasons["Cu"] is not None and "unnamed matter" in reasons["Cu"].reason
    assert reasons["Zn"] is None
    changes = (("market.mined_silver.limit", "0.5 kg"), ("policy.recycled.Ag", "0 %"))
    limited = plan("tiny", *changes)
    refused = find_rejected_offer(limited, MetalValues(limited), metals.index("Ag"))
    assert refused is not None and "limit" in refused.reason


def test_what_is_bought_at_its_price_is_not_scarce() -> None:
    """Dantzig's blend buys all its metal: none is a bottleneck, and there is no line on devices."""
    (said,) = lines("dantzig")
    assert list_numbers(said) == [4.98] and "USD" in said


def test_plenty_is_reported() -> None:
    """With ample supply a line says that no metal is a bottleneck."""
    free = plan(
        "tokyo2020", *((f"medals.{medal}.count", "0") for medal in ("gold", "silver")), ("policy.recycled.Cu", "0 %")
    )
    assert MetalValues(free).scarce in ((), (free.instance.metals.names.index("Cu"),))
    assert "silver" not in "\n".join(summarize_plan(free, MetalValues(free)))


@pytest.mark.parametrize("objective", ["footprint", "mass"])
def test_another_measure_is_named_first(objective: str) -> None:
    """For footprint or mass the first line gives the objective in its unit before the cost."""
    chosen = plan("tiny", objective=objective)
    unit, value = {"footprint": ("kg CO2e", chosen.footprint), "mass": ("t", chosen.tonnes)}[objective]
    first = lines("tiny", objective)[0]
    assert mentions(first, objective, unit, "JPY")
    assert list_numbers(first)[:2] == pytest.approx([value, chosen.cost], rel=1e-3)
    assert np.isfinite(MetalValues(chosen).known_price).all() and not MetalValues(chosen).known_price.any()


def test_a_plan_without_a_proof_is_not_called_optimal() -> None:
    """The line of the proof follows the certificate."""
    from dataclasses import replace

    chosen = plan("dantzig")
    doubtful = replace(chosen, certificate=replace(chosen.certificate, gap=0.02))
    said = describe_status(doubtful)
    assert mentions(said, numbers=(2,)) and "optimal" not in said.lower()
    unknown = replace(chosen, certificate=replace(chosen.certificate, gap=1.5))
    said = describe_status(unknown)
    assert "not proven" in said and "optimal" not in said.lower()
