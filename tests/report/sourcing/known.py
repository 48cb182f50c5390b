"""The small case as someone would have it who plans with it: scenarios, parties and sources, one of them hostile."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from tests.report.plans import ROOT, plan

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.tornado import PlanRisks, analyse_risks
from medalopt.instance.instance import Instance

HOSTILE = '=HYPERLINK("http://example.org","x")'
_MORE = """
scenarios:
  dear_silver: {market.mined_silver.price: 100 JPY/g, note: "estimated: as in a bad year"}
  no_silver: {market.mined_silver.limit: 0 kg, market.old_silver.limit: 0 kg, market.old_coins.limit: 0 kg,
    market.refined_silver.limit: 0.5 kg}
  same: {metals.Zn.sell: 0 JPY/kg}
parties:
  games: {role: buyer, legal_name: Organising Committee}
  works: {role: mint, legal_name: Example Mint}
  near: {legal_name: Near Smelting K.K., address: 1-1 Works Road, contract: HO-17, deliver_to: gate 2, incoterm: DAP,
    payment: 30 days after receipt, licence: waste 4711, title_risk: on weighing, moisture: at most 5 %,
    sampling: both attend, assay: by post, splitting_limit: Ag 30 g/t, umpire: a laboratory, settlement: 45 days,
    return_form: bars, chain_of_custody: CoC-1}
  east: {legal_name: 'HOSTILE', source: "seen: the register"}
"""


def known(folder: Path) -> Path:
    """Write the instance into `folder` and return its path."""
    text = (ROOT / "instances" / "tiny.yaml").read_text(encoding="utf-8")
    text = text.replace("zinc: {composition: {Zn: 100 %},", 'zinc: {source: "seen: a list", composition: {Zn: 100 %},')
    path = folder / "known.yaml"
    path.write_text(text + _MORE.replace("HOSTILE", HOSTILE), encoding="utf-8")
    return path


@cache
def risky() -> tuple[PlanRisks, Instance]:
    """Return the risks of the plan, computed once, and the instance."""
    with tempfile.TemporaryDirectory() as folder:
        asked = ScenarioRunner(known(Path(folder)))
        return analyse_risks(asked, PlanNeighbourhood.build(plan("tiny"))), asked.instance
