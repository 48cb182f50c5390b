"""Scenarios of one instance: change parameters, rebuild the LP and re-solve it on one warm-started solver model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medalopt.errors import Fault, FaultKind, InputError, SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Ints
from medalopt.instance.bounds import VariableBounds, compute_bounds
from medalopt.instance.confidence import build_program_routes, needs_cuts
from medalopt.instance.instance import Instance
from medalopt.instance.loading import (
    MAX_COMPARED_CHANGES,
    NO_CHANGES,
    InstanceFile,
    find_ineffective_paths,
    open_instance,
)
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.lots import UsedContracts
from medalopt.instance.payers import parse_cost_objective
from medalopt.instance.reader.yaml_nodes import ScalarNode
from medalopt.instance.routes import Routes, build_routes
from medalopt.instance.scenario import ParameterChanges, Scenario
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.instance.source_values import SourceValues
from medalopt.instance.uncertainty import get_uncertainty_budget
from medalopt.model.network import Network
from medalopt.plan.plan import OBJECTIVE_UNITS, Plan
from medalopt.solve_instance import is_large_instance, solve
from medalopt.solver.assemble import CompiledMaster
from medalopt.solver.parametric_solver import ParametricSolver, PromiseSolver
from medalopt.solver.parametric_sweep import ParametricSweep, ProgramLine, are_nearly_equal, fit_program_line
from medalopt.solver.program import SolverProgram, have_same_structure, share_structure
from medalopt.solver.solve_lp import SolveTask, build_program, extract_decisions, reconstruct_columns, reconstruct_duals
from medalopt.solver.verification import VerifiedResult, solve_from_scratch
from medalopt.text import PathError, escape_text, parse_path
from medalopt.tolerances import VALUE_TOLERANCE
from medalopt.units import PER_CENT, name_unit


@dataclass(frozen=True, eq=False)
class ScenarioProgram:
    """One scenario: its instance, routes, implied bounds, network and linear program."""

    instance: Instance
    routes: Routes
    bounds: VariableBounds
    network: Network
    program: SolverProgram

    @classmethod
    def build(cls, instance: Instance, objective: str, master: CompiledMaster | None = None) -> ScenarioProgram:
        """Build the linear program of an instance.

        Args:
            instance: Instance with the changes of the scenario made.
            objective: Objective: `cost`, `footprint` or `mass`.
            master: Compiled program of an instance that this one may share its structure with.

        Returns:
            The instance with its program.
        """
        routes = build_program_routes(instance)
        bounds = compute_bounds(instance, routes)
        return cls(
            instance, routes, bounds, *build_program(SolveTask(instance, routes, bounds, objective, master=master))
        )

    def compute_account(self, result: VerifiedResult) -> PlanAccount:
        """Return the plan accounting of a solution of this program.

        Args:
            result: Verified solution of `linear`.

        Returns:
            Decisions of the plan and all quantities derived from them.
        """
        return PlanAccount(
            self.instance,
            self.routes,
            extract_decisions(self.instance, self.routes, self.network, self.program, result.x),
        )

    @cached_property
    def column_codes(self) -> Ints:
        """Integer code of each network column: equal codes mean the same variable in every scenario, (C,)."""
        streams, treatments, smelters, periods = (
            len(self.instance.streams.names),
            len(self.instance.treatments.names),
            len(self.instance.smelters.names) + 1,
            len(self.instance.periods),
        )
        network, routes = self.network, self.routes
        route = (routes.stream * treatments + routes.treatment) * smelters + routes.smelter + 1
        first = streams * treatments * smelters
        pool = network.withheld_pool * len(self.instance.metals.names) + network.withheld_metal
        kinds = (
            (route[network.route], network.period),
            (first + network.stock_stream, network.stock_period),
            (first + streams + network.take_bundle, network.take_period),
            (first + streams + len(self.instance.bundles) + pool, network.withheld_period),
        )
        return np.concatenate([which * periods + period for which, period in kinds])


@dataclass(frozen=True)
class LotSearch:
    """How scenarios in lots are searched: time limit [s] of each, its relative gap, and the contracts to begin with."""

    seconds: float | None = None
    gap: float | None = None
    start: UsedContracts | None = None

    def solve(self, instance: Instance, objective: str) -> Plan:
        """Solve an instance in lots.

        Args:
            objective: Objective to minimise.

        Returns:
            The plan, perhaps stopped at the time limit; raises as `solve`.
        """
        return solve(instance, objective, gap=self.gap, time_limit=self.seconds, start=self.start)


@dataclass(frozen=True)
class BaseValue:
    """Current value of the parameter at a path, and the unit the file may use (None for counts and lead times)."""

    value: float
    unit: str | None


class ScenarioRunner:
    """Base instance with its changes, and the scenarios derived from it.

    Whole lots and minimum orders are left out (`lots` holds their paths), so that every scenario is an LP. With
    `in_lots` analyses that only compare optima (`process_pool`, named scenarios) solve scenarios with them by
    branch and bound.
    """

    def __init__(
        self,
        file: str | os.PathLike[str] | InstanceFile,
        changes: ParameterChanges = NO_CHANGES,
        objective: str = "cost",
        *,
        deferred: bool = False,
        in_lots: bool = False,
        lot_search: LotSearch | None = None,
    ) -> None:
        """Read the instance.

        Args:
            file: Path of an instance file, or a file that is already open.
            changes: Value by path, made in the base instance and in every scenario.
            objective: Objective: `cost`, `footprint` or `mass`.
            deferred: Accept changes without effect on the base instance until `require_effects` tests them again.
            in_lots: Solve scenarios with whole lots where only their optima are compared.
            lot_search: Limits of the searches in lots; None: to the optimum.

        Raises:
            InputError: If the file or a change is not valid.
            UsageError: The objective counts the cost of one party.
        """
        opened = file if isinstance(file, InstanceFile) else open_instance(file)
        if parse_cost_objective(objective)[1] is not None:
            raise UsageError(
                f"{escape_text(objective)} is for solve, explain, compare and export; scenarios minimise cost"
            )
        self.objective, self.in_lots, self.lot_search = objective, in_lots, lot_search or LotSearch()
        self._ineffective: InputError | None = None
        try:
            whole = opened.with_effective_changes(changes)
        except InputError as error:
            if not deferred or len(find_ineffective_paths(error)) < len(error.faults):
                raise
            whole, self._ineffective = opened.with_changes(changes), error
        self._before, self._changes, self.file = opened, changes, opened.set_changes(changes).protect_firm()
        self.lots = whole.lots  # paths of whole lots and minimum orders, which are removed
        self.instance: Instance = drop_lot_constraints(whole)

    @property
    def source_values(self) -> SourceValues:
        """Parameter values of the base instance by path, as its file spells them."""
        return self.file.read_source_values()

    def require_effects(self, scenarios: Sequence[ParameterChanges], option: str) -> None:
        """Require that each path of some scenarios, and each change of the base, has an effect in one of them at least.

        Args:
            scenarios: Changes of each scenario; of those with one path the first and the last are tested.
            option: Option of the command line or file, for messages.

        Raises:
            InputError: A path has no effect in any scenario; every such path is listed.
        """
        base = self._ineffective.faults if self._ineffective else ()
        ends = (scenarios[0], scenarios[-1]) if scenarios else ()
        faults = [fault for fault in base if not any(self._affects(fault.path, one) for one in ends)]
        paths = list(dict.fromkeys(path for one in scenarios for path in one))
        for path in paths if len(paths) <= MAX_COMPARED_CHANGES else ():
            with_path = [one for one in scenarios if path in one]
            result = [self.file.has_effect(one, path) for one in (with_path[0], with_path[-1])]
            if True not in result and False in result:
                text = "has no effect: the instance is the same with and without this change"
                faults.append(Fault(option, 0, 0, escape_text(path), text, kind=FaultKind.CHANGE))
        if faults:
            raise InputError(faults)

    def _affects(self, path: str, scenario: ParameterChanges) -> bool:
        """Return whether the change of the base at `path` has an effect in a scenario."""
        try:
            self._before.with_effective_changes({**self._changes, **scenario})
        except InputError as error:
            return path not in find_ineffective_paths(error)
        return True

    @cached_property
    def base(self) -> ScenarioProgram:
        """Program of the base instance, compiled once."""
        return ScenarioProgram.build(self.instance, self.objective, self._master)

    @cached_property
    def _master(self) -> CompiledMaster:
        return CompiledMaster.compile(self.instance, build_program_routes(self.instance), self.objective)

    @cached_property
    def plan(self) -> Plan:
        """Verified optimal plan of the base instance.

        Returns:
            Plan, solved once.

        Raises:
            NoPlanError: If the base instance is infeasible.
        """
        return solve(self.instance, self.objective)

    @cached_property
    def is_large(self) -> bool:
        """Return whether the instance is too large for a warm-started model."""
        return is_large_instance(self.instance, build_routes(self.instance))

    @property
    def unit(self) -> str:
        """Unit of the objective: the currency, `kg CO2e` or `t`."""
        return OBJECTIVE_UNITS.get(self.objective, self.instance.currency)

    @cached_property
    def warm_model(self) -> ParametricSolver:
        """Warm-started solver; it starts from the basis of `plan` if that has been computed."""
        program = self.base.program
        if "plan" not in self.__dict__:
            return ParametricSolver(program)
        return ParametricSolver(
            program,
            (
                reconstruct_columns(self.plan.account, self.base.network, program),
                reconstruct_duals(self.plan.duals, program),
            ),
        )

    def named_scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios that the instance file defines.

        Returns:
            The scenarios, in the order of the file.

        Raises:
            InputError: If one of them is not valid.
        """
        named = self.instance.annex.get("scenarios", {})
        if named:
            self.file.with_effective_changes(scenarios=True)
        return tuple(Scenario.build(name, changes) for name, changes in named.items())

    def apply_changes(self, changes: ParameterChanges) -> Instance:
        """Return the instance with changes made.

        Args:
            changes: Value by path.

        Returns:
            The instance, without whole lots and minimum orders.

        Raises:
            InputError: If a change is not valid.
        """
        return drop_lot_constraints(self.file.with_changes(changes))

    def apply_to_lots(self, changes: ParameterChanges) -> Instance | None:
        """Return the instance with changes made, with its whole lots, minimum orders and charges.

        Args:
            changes: Value by path.

        Returns:
            The instance; None where it has no lots, or lots are left out of all scenarios.

        Raises:
            InputError: If a change is not valid.
        """
        instance = self.file.with_changes(changes) if self.in_lots else None
        return instance if instance is not None and instance.lots else None

    @cached_property
    def base_in_lots(self) -> ScenarioProgram | None:
        """Program of the base instance with its lots; None where it has none, or they are left out of all scenarios."""
        instance = self.apply_to_lots(NO_CHANGES)
        return None if instance is None or needs_cuts(instance) else ScenarioProgram.build(instance, self.objective)

    @cached_property
    def lots_result(self) -> VerifiedResult:
        """Result of `base_in_lots`; raises NoPlanError where no plan in lots is found."""
        assert self.base_in_lots is not None
        from medalopt.solver.mip import solve_program_in_lots

        result = solve_program_in_lots(self.base_in_lots.program)
        if not result.feasible:
            solve(self.base_in_lots.instance, self.objective)  # raises NoPlanError
        return result

    def build_scenario(self, changes: ParameterChanges) -> ScenarioProgram:
        """Build the program of a scenario.

        Args:
            changes: Value by path.

        Returns:
            The instance with its program.

        Raises:
            InputError: If a change is not valid.
        """
        return self.build_program(self.apply_changes(changes))

    def build_program(self, instance: Instance) -> ScenarioProgram:
        """Build the program of an instance from `apply_changes`.

        Args:
            instance: Instance of a scenario.

        Returns:
            The instance with its program.
        """
        return ScenarioProgram.build(instance, self.objective, self._master)

    def solve_scenario(self, scenario: ScenarioProgram | None = None) -> VerifiedResult:
        """Solve a scenario, warm-started if its program has the columns and rows of the base program.

        Args:
            scenario: Scenario to solve; the base instance if None.

        Returns:
            Verified result: optimal with its value, or infeasible.

        Raises:
            SolverError: If no result can be verified.
        """
        scenario = scenario or self.base
        if needs_cuts(scenario.instance):
            return self._solve_with_cuts(scenario)
        if share_structure(scenario.program, self.base.program) or have_same_structure(
            scenario.program, self.base.program
        ):
            return self.warm_model.solve(scenario.program)
        if get_uncertainty_budget(scenario.instance) or get_uncertainty_budget(self.instance):
            return solve_from_scratch(scenario.program)  # other parts of the budget
        return self.warm_model.solve_padded(scenario.program, self._map_columns(scenario))

    def _solve_with_cuts(self, scenario: ScenarioProgram) -> VerifiedResult:
        return self._promises.solve(scenario.instance, scenario.routes, scenario.network, scenario.program)

    @cached_property
    def _promises(self) -> PromiseSolver:
        return PromiseSolver()

    def _map_columns(self, scenario: ScenarioProgram) -> Ints:
        """Map network columns to those of the base program."""
        codes, order = self.base.column_codes, np.argsort(self.base.column_codes)
        at = np.minimum(np.searchsorted(codes[order], scenario.column_codes), len(codes) - 1)
        return (
            np.where(codes[order][at] == scenario.column_codes, order[at], -1)
            if len(codes)
            else scenario.column_codes * 0 - 1
        )

    def read_base_value(self, path: str) -> BaseValue:
        """Return the value of one parameter of the base instance.

        Args:
            path: Path without wildcards.

        Returns:
            Value and the unit in which it may be written.

        Raises:
            UsageError: If the path does not name exactly one number.
        """
        try:
            steps = parse_path(path)
        except PathError as error:
            raise UsageError(f"{escape_text(path)}: {error}") from error
        kind, node = find_parameter_kind(steps), self.source_values.find_value(steps)
        exact = self.source_values.convert_exact(steps, node, kind) if kind and isinstance(node, ScalarNode) else None
        if kind is None or exact is None:
            raise UsageError(
                f"{escape_text(path)}: no single parameter is given there; name one, or set its value by --set first"
            )
        if not isinstance(kind.field_type, QuantityField):
            return BaseValue(float(exact), None)
        if not kind.field_type.unit:
            return BaseValue(float(exact / PER_CENT), "%")
        return BaseValue(float(exact), name_unit(kind.field_type.unit, self.instance.currency))


class ParametricScenarios:
    """Parametric family of scenarios for positions from `low` to `high`.

    `line` is the LP as an affine function of the position; None if the LP is not affine in it, and then each program is
    built from the file with its changes.
    """

    def __init__(
        self, runner: ScenarioRunner, changes: Callable[[float], ParameterChanges], low: float, high: float
    ) -> None:
        """Test by three interior points and both ends if the LP is affine in the position.

        Args:
            runner: Base instance.
            changes: Function from a position to the changes of its scenario.
            low: First position.
            high: Last position.
        """
        self._variants, self._changes = runner, changes
        self.low, self.high = low, high
        self.line: ProgramLine | None = None
        self._ends: dict[float, ScenarioProgram] = {}
        span = high - low
        first, second, third = low + span / 4, low + span * 3 / 4, low + span / 2
        scenario, two, other = (self.build_scenario(position) for position in (first, second, third))
        self._inner: ScenarioProgram = scenario
        if any(needs_cuts(each.instance) for each in (scenario, two, other)):
            return  # not affine: each position is solved with its own cuts
        self.line = fit_program_line(scenario.program, first, two.program, second, other.program, third)
        if not all(self._is_line_exact(end) for end in (low, high)):
            self.line = None
        if self.line is not None and self.line.moves_matrix:
            self.line = self.line.with_columns_alike() or self.line
        if self.line is not None and have_same_structure(scenario.program, runner.base.program):
            self.line = self.line.shaped_as(runner.base.program)

    def build_scenario(self, position: float) -> ScenarioProgram:
        """Return the scenario at a position: interpolated on `line`, or built from the file.

        Args:
            position: Position from `low` to `high`.

        Returns:
            The instance with its program.
        """
        if self.line is not None and self.low < position < self.high:
            return self.interpolate_program(position)
        if position not in self._ends:
            built = self._variants.build_scenario(self._changes(position))
            if position not in (self.low, self.high):
                return built
            self._ends[position] = built
        return self._ends[position]

    def _is_line_exact(self, end: float) -> bool:
        """Return True if the line reproduces the program at an end or, with other rows, its optimal value."""
        if self.line is None:
            return True
        built, drawn = self.build_scenario(end), self.interpolate_program(end)
        if have_same_structure(built.program, drawn.program):
            return are_nearly_equal(built.program, drawn.program)
        try:
            result, two = self._variants.solve_scenario(built), self._variants.solve_scenario(drawn)
        except SolverError:
            return False
        if not (result.feasible and two.feasible):
            return result.feasible == two.feasible
        return abs(result.value - two.value) <= VALUE_TOLERANCE * max(
            1.0, float(np.abs(drawn.program.costs[0]) @ np.abs(two.x))
        )

    def interpolate_program(self, position: float) -> ScenarioProgram:
        """Interpolate the program at a position. Requires that the LP is affine in it (`line` is not None).

        Args:
            position: Position from `low` to `high`, ends included.

        Returns:
            Scenario with the interpolated program; its instance is that of an interior point.
        """
        assert self.line is not None, "only parameters that scale can be sampled"
        return dataclasses.replace(self._inner, program=self.line.interpolate(position))

    def solve_at(self, position: float) -> VerifiedResult:
        """Solve the scenario at a position.

        Args:
            position: Position from `low` to `high`.

        Returns:
            Verified result: optimal with its value, or infeasible.
        """
        if self._sweep is not None and self.low < position < self.high:
            return self._sweep.solve_at(position)
        return self._variants.solve_scenario(self.build_scenario(position))

    def solve_all(self, positions: Sequence[float]) -> Iterator[VerifiedResult]:
        """Solve the scenarios at several positions; many positions on a line are faster together.

        Args:
            positions: Positions from `low` to `high`, (P,).

        Yields:
            Verified result of each position, in order.
        """
        inner = [position for position in positions if self.low < position < self.high]
        swept = iter(()) if self._sweep is None else self._sweep.solve_all(inner)
        for position in positions:
            on_line = self._sweep is not None and self.low < position < self.high
            yield next(swept) if on_line else self.solve_at(position)

    @cached_property
    def _sweep(self) -> ParametricSweep | None:
        """Parametric solver of the line, shared with the base model if both programs have the same matrix."""
        if self.line is None:
            return None
        near = share_structure(self.line.one, self._variants.base.program)
        return ParametricSweep(self._variants.warm_model if near else ParametricSolver(self.line.one), self.line)
