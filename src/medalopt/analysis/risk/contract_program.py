r"""Linear programs of a two-stage plan: the program of each scenario, with rows that tie its use to the contracts.

Row of contract $c$ in scenario $s$: $U_{cs}(x_s)+u_{cs}-a_{cs}K_c=0$, with $u_{cs}\ge0$ at the fee; see
`docs/explanation/two_stage.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.instance.arrays import Bools, Floats, Ints
from medalopt.instance.bounds import is_stocked
from medalopt.instance.confidence import needs_cuts
from medalopt.instance.contracts import OPTION, PURCHASE, SMELTER, STREAM, Contract, ContractBook
from medalopt.instance.lot_relaxation import relax_lots
from medalopt.instance.routes import ConfidenceCut
from medalopt.instance.scenario import ParameterChanges
from medalopt.model.network import SparseEntries
from medalopt.proof.prices import Duals
from medalopt.solver.confidence import add_cut_rows, merge_cut_duals, separate_cuts
from medalopt.solver.mip import find_unused_columns
from medalopt.solver.program import ProgramBuilder, SolverProgram
from medalopt.solver.solve_lp import SolveTask, extract_decisions, extract_duals
from medalopt.solver.two_stage import ScenarioStage

CONTRACT_ROW = "contract"


@dataclass(frozen=True)
class WeightedScenario:
    """A scenario of a two-stage plan: its name, its probability, and its program.

    `relaxed` is the program without whole lots, minimum orders and charges; `program` itself without any.
    """

    name: str
    probability: float
    program: ScenarioProgram
    relaxed: ScenarioProgram

    @classmethod
    def build(
        cls, runner: ScenarioRunner, name: str, probability: float, changes: ParameterChanges, whole: bool
    ) -> WeightedScenario:
        """Build the programs of a scenario.

        Args:
            runner: Instance.
            name: Name.
            probability: Probability.
            changes: Value by path.
            whole: Whether whole lots, minimum orders and charges count.
        """
        instance = runner.apply_to_lots(changes) if whole else None
        if instance is None:
            program = runner.build_scenario(changes)
            return cls(name, probability, program, program)
        return cls(
            name, probability, *(ScenarioProgram.build(each, "cost") for each in (instance, relax_lots(instance)))
        )


@dataclass(frozen=True, eq=False)
class ContractStage(ScenarioStage):
    """Second stage of one scenario of an instance, with the cuts of its promised confidence after all other rows."""

    scenario: ScenarioProgram
    bare: SolverProgram  # without cuts
    cuts: tuple[ConfidenceCut, ...] = ()

    def separate(self, columns: Floats) -> ScenarioStage:
        """Return the stage with the cuts of the promised confidence that a solution violates.

        Args:
            columns (n,): Columns of the program.

        Returns:
            The stage; `self` where every chance constraint holds.
        """
        one = self.scenario
        if not needs_cuts(one.instance):
            return self
        decisions = extract_decisions(one.instance, one.routes, one.network, self.program, columns)
        found = separate_cuts(one.instance, one.routes, decisions)
        if not found:
            return self
        cuts = (*self.cuts, *found)
        program = add_cut_rows(self.bare, one.instance, one.routes, one.network, cuts)
        return replace(self, program=program, cuts=cuts)

    def find_idle(self, columns: Floats) -> Bools:
        """Find the shipments and purchases of contracts with lots or charges that are not used.

        Args:
            columns (n,): Columns of the program, integer ones rounded.

        Returns:
            Mask (n,).
        """
        one = self.scenario
        task = SolveTask(one.instance, one.routes, one.bounds, "cost")
        return find_unused_columns(task, one.network, self.program, columns)

    def split_duals(self, duals: Floats) -> tuple[Duals, Floats]:
        """Split the dual values of the rows into those of the instance and those of the contracts.

        Args:
            duals (m,): Dual values of the rows.

        Returns:
            Dual values by constraint, with those of chance constraints, and the price per unit used of each contract.
        """
        own = merge_cut_duals(
            self.scenario.instance, (*self.scenario.routes.cuts, *self.cuts), extract_duals(self.program, duals)
        )
        contracts = np.array([name == CONTRACT_ROW for name, _ in self.program.rows], dtype=np.bool_)
        return own, duals[contracts]


def build_first_stage(book: ContractBook) -> SolverProgram:
    """Build the first stage: one column for each contract.

    Args:
        book: Contracts.

    Returns:
        Program without rows.
    """
    built = ProgramBuilder()
    most = np.array([one.most for one in book.contracts])
    premiums = np.array([[one.premium for one in book.contracts]]) if book.contracts else 0.0
    built.add_columns([(CONTRACT_ROW, n) for n in range(len(book.contracts))], 0.0, most, most, premiums)
    return built.build()


def build_stage(book: ContractBook, scenario: ScenarioProgram, probability: float, shares: Floats) -> ContractStage:
    """Build the second stage of one scenario.

    Args:
        book: Contracts.
        scenario: Instance of the scenario with its program.
        probability: Probability of the scenario.
        shares (C,): Units made available per unit agreed.

    Returns:
        The program of the scenario with a row for each contract, tied to the first stage.
    """
    program, contracts = scenario.program, book.contracts
    built = ProgramBuilder.extend(replace(program, costs=program.costs[:1]))
    rows = built.add_rows([(CONTRACT_ROW, n) for n in range(len(contracts))], 0.0, 0.0)
    row, column, value = _list_use_entries(contracts, scenario)
    built.add_entries(rows[row], column, value)
    open_ = np.array([n for n, one in enumerate(contracts) if one.fee is not None], dtype=np.intp)
    most = np.array([contracts[n].most for n in open_.tolist()]) * shares[open_]
    fees = np.array([[contracts[n].fee or 0.0 for n in open_.tolist()]])
    unused = built.add_columns([("unused", int(n)) for n in open_], 0.0, np.inf, most, fees if len(open_) else 0.0)
    built.add_entries(rows[open_], unused)
    linking = SparseEntries(rows, np.arange(len(contracts)), -shares)
    bare = built.build()
    return ContractStage(probability, bare, linking, scenario, bare)


def _list_use_entries(contracts: Sequence[Contract], scenario: ScenarioProgram) -> tuple[Ints, Ints, Floats]:
    """Return contract, column of the program and coefficient of the quantity that each contract counts."""
    instance, routes, network, program = scenario.instance, scenario.routes, scenario.network, scenario.program
    periods = len(instance.periods)
    tables = {
        kind: np.full((size, periods), -1, dtype=np.intp)
        for kind, size in (
            (STREAM, len(instance.streams.names)),
            (SMELTER, len(instance.smelters.names) + 1),  # the last: none
            (OPTION, len(instance.market.names)),
            (PURCHASE, len(instance.market.names)),
        )
    }
    for number, one in enumerate(contracts):
        tables[one.kind][one.member, one.start : one.end] = number
    ships, branch = np.arange(len(network.route)), np.isin(network.route, routes.branches)
    sent = np.where(branch, -1, tables[STREAM][routes.stream[network.route], network.period])
    fed = tables[SMELTER][routes.smelter[network.route], network.period]
    parts = [(sent, ships, np.ones(len(ships))), (fed, ships, np.asarray(routes.to_smelter)[network.route])]
    offer, period, column = _list_purchase_columns(scenario)
    parts += [(tables[kind][offer, period], program.network + column, np.ones(len(column))) for kind in _OF_OFFERS]
    row, columns, value = (np.concatenate(axis) for axis in zip(*parts, strict=True))
    kept = (row >= 0) & (value != 0)
    return row[kept], columns[kept], value[kept]


_OF_OFFERS = (OPTION, PURCHASE)


def _list_purchase_columns(scenario: ScenarioProgram) -> tuple[Ints, Ints, Ints]:
    """Return offer, period and place of each column that is a purchase: into stock, or charged at once."""
    market, periods = scenario.instance.market.names, scenario.instance.periods
    stocked = {name for name, yes in zip(market, is_stocked(scenario.instance).tolist(), strict=True) if yes}
    offers, labels = ({name: n for n, name in enumerate(names)} for names in (market, periods))
    found = [
        (offers[key[0]], labels[key[-1]], number)
        for number, (component, key) in enumerate(scenario.program.places)
        if component == "acquire" or (component == "buy" and key[0] not in stocked)
    ]
    columns = np.array(found, dtype=np.intp).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]
