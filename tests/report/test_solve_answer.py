"""The answer in a few lines, held against plans in which what it says has been done."""

from __future__ import annotations

import re

import numpy as np
import pytest
from tests.report.plans import plan

from medalopt.report.metal_values import MetalValues
from medalopt.report.solve import describe_proof, find_marginal_source, find_rejected_offer, summarize_plan


def lines(name: str, objective: str = "cost") -> tuple[str, ...]:
    """Return the lines of the answer."""
    chosen = plan(name, objective=objective)
    return summarize_plan(chosen, MetalValues(chosen))


def test_the_tokyo_answer() -> None:
    """Cost, cost a medal, tonnes and what binds, in words and figures a planner can use."""
    assert lines("tokyo2020") == (
        "9.325 bn JPY in all, 1.865 m JPY a medal (5,000 medals).",
        "78,373 t of devices taken of 79,653 t offered (98.4 %); 66,209 t of them leave the project unsmelted.",
        "Scarce: silver. One more kilogram would save 7.27 m JPY, 126 times what mined_silver asks (57,600 JPY), "
        "which counts too little as recycled; to win it would take 68.78 t more of pick_up (bundle) from hokkaido.",
    )
    assert re.fullmatch(
        r"Proven optimal: gap \de-1\d, every rule kept to \de-1\d of its size\.", describe_proof(plan("tokyo2020"))
    )


def test_the_kilogram_more_takes_what_is_said() -> None:
    """A kilogram less at hand does take that many tonnes more from that region, at that cost."""
    chosen = plan("tokyo2020")
    worth = MetalValues(chosen)
    silver = chosen.instance.metals.names.index("Ag")
    source = find_marginal_source(chosen, worth, silver)
    assert source is not None and source.region == "hokkaido"
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
    """Tokyo has 350 t of copper more than it needs: it is worth what it sells for, and does not bind."""
    chosen = plan("tokyo2020")
    worth = MetalValues(chosen)
    copper = chosen.instance.metals.names.index("Cu")
    assert copper not in worth.scarce
    assert worth.at_hand[copper][worth.used[copper]].max() == pytest.approx(30, rel=0.03)


def test_what_keeps_an_offer_out_is_what_binds() -> None:
    """The reason why more is not bought is a rule that binds: recycled content, unnamed matter, limits."""
    tiny, metals = plan("tiny"), plan("tiny").instance.metals.names
    reasons = {metal: find_rejected_offer(tiny, MetalValues(tiny), metals.index(metal)) for metal in ("Ag", "Cu", "Zn")}
    assert reasons["Ag"] is not None and "recycled" in reasons["Ag"].reason
    assert reasons["Cu"] is not None and "not named" in reasons["Cu"].reason
    assert reasons["Zn"] is None
    changes = (("market.mined_silver.limit", "0.5 kg"), ("policy.recycled.Ag", "0 %"))
    limited = plan("tiny", *changes)
    refused = find_rejected_offer(limited, MetalValues(limited), metals.index("Ag"))
    assert refused is not None and refused.reason == "of which no more is on offer"


def test_what_is_bought_at_its_price_is_not_scarce() -> None:
    """Dantzig's blend buys all it needs: no metal is scarce, and nothing is said of devices."""
    assert lines("dantzig") == ("4.98 USD in all, 4.98 USD a medal (1 medal).",)


def test_plenty_is_told() -> None:
    """Where devices are on offer and nothing is scarce, that is said."""
    free = plan(
        "tokyo2020", *((f"medals.{medal}.count", "0") for medal in ("gold", "silver")), ("policy.recycled.Cu", "0 %")
    )
    assert summarize_plan(free, MetalValues(free))[-1].startswith(("No metal is scarce", "Scarce: copper"))


@pytest.mark.parametrize("objective", ["footprint", "mass"])
def test_another_measure_is_told_first(objective: str) -> None:
    """Where footprint or mass is made least, the first line gives it in its unit before the cost."""
    chosen = plan("tiny", objective=objective)
    unit = {"footprint": "kg CO2e", "mass": "t"}[objective]
    assert re.match(rf"Least {objective}: [\d,.]+ {unit}, for [\d.]+ m JPY in all", lines("tiny", objective)[0])
    assert np.isfinite(MetalValues(chosen).known_price).all() and not MetalValues(chosen).known_price.any()


def test_a_plan_without_a_proof_is_not_called_optimal() -> None:
    """The line of the proof follows the certificate."""
    from dataclasses import replace

    chosen = plan("dantzig")
    doubtful = replace(chosen, certificate=replace(chosen.certificate, gap=0.02))
    assert describe_proof(doubtful).startswith("Feasible, within 2 % of the best there can be, ")
    unknown = replace(chosen, certificate=replace(chosen.certificate, gap=1.5))
    assert describe_proof(unknown).startswith("Feasible, how near to the best is not proven, ")
