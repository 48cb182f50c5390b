"""A proven plan and its neighbourhood: every question about it goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.errors import SolverError
from medalopt.instance.bounds import Bounds, implied
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Ints
from medalopt.instance.instance import Instance
from medalopt.model.network import Network
from medalopt.plan.plan import Plan
from medalopt.proof.bound import lower_bound
from medalopt.proof.certificate import GAP, paid
from medalopt.proof.prices import Prices, prices
from medalopt.solver.ladder import Task, program
from medalopt.solver.rerun import MOVED, Change, Rerun, Shift
from medalopt.solver.retrace import columns_of, duals_of
from medalopt.solver.solution import priced

NOTHING = 1e-300


@dataclass(frozen=True, eq=False)
class Near:
    """A plan, its prices, and its program ready to be asked again; `sources`: groups of streams to be asked about."""

    plan: Plan
    prices: Prices
    bounds: Bounds
    block: Network
    rerun: Rerun
    numbers: dict[tuple[str, object], int]  # of rows, by constraint and index
    columns: dict[tuple[str, object], int]  # of the columns behind the network

    @classmethod
    def of(cls, plan: Plan, sources: Sequence[Ints] = ()) -> Near:
        """Return the neighbourhood of `plan`; each of `sources` holds numbers of streams."""
        account = plan.account
        bounds = implied(plan.instance, account.found)
        block, linear = program(Task(plan.instance, account.found, bounds, plan.measure))
        stream = account.found.stream[block.route]
        sums = [np.flatnonzero(np.isin(stream, streams)) for streams in sources]
        rerun = Rerun(linear, columns_of(account, block, linear), duals_of(plan.duals, linear), sums)
        numbers = {place: row for row, place in enumerate(linear.rows)}
        columns = {place: linear.network + number for number, place in enumerate(linear.places)}
        return cls(plan, prices(plan.instance, plan.duals), bounds, block, rerun, numbers, columns)

    @property
    def instance(self) -> Instance:
        """The instance of the plan."""
        return self.plan.instance

    @property
    def account(self) -> Account:
        """What follows from the plan's decisions."""
        return self.plan.account

    def row(self, name: str, *index: str) -> int | None:
        """Return the number of a row; None where it does not exist."""
        return self.numbers.get((name, index if len(index) > 1 else index[0] if index else None))

    def slope(self, change: Change) -> Shift | None:
        """Return what a small step of `change` costs; None where no plan lies that way."""
        return self.rerun.slope(change)

    def proven(self, shift: Shift | None) -> float | None:
        """Return what a step costs, None where there is no plan. Raises SolverError where it cannot be proven.

        The duals must bound the plan itself, by the instance alone: then they bound every plan in this direction.
        """
        if shift is None:
            return None
        y = prices(self.instance, priced(self.rerun.linear, shift.y))
        bound = lower_bound(self.instance, self.account.found, self.bounds, y, self.plan.measure)
        if self.plan.objective - bound > GAP * max(1.0, paid(self.account, self.plan.measure)):
            raise SolverError(f"{self.instance.name}: a price could not be proven; nothing is claimed")
        return shift.value

    def price(self, change: Change) -> float | None:
        """Return what a small step of `change` costs, proven; None where no plan lies that way."""
        return self.proven(self.slope(change))

    def others(self) -> tuple[str, ...]:
        """Return in what another optimal plan differs from this one; nothing where there is none, which is proven."""
        moved = self.rerun.other_optimum()
        if moved is None:
            return ()
        block, noise = self.block, MOVED * np.maximum(self.rerun.linear.size, NOTHING)
        moves = np.abs(moved) > noise
        sent = np.zeros(len(self.account.found))
        np.add.at(sent, block.route, np.where(moves[: len(block.route)], moved[: len(block.route)], 0.0))
        behind = {name for (name, _), column in self.columns.items() if moves[column]}
        told = {
            "the ways of devices": bool((np.abs(sent) > MOVED).any()),
            "the timing of shipments": bool(moves[: len(block.route)].any()),
            "purchases": "buy" in behind,
            "melts": bool(behind & {"charge", "cast", "recharge"}),
            "the timing of surplus": "surplus" in behind,
        }
        return tuple(text for text, so in told.items() if so) or ("the share taken of bundles that offer nothing",)
