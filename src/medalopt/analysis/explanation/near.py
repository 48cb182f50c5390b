"""Local analysis of a verified plan: its dual values and one-sided derivatives of the objective at the optimum."""

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
    """Plan with its dual values, and its LP prepared for perturbations; `sources` are groups of streams to analyse."""

    plan: Plan
    prices: Prices
    bounds: Bounds
    block: Network
    rerun: Rerun
    numbers: dict[tuple[str, object], int]  # constraint and index to number of the row
    columns: dict[tuple[str, object], int]  # variable and index to number of the column, without network columns
    extensions: tuple[Path, ...]  # files the plan was made with

    @classmethod
    def of(cls, plan: Plan, sources: Sequence[Ints] = (), extensions: Sequence[Path] = ()) -> Near:
        """Rebuild the LP of a plan and prepare it for perturbations.

        Args:
            plan: Verified plan.
            sources: Numbers of the streams of each group to analyse.
            extensions: Python files of the extensions the plan was made with.

        Returns:
            The neighbourhood of the plan.

        Raises:
            UsageError: If the extensions no longer add the same constraints.
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
        """Instance of the plan."""
        return self.plan.instance

    @property
    def account(self) -> Account:
        """Plan accounting: decisions and all quantities derived from them."""
        return self.plan.account

    def row(self, name: str, *index: str) -> int | None:
        """Look up the number of an LP row.

        Args:
            name: Constraint.
            index: Its index.

        Returns:
            Number of the row; None if it does not exist.
        """
        return self.numbers.get((name, index if len(index) > 1 else index[0] if index else None))

    @cached_property
    def added(self) -> Placed:
        """Terms of the extensions placed on the plan's decisions, with their dual values."""
        return placed(self.instance, self.account.found, self.plan.added, FLOATS.lift)

    @cached_property
    def _pulled(self) -> tuple[Ground, Floats]:
        """Context of the dual bound with the prices of extension rows, and reduced costs of extension variables."""
        return pulled(Ground(self.instance, self.account.found, self.bounds), self.added)

    @property
    def ground(self) -> Ground:
        """Context of the dual bound, including the prices of extension rows."""
        return self._pulled[0]

    @property
    def own(self) -> Floats:
        """Reduced costs of the variables that extensions added."""
        return self._pulled[1]

    @property
    def weights(self) -> Weights:
        """Weights of the objective."""
        return Weights.of(self.plan.measure)

    @cached_property
    def route_prices(self) -> Floats:
        """Reduced cost of one tonne on each route, (J, T) [objective per t]."""
        each = route_prices(self.instance, self.account.found, self.prices, self.weights)
        return np.asarray(self.ground.after("sent", each))

    @property
    def proves(self) -> bool:
        """True if instance and extensions give a dual bound; False if only the compiled LP does."""
        return self.plan.certificate.arithmetic != FLOATS.name

    def slope(self, change: Change) -> Shift | None:
        """Compute the one-sided derivative of the objective for a perturbation.

        Args:
            change: Change of row bounds and column bounds.

        Returns:
            Derivative, direction of the plan and duals; None if no plan is feasible in this direction.
        """
        return self.rerun.slope(change)

    def proven(self, shift: Shift | None) -> float | None:
        """Verify a derivative: its duals must bound the plan itself, computed from the instance alone.

        Such duals bound every plan in this direction. If only the compiled LP bounds the plan, nothing is verified.

        Args:
            shift: Derivative; None if there is no feasible direction.

        Returns:
            The derivative; None if there is no feasible direction.

        Raises:
            SolverError: If it cannot be verified.
        """
        if shift is None:
            return None
        if not self.proves:
            return shift.value
        duals = priced(self.rerun.linear, shift.y)
        added = filled(self.rerun.linear, np.zeros_like(self.rerun.x), shift.y)
        ground = Ground(self.instance, self.account.found, self.bounds)
        ways = [(duals, added)]
        if added.variables:  # rounding in a dual makes the bound infinite if a variable has none
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
        """Compute and verify the one-sided derivative of the objective for a perturbation.

        Args:
            change: Change of row bounds and column bounds.

        Returns:
            The derivative; None if no plan is feasible in this direction.

        Raises:
            SolverError: If it cannot be verified.
        """
        return self.proven(self.slope(change))

    def others(self) -> tuple[str, ...]:
        """Compare with an alternative optimum.

        Returns:
            Kinds of decisions in which another optimal plan differs; empty if the optimum is verified to be unique.
        """
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
