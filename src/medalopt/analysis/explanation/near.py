"""A proven plan and its neighbourhood: every question about it goes through here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from medalopt.errors import SolverError, UsageError
from medalopt.instance.arithmetic import FLOATS
from medalopt.instance.bounds import Bounds, implied
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.model.network import Network
from medalopt.plan.plan import Plan
from medalopt.proof.bound import Ground, Weights, route_prices
from medalopt.proof.certificate import GAP, paid
from medalopt.proof.placed import Placed, placed
from medalopt.proof.prices import Prices, prices
from medalopt.proof.subject import lower_bound, pulled
from medalopt.solver.ladder import Task, program
from medalopt.solver.rerun import MOVED, Change, Rerun, Shift
from medalopt.solver.retrace import columns_of, duals_of
from medalopt.solver.solution import filled, priced
from medalopt.solving import HAIR, eased_prices

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
    extensions: tuple[Path, ...]  # the files with which the plan was made

    @classmethod
    def of(cls, plan: Plan, sources: Sequence[Ints] = (), extensions: Sequence[Path] = ()) -> Near:
        """Return the neighbourhood of `plan`, made with `extensions`; each of `sources` holds numbers of streams.

        Raises UsageError where the extensions no longer add what they added to the plan.
        """
        account, files = plan.account, tuple(extensions)
        bounds = implied(plan.instance, account.found)
        block, linear = program(Task(plan.instance, account.found, bounds, plan.measure, files))
        if linear.added.bare() != plan.added.bare():
            named = ", ".join(str(path) for path in files)
            raise UsageError(f"{named}: it adds something else each time it is run; let it add the same")
        stream = account.found.stream[block.route]
        sums = [np.flatnonzero(np.isin(stream, streams)) for streams in sources]
        x, y = columns_of(account, block, linear, plan.added), duals_of(plan.duals, linear, plan.added)
        rerun = Rerun(linear, x, y, sums)
        own_rows, own_columns = (len(part) for part in (plan.added.rows, plan.added.variables))
        numbers = {place: row for row, place in enumerate(linear.rows[: len(linear.rows) - own_rows])}
        places = linear.places[: len(linear.places) - own_columns]
        columns = {place: linear.network + number for number, place in enumerate(places)}
        return cls(plan, prices(plan.instance, plan.duals), bounds, block, rerun, numbers, columns, files)

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

    @cached_property
    def added(self) -> Placed:
        """What was added to the instance, at its places, with the duals of the plan."""
        return placed(self.instance, self.account.found, self.plan.added, FLOATS.lift)

    @cached_property
    def _pulled(self) -> tuple[Ground, Floats]:
        return pulled(Ground(self.instance, self.account.found, self.bounds), self.added)

    @property
    def ground(self) -> Ground:
        """What a bound stands on at the prices of the plan, those of the added rows with them."""
        return self._pulled[0]

    @property
    def own(self) -> Floats:
        """The reduced costs of the user's own variables at the prices of the plan."""
        return self._pulled[1]

    @property
    def weights(self) -> Weights:
        """What the measure of the plan counts."""
        return Weights.of(self.plan.measure)

    @cached_property
    def route_prices(self) -> Floats:
        """What a tonne on each route changes the measure by at the prices of the plan, (J, T)."""
        each = route_prices(self.instance, self.account.found, self.prices, self.weights)
        return np.asarray(self.ground.after("sent", each))

    @property
    def proves(self) -> bool:
        """Whether the instance, with what was added as data, bounds the plan: else only the compiled program does."""
        return self.plan.certificate.arithmetic != FLOATS.name

    def slope(self, change: Change) -> Shift | None:
        """Return what a small step of `change` costs; None where no plan lies that way."""
        return self.rerun.slope(change)

    def proven(self, shift: Shift | None) -> float | None:
        """Return what a step costs, None where there is no plan. Raises SolverError where it cannot be proven.

        The duals must bound the plan itself, by the instance alone: then they bound every plan in this direction.
        Where only the compiled program bounds the plan, it alone tells the price, and nothing is proven.
        """
        if shift is None:
            return None
        if not self.proves:
            return shift.value
        duals = priced(self.rerun.linear, shift.y)
        added = filled(self.rerun.linear, np.zeros_like(self.rerun.x), shift.y)
        ground = Ground(self.instance, self.account.found, self.bounds)
        ways = [(duals, added)]
        if added.variables:  # the last digit of a price may pay without end
            ways.append((eased_prices(duals), added.times(1 - HAIR)))
        bounds = [
            lower_bound(ground, prices(self.instance, y), self.plan.measure, replace(self.added, added=rows))
            for y, rows in ways
        ]
        bound = max(float(bound) for bound in bounds)
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
            "purchases": bool(behind & {"buy", "acquire"}),
            "what pooled lots withhold": bool(
                moves[len(block.upper) - len(block.withheld_pool) : len(block.upper)].any()
            ),
            "melts": bool(behind & {"charge", "cast", "recharge"}),
            "the timing of surplus": "surplus" in behind,
            "variables of your own": bool(moves[len(moves) - len(self.plan.added.variables) :].any()),
        }
        return tuple(text for text, so in told.items() if so) or ("the share taken of bundles that offer nothing",)
