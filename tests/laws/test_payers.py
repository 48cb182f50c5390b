"""Payers split the cost: the parts add up, and each party's optimum is that of the instance at its own prices."""

from __future__ import annotations

import json
from itertools import cycle
from typing import Any

import pytest
import yaml
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_stock
from tests.twin import glpk

import medalopt
from medalopt.errors import InputError, UsageError
from medalopt.export import write_mathprog
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.payers import PAYER_KINDS, restrict_account, restrict_costs
from medalopt.plan.plan import Plan
from medalopt.report.render.json import build_plan_object
from medalopt.report.solve import describe_objective

KINDS = dict(zip(PAYER_KINDS, cycle(("committee", "operators", "municipalities")), strict=False))


def paid(seed: int, **payers: str) -> Document:
    """Return a random instance with transfers and payers: by kind, and of one stream and one treatment their own."""
    content = with_stock(seed)
    first, *others = content["streams"]
    treatments = {name: dict(one or {}) for name, one in content.get("treatments", {}).items()}
    for one in list(treatments.values())[:1]:
        one["payer"] = "operators"
    more: dict[str, Any] = {"treatments": treatments} if treatments else {}
    moved = {"transfers": _transfers(content.get("periods", {}).get("count", 1))}
    return {**content, **more, **moved, "streams": [{**first, "payer": "shop"}, *others], "payers": payers or KINDS}


def _transfers(count: int) -> Document:
    """Return one transfer of each kind, two of them with a price for each of `count` periods."""
    by_period = [f"{1 + period % 3}.1 JPY/kg" for period in range(count)]
    between = ("operators", "municipalities"), ("committee", "operators"), ("shop", "committee"), ("bank", "operators")
    return {
        f"for {section}": {"payer": payer, "receiver": receiver, "per": f"{section}.*", "price": price}
        for section, price, (payer, receiver) in zip(
            ("streams", "treatments", "smelters", "metals"),
            (by_period, "900 JPY/t", "0.7 JPY/kg", by_period),
            between,
            strict=True,
        )
    }


SEEDS = (0, 2, 5, 6, 10, 12)  # random instances that have a plan


def solved(seed: int, objective: str = "cost") -> Plan:
    """Return the plan of a random instance with payers."""
    return medalopt.solve(loaded(paid(seed)), objective)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_parts_add_up_and_each_party_has_its_own_prices(seed: int) -> None:
    """The costs of all parties add up to the total, kind by kind, and each is the cost at the prices of that party."""
    plan = solved(seed)
    for kind, total in plan.costs.items():
        parts = [kinds.get(kind, 0.0) for kinds in plan.party_costs.values()]
        assert sum(parts) == pytest.approx(total, abs=1e-9 * max(1.0, abs(plan.cost)))
    moved = [kinds.get("transfers", 0.0) for kinds in plan.party_costs.values()]
    assert abs(sum(moved)) <= 1e-9 * max(map(abs, moved))
    for party, kinds in plan.party_costs.items():
        own = restrict_account(plan.account, f"cost@{party}")[0]
        assert isinstance(own, PlanAccount)
        assert float(own.cost) == pytest.approx(sum(kinds.values()), abs=1e-9 * max(1.0, abs(plan.cost)))
    rows = build_plan_object(plan)["parties"]
    assert sum(row["cost"] for row in rows) == pytest.approx(plan.cost, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_the_least_cost_of_a_party(seed: int, tmp_path: Any) -> None:
    """No plan costs a party less than its optimum, which the twin and the decomposition share, saved and read again."""
    plan = solved(seed)
    for party, kinds in plan.party_costs.items():
        least = solved(seed, f"cost@{party}")
        assert least.certificate.optimal
        assert least.objective <= sum(kinds.values()) + 1e-7 * max(1.0, abs(plan.cost))
        assert plan.cost <= least.cost + 1e-7 * max(1.0, abs(plan.cost))
        same = 1e-7 * max(1.0, abs(plan.cost))
        assert medalopt.solve(least.instance, f"cost@{party}", method="decomposition").objective == pytest.approx(
            least.objective, abs=same
        )
        twin = glpk.solve(write_mathprog(restrict_costs(least.instance, party)))
        assert twin.objective == pytest.approx(least.objective, abs=same)
        least.save(tmp_path / "plan.json")
        assert medalopt.read_plan(tmp_path / "plan.json", least.instance).objective == pytest.approx(least.objective)


@pytest.mark.parametrize("seed", SEEDS[3:])
def test_payers_change_no_plan(seed: int) -> None:
    """The decisions, prices and certificate are those of the instance without payers and transfers."""
    plan, without = solved(seed), answer(loaded({**paid(seed), "payers": {}, "transfers": {}, **_without_own(seed)}))
    told = build_plan_object(plan)
    for member in ("shipments", "prices", "duals", "certificate"):
        assert told[member] == json.loads(without)[member]


def _without_own(seed: int) -> Document:
    """Return streams and treatments without payers of their own."""
    content = with_stock(seed)
    return {key: content[key] for key in ("streams", "treatments") if key in content}


def test_ties_are_broken_by_the_total_cost() -> None:
    """A party that pays for one contract alone is served by the plan that costs all parties together least."""
    content = yaml.safe_load((ROOT / "instances" / "tiny.yaml").read_text(encoding="utf-8"))
    kettle = next(stream for stream in content["streams"] if "committed" in stream)
    kettle["payer"] = "shop"
    instance = loaded(content)
    least = medalopt.solve(instance, "cost@shop")
    assert least.objective == 40_000  # one committed tonne at its collection cost
    assert least.cost == pytest.approx(medalopt.solve(instance).cost, rel=1e-9)


def test_an_unknown_party_or_kind_is_an_error() -> None:
    """The message names the parties of the instance, and an unknown kind of cost is refused when it is read."""
    with pytest.raises(UsageError, match="`committee`"):
        medalopt.solve(loaded(paid(0)), "cost@nobody")
    with pytest.raises(InputError, match="payers"):
        loaded({**with_stock(0), "payers": {"colection": "committee"}})


def test_reports_on_the_costs_of_a_party_name_it() -> None:
    """An explanation is of the instance at the prices of the party: its objective is not the total cost."""
    instance = loaded(paid(0))
    plan = medalopt.solve(restrict_costs(instance, "operators"))
    assert describe_objective(plan).startswith("Minimum cost of operators: ")
    assert describe_objective(medalopt.solve(instance)).startswith("Total cost: ")
