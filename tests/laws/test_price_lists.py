"""Prices and charges by period: a constant list is one value; a plan by hand; both ways of solving agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.model.cases import ROOT, loaded
from tests.random_instances import Document, with_price_lists

import medalopt
from medalopt.errors import InputError

BY_HAND = ROOT / "tests" / "planted" / "instances" / "prices.yaml"
LISTED = ("price", "collection", "cost", "sold", "treatment_charge", "charge")


def spread(part: Any, count: int) -> Any:
    """Return a part of a document in which every price that may be a list is one of equal values."""
    if isinstance(part, list):
        return [spread(one, count) for one in part]
    if not isinstance(part, dict):
        return part
    result = {}
    for name, value in part.items():
        if name in LISTED and isinstance(value, (str, int, float)):
            result[name] = [value] * count
        elif name == "refining_charge" and not isinstance(value, list):
            given = value if isinstance(value, dict) else {"default": value}
            result[name] = {metal: one if isinstance(one, list) else [one] * count for metal, one in given.items()}
        else:
            result[name] = value if name == "storage" else spread(value, count)
    return result


def at_first(part: Any) -> Any:
    """Return a part of a document with the first value of each list of prices in place of the list."""
    if isinstance(part, list):
        return [at_first(one) for one in part]
    if not isinstance(part, dict):
        return part
    listed = (*LISTED, "refining_charge", "Au")
    return {
        name: value[0] if name in listed and isinstance(value, list) and isinstance(value[0], (str, int, float))
        else at_first(value)
        for name, value in part.items()
    }  # fmt: skip


def supplied(content: Document) -> Document:
    """Return the sections whose prices are meant: those of an offer have their own axis of periods."""
    return {name: content[name] for name in ("streams", "treatments", "smelters") if name in content}


@pytest.mark.parametrize("seed", range(9))
def test_a_constant_list_is_one_value(seed: int) -> None:
    """A list of equal prices gives the bytes of the plan with one price, which is not stored by period."""
    content = with_price_lists(seed)
    count = content.get("periods", {}).get("count", 1)
    single = {**content, **at_first(supplied(content))}
    constant = {**content, **spread(supplied(single), count)}
    if count == 1:
        return
    instance = loaded(constant)
    assert instance.figures == loaded(single).figures
    assert {part.shape[-1] for part in (instance.streams.price, instance.terms.refining_charge)} == {1}
    assert answer(instance) == answer(loaded(single))


def test_the_plan_by_hand(tmp_path: Path) -> None:
    """The instance with its arithmetic in the file, by both ways and from a table with a row per period."""
    instance = medalopt.load(BY_HAND)
    for method in ("direct", "decomposition"):
        plan = medalopt.solve(instance, method=method)
        assert plan.certificate.optimal and plan.cost == pytest.approx(248, rel=1e-12)
    spent = {kind: by_period.tolist() for kind, by_period in plan.account.costs.items()}
    assert spent["supply"] == pytest.approx([80, 44, 0]) and spent["smelting"] == pytest.approx([19, 12, 0])
    assert spent["refining"] == pytest.approx([40, 8, 0])  # by shipment: 10 JPY/kg on 4 kg, 2 on 4 kg
    text = BY_HAND.read_text(encoding="utf-8")
    before, after = text[: text.index("streams:")], text[text.index("treatments:") :]
    table = "device,region,period,available,price,collection\n"
    table += "phone,town,1,4,30,1\nphone,town,2,4,11,2\nphone,town,3,4,1,0\n"
    table += "board,town,1,1,20,\nboard,town,2,1,20,\nboard,town,3,1,20,\n"
    (tmp_path / "rows.csv").write_text(table, encoding="utf-8")
    (tmp_path / "case.yaml").write_text(f"{before}streams: {{table: rows.csv}}\n{after}", encoding="utf-8")
    assert medalopt.load(tmp_path / "case.yaml").figures == instance.figures
    (tmp_path / "rows.csv").write_text(table.replace("phone,town,3,4,1,0\n", ""), encoding="utf-8")
    with pytest.raises(InputError, match="needs a row for each of 3; it has 2"):
        medalopt.load(tmp_path / "case.yaml")


def test_a_price_of_one_period_is_changed() -> None:
    """`--set` of one period changes that period, also of a constant price; the cost changes by its purchases."""
    instance = medalopt.load(BY_HAND)
    for path, value, cost in (
        ("streams.phone@town.price[1]", "12 JPY/t", 252),
        ("streams.phone@town.available", "4 t", 248),
        ("streams.board@town.price[0]", "21", 249),
        ("treatments.crush.cost[1]", "3", 244),
        ("smelters.works.refining_charge.Ag[2]", "1 JPY/kg", 244),
        ("smelters.works.penalties.Sb.charge[0]", "6", 250),
        ("smelters.*.treatment_charge", "*2", 248 + 21),
    ):
        assert medalopt.solve(instance.with_changes({path: value})).cost == pytest.approx(cost, rel=1e-12), path


@pytest.mark.parametrize("seed", [seed for seed in range(32) if seed % 4 != 1])
def test_both_ways_agree(seed: int) -> None:
    """Without pooled lots decomposition finds the same optimum, and the costs by kind add up to it."""
    instance = loaded(with_price_lists(seed))
    plan = pool.solved(instance)
    if plan is None or instance.lots or instance.terms.pooled.any():
        return
    other = medalopt.solve(instance, method="decomposition")
    assert other.certificate.optimal and abs(plan.objective - other.objective) <= pool.slack(plan, other)
    if instance.treatments.has_fractions:
        return  # those sold are among the sales
    kinds = ("supply", "collection", "treatment", "transport", "smelting", "refining", "residue")
    spent, size = (sum(f(plan.account.costs[kind]).sum() for kind in kinds) for f in (np.asarray, np.abs))
    assert plan.account.shipment_costs.sum() == pytest.approx(spent, rel=0, abs=1e-9 * max(1.0, size))
