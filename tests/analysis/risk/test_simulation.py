"""The simulated risk: draws against changed instances, the normal approximation, recourse and shares by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

import medalopt
from medalopt.analysis.risk.simulation import PlanSampler, RiskSimulation, simulate_risk
from medalopt.analysis.sampling import compute_factors, compute_normal_quantiles, draw_latin_hypercube
from medalopt.cli.run import run_command
from medalopt.errors import UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.instance import Instance
from medalopt.instance.routes import build_routes
from medalopt.plan.plan import Plan

FILE = Path(__file__).parents[2] / "instance" / "uncertain.yaml"
LINEAR = {
    "distribution": "normal",
    "devices.*.cv": "20 %",
    **{f"{section}.*.cv": "0" for section in ("streams", "treatments", "smelters")},
    "smelters.works.deduction.Ag": "0 g/t",
}
BOUGHT = """
format: medalopt/1
name: bought
currency: JPY
metals: {Ag: {}}
devices: {phone: {content: {Ag: 1 kg/t}, cv: 30 %}}
streams: [{device: phone, region: east, available: 10 t, cv: 40 %, collection: 5}]
smelters: {works: {returned: 100 %, refining_charge: 2}}
market:
  near: {composition: {Ag: 100 %}, price: 100_000, limit: 500 g, recycled: 100 %}
  far: {composition: {Ag: 100 %}, price: 200_000, limit: 1 kg}
alloys: {silver: {composition: {Ag: 100 %}}}
medals: {one: {count: 10, parts: {silver: 1 kg}}}
policy: {recycled: {Ag: 98 %}}
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the plan of the uncertain instance."""
    return medalopt.solve(medalopt.load(FILE))


@pytest.fixture(scope="module")
def simulation(plan: Plan) -> RiskSimulation:
    """Return its simulation."""
    return simulate_risk(plan, 4_000)


def _scale(instance: Instance, sampler: PlanSampler, factors: np.ndarray) -> Instance:
    """Return the instance with other assays, recoveries and accountabilities; shares cut at 100 %."""
    drawn = {(one.kind, one.owner, one.metal): value for one, value in zip(sampler.model.factors, factors, strict=True)}
    changes = {}
    for e, metal in enumerate(instance.metals.names):
        for d, name in enumerate(instance.devices.names):
            value = instance.devices.assay.value[d, e] * drawn["assay", name, metal]
            changes[f"devices.{name}.content.{metal}"] = float(value)
        recovery = instance.treatments.recovery.value[0, 0, e] * drawn["recovery", "crush", ""]
        changes[f"treatments.crush.recovery.{metal}"] = float(min(recovery, 1))
        paid = instance.terms.returned.value[0, e] * drawn["accountability", "works", metal]
        changes[f"smelters.works.returned.{metal}"] = float(min(paid, 1))
    return instance.with_changes(changes)


@pytest.mark.parametrize("pooled", [False, True])
def test_draws_settle_as_a_changed_instance(pooled: bool) -> None:
    """Each draw returns the metal of the same shipments in an instance with the drawn parameters."""
    changes = {"smelters.works.settlement_lot": "pooled", "smelters.works.deduction.Ag": "60 g/t"} if pooled else {}
    plan = medalopt.solve(medalopt.load(FILE).with_changes(changes))
    sampler = PlanSampler(plan.account)
    factors = np.random.Generator(np.random.PCG64(4)).uniform(0.5, 1.6, (6, len(sampler.model.factors)))
    returned, refining = sampler.settle_lots(factors)
    streams = plan.instance.streams.names
    for row, own in enumerate(factors):
        other = _scale(plan.instance, sampler, own)
        routes = build_routes(other)
        supply = {
            one.owner: value for one, value in zip(sampler.model.factors, own, strict=True) if one.kind == "supply"
        }
        arrived = np.array([supply.get(streams[i], 1.0) for i in routes.stream.tolist()])[:, None]
        decisions = plan.account.decisions
        decisions = replace(
            decisions, sent=decisions.sent * arrived, withheld=np.zeros_like(np.asarray(decisions.withheld))
        )
        account = PlanAccount(other, routes, decisions)
        account = replace(account, decisions=account.clip_withheld())
        assert returned[row] == pytest.approx(account.returned.sum(axis=0).cumsum(axis=1))
        assert refining[row] == pytest.approx(float(account.costs["refining"].sum()))


def test_normal_draws_hold_with_the_stated_probability() -> None:
    """Of 100,000 normal draws the need of each metal and deadline is met in p ± 0.5 %, where yields are linear."""
    plan = medalopt.solve(medalopt.load(FILE).with_changes(LINEAR))
    (block,) = PlanSampler(plan.account).draw_blocks(100_000, 5)
    assert plan.risks[1].probability == pytest.approx(0.5)
    for risk in plan.risks:
        returned = block.returned[:, risk.metal, risk.period]
        assert (returned >= risk.needed).mean() == pytest.approx(risk.probability, abs=0.005)
        for probability in (0.05, 0.3, 0.7, 0.9, 0.95):
            need = risk.compute_quantile(1 - probability)
            assert (returned >= need).mean() == pytest.approx(probability, abs=0.005)


def test_simulation_hangs_together(plan: Plan, simulation: RiskSimulation) -> None:
    """Joint and timed probabilities are the smaller ones; every draw is in the histogram; a seed repeats itself."""
    for row in simulation.rows:
        assert simulation.joint.probability <= row.enough.probability
        assert row.as_timed <= row.enough.probability
        assert row.enough.low <= row.enough.probability <= row.enough.high
        assert row.counts.sum() == simulation.draws
        assert row.risk.needed == pytest.approx(row.edges[np.abs(row.edges - row.risk.needed).argmin()])
        short = row.counts[row.edges[1:] <= row.risk.needed * (1 + 1e-9)].sum() / simulation.draws
        assert short == pytest.approx(1 - row.enough.probability, abs=1e-9)
    again = simulate_risk(plan, 4_000)
    assert [row.mean for row in again.rows] == [row.mean for row in simulation.rows]
    assert simulate_risk(plan, 4_000, 1).rows[0].mean != simulation.rows[0].mean
    known = dict.fromkeys((share.risk.metal, share.risk.period) for share in simulation.shares)
    for key in known:
        whole = sum(one.share for one in simulation.shares if (one.risk.metal, one.risk.period) == key)
        assert whole == pytest.approx(1)


def test_recourse_by_hand(tmp_path: Path) -> None:
    """Missing silver: 500 g at 100,000, then 200 g of new metal (2 % of 10 kg) at 200,000; the rest is unmet."""
    path = tmp_path / "bought.yaml"
    path.write_text(BOUGHT, encoding="utf-8")
    plan = medalopt.solve(medalopt.load(path))
    found = simulate_risk(plan, 20_000)
    (row,) = found.rows
    assert row.risk.deviation == pytest.approx(5)
    shares = {one.factor.kind: one.share for one in found.shares}
    assert shares == pytest.approx({"assay": 0.36, "supply": 0.64})
    sampler = PlanSampler(plan.account)
    returned = np.concatenate([block.returned[:, 0, -1] for block in sampler.draw_blocks(20_000, 2020)])
    missing = np.maximum(10 - returned, 0)
    first, second = np.minimum(missing, 0.5), np.clip(missing - 0.5, 0, 0.2)
    assert found.cost.purchases == pytest.approx(float((100_000 * first + 200_000 * second).mean()))
    assert found.cost.unmet[0][1] == pytest.approx(float((missing - first - second).mean()))
    assert row.shortfall == pytest.approx(float(missing.mean()))
    assert found.cost.mean == pytest.approx(50 + 2 * row.mean + found.cost.purchases, rel=1e-3)


def test_samples_have_their_moments() -> None:
    """Quantiles are those of the library, each interval holds one point, and factors have mean 1 and their cv."""
    p = np.array([1e-9, 1e-3, 0.07, 0.3, 0.5, 0.93, 1 - 1e-6])
    assert compute_normal_quantiles(p) == pytest.approx([NormalDist().inv_cdf(one) for one in p], rel=1e-12)
    sample = draw_latin_hypercube(np.random.Generator(np.random.PCG64(1)), 1_000, 3)
    assert (np.sort((sample * 1_000).astype(int), axis=0) == np.arange(1_000)[:, None]).all()
    for normal in (False, True):
        factors = compute_factors(compute_normal_quantiles(sample), np.array([0.1, 0.2, 0.3]), normal)
        assert factors.mean(axis=0) == pytest.approx(np.ones(3), abs=0.003)
        assert factors.std(axis=0) == pytest.approx([0.1, 0.2, 0.3], rel=0.03)


def test_command(plan: Plan, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A saved plan has the risk of its instance; the report is written in each form."""
    plan.save(tmp_path / "plan.json")
    assert run_command(["risk", str(FILE), "--draws", "1000", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    page = tmp_path / "risk.html"
    asked = ["risk", str(tmp_path / "plan.json"), str(FILE), "--draws", "1000", "--json", "-o", str(page)]
    assert run_command(asked) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert {"risk", "joint", "cost", "unmet", "information", "histograms"} <= told.keys()
    assert "covers the need of" in page.read_text(encoding="utf-8")
    result = medalopt.risk(plan, draws=1_000)
    assert list(result.frames) == ["risk", "cost", "information"]
    assert result.frame["probability"].tolist() == [row["probability"] for row in told["risk"]]


@pytest.mark.parametrize(
    ("changes", "draws", "seed", "text"),
    [
        ({}, 10, 1, "give 1_000 to 1_000_000 draws"),
        ({}, 1_000, -1, "a seed is 0 or more"),
        ({f"{one}.*.cv": "0" for one in ("devices", "streams", "treatments", "smelters")}, 1_000, 1, "give a `cv`"),
    ],
)
def test_refused(changes: dict[str, str], draws: int, seed: int, text: str) -> None:
    """Too few draws, a negative seed and an instance without uncertainty are refused with the remedy."""
    plan = medalopt.solve(medalopt.load(FILE).with_changes(changes))
    with pytest.raises(UsageError, match=text):
        simulate_risk(plan, draws, seed)
