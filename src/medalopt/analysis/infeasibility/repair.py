"""Repairs: changes of one parameter that restore feasibility, verified on the instance file and priced by a solve.

Repairs of several parameters, for conflicts that no single parameter resolves.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from medalopt.analysis.infeasibility.conflict import (
    NO_EXTENSIONS,
    Conflict,
    Extensions,
    find_conflict,
)
from medalopt.analysis.infeasibility.messages import InfeasibilityReason
from medalopt.analysis.infeasibility.repair_parameter import (
    FileValue,
    RepairParameter,
    format_file_value,
)
from medalopt.analysis.infeasibility.search import (
    InfeasibleInstance,
    find_least_position,
    measure_infeasibility,
)
from medalopt.errors import InputError, LimitError, NoPlanError, SolverError
from medalopt.instance.instance import Instance
from medalopt.instance.loading import load
from medalopt.instance.scenario import is_firm, list_firm_paths
from medalopt.solve_instance import solve, solve_continuous
from medalopt.solver.highs import NO_TIME_LIMIT, TimeBudget
from medalopt.solver.program import ProgramBasis
from medalopt.text import render_path

ROUNDING_TRIALS = (0.0, 1e-6, 1e-5, 1e-4)  # relative moves beyond the rounded position, tried in turn


@dataclass(frozen=True)
class RepairChange:
    """One changed parameter; values as a file holds them, without the unit (None if it has none).

    Attributes:
        path: Path of the parameter; `extension.NAME` for a row of an extension.
        before: Present value, or bound of the row.
        after: New value, or bound of the row; an empty list if the row is removed.
        unit: Unit of both.
    """

    path: str
    before: FileValue
    after: FileValue
    unit: str | None

    def encode(self) -> dict[str, object]:
        """Return the change as one JSON row.

        Returns:
            Field name to value.
        """
        return {
            "path": self.path,
            "from": self.before,
            "to": None if self.after == [] else self.after,
            "unit": self.unit,
        }


@dataclass(frozen=True)
class Repair:
    """Changes that restore feasibility, the optimal objective after them, and its basis."""

    changes: tuple[RepairChange, ...]
    objective: float
    basis: ProgramBasis | None = field(default=None, repr=False, compare=False)

    def encode(self) -> dict[str, object]:
        """Return the repair as one JSON row.

        Returns:
            Field name to value.
        """
        return {"changes": [change.encode() for change in self.changes], "objective": self.objective}


@dataclass(frozen=True)
class RepairRequest:
    """Request for repairs.

    Attributes:
        path: Instance file; None for an instance in memory.
        changes: Path to value, made in the file first.
        objective: Objective: `cost`, `footprint` or `mass`.
        extensions: User's extensions.
        report_progress: Progress callback.
        budget: Time limit; no further parameter is tried afterwards.
        in_lots: Price repairs by plans in lots.
    """

    path: str | os.PathLike[str] | None = None
    changes: Mapping[str, str] | None = None
    objective: str = "cost"
    extensions: Extensions = NO_EXTENSIONS
    report_progress: Callable[[str], None] = lambda activity: None
    budget: TimeBudget = NO_TIME_LIMIT
    in_lots: bool = False


ParameterMove = tuple[RepairParameter, tuple[float, ...]]


def _apply_moves(instance: Instance, moved: Iterable[ParameterMove]) -> Instance:
    """Set several parameters."""
    for parameter, values in moved:
        instance = parameter.apply(instance, values)
    return instance


def price_repair(
    instance: Instance, request: RepairRequest, moved: tuple[ParameterMove, ...], basis: ProgramBasis | None = None
) -> Repair | None:
    """Solve the instance after a repair, read from the file with the changes as the file spells them.

    Args:
        moved: Parameters with their new values.
        basis: Basis to start from.

    Returns:
        The repair; None if no plan is verified.
    """
    users, standing = request.extensions, None
    alternatives: list[dict[str, str]] = [{}]
    for parameter, values in moved:
        text = format_file_value(parameter.format_values(values, instance), parameter.unit)
        alternatives = [{**texts, render_path(path): text} for texts in alternatives for path in parameter.paths]
    for texts in alternatives:
        try:
            repaired = _apply_moves(instance, moved)
            if request.path is not None:
                repaired = load(request.path, {**(request.changes or {}), **texts})
        except InputError:
            continue  # the file uses another spelling, or another entry contradicts the new value
        try:
            if request.in_lots:
                plan = solve(repaired, request.objective, users.files, time_limit=request.budget.seconds_left())
            else:
                plan, standing = solve_continuous(repaired, request.objective, users.files, basis, eased=users.relaxed)
        except (LimitError, NoPlanError, SolverError):
            return None
        rows = zip(texts, moved, strict=True)
        return Repair(
            tuple(
                RepairChange(
                    path,
                    parameter.now[0]
                    if parameter.kind == "window"
                    else parameter.format_values(parameter.now, instance),
                    parameter.format_values(values, instance),
                    parameter.unit,
                )
                for path, (parameter, values) in rows
            ),
            plan.objective,
            standing,
        )
    return None


def round_repair(
    parameter: RepairParameter, position: float, works: Callable[[tuple[float, ...]], Repair | None]
) -> Repair | None:
    """Round a position outwards, and move on by small steps until the repair is verified.

    Args:
        position: Least position at which the instance is feasible.
        works: Returns the repair at some values, None where it is not feasible.

    Returns:
        The repair; None if none is verified.
    """
    tried: set[tuple[float, ...]] = set()
    neat = parameter.simplify(position)
    repair = works(neat) if neat is not None and neat != parameter.now else None
    if repair is not None:
        return repair
    for more in ROUNDING_TRIALS:
        onwards = (1 if parameter.up else -1) * more * max(abs(position), 1e-3 * abs(parameter.start), 1e-9)
        values = parameter.round_values(position + onwards)
        if values in tried or values == parameter.now:
            continue
        tried.add(values)
        repair = works(values)
        if repair is not None:
            return repair
    return None


def find_single_repairs(
    at: InfeasibleInstance, parameters: Iterable[RepairParameter], request: RepairRequest, maximum: int
) -> list[Repair]:
    """Find repairs of one parameter each.

    Args:
        parameters: Parameters in the order in which they are tried.
        maximum: Largest number of repairs.

    Returns:
        Repairs by ascending objective.
    """
    repairs: list[Repair] = []
    basis = at.basis
    settled: set[tuple[object, ...]] = set()
    for parameter in parameters:
        same = (
            parameter.section,
            parameter.field,
            parameter.index[0] if parameter.field == "available" else str(parameter.index),
        )
        if same in settled:
            continue  # one spelling of more supply per stream suffices
        if not request.budget.seconds_left():
            break
        request.report_progress(f"trying a change of {render_path(parameter.paths[0])}")
        position = find_least_position(parameter, at)
        repair = None if position is None else _make_single_repair(at, request, parameter, position, basis)
        if repair is not None:
            repairs.append(repair)
            basis = repair.basis
            settled.add(same)
        if len(repairs) == maximum:
            break
    return sorted(repairs, key=lambda repair: (repair.objective, repair.changes[0].path))


def _make_single_repair(
    at: InfeasibleInstance,
    request: RepairRequest,
    parameter: RepairParameter,
    position: float,
    basis: ProgramBasis | None,
) -> Repair | None:
    """Return the repair of one parameter near its least position."""

    def works(values: tuple[float, ...]) -> Repair | None:
        """Return the repair at these values if it makes the instance feasible."""
        beyond = parameter.kind != "list" and (values[0] >= position if parameter.up else values[0] <= position)
        if (
            not beyond
            and measure_infeasibility(parameter.apply(at.instance, values), at.extensions, near=at) is not None
        ):
            return None  # cheaper than solving to prove infeasibility
        return price_repair(at.instance, request, ((parameter, values),), basis)

    return round_repair(parameter, position, works)


MAX_BRANCHES, MAX_BRANCHES_LARGE = 3, 2  # parameters tried per conflict; on a large program
MAX_DEPTH, MAX_DEPTH_LARGE = 2, 1  # parameters of a set in addition to the first; on a large program
MAX_TRIED_SETS, MAX_OFFERED_REPAIRS = 6, 3  # sets that are priced; repairs that are returned
MIN_PROGRESS = 1e-6  # least relative decrease of the violation by a parameter
MAX_SET_SIZE = 12  # parameters in a greedy set
MAX_TRIED_PARAMETERS = 8  # parameters compared per conflict of the greedy search
AMPLE_FACTOR = 1e3  # factor on the present value of a parameter without an end, to relax it amply

CandidateChooser = Callable[[Instance, Conflict, InfeasibleInstance], list[RepairParameter]]


def find_repair_sets(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, request: RepairRequest
) -> list[Repair]:
    """Find the smallest sets of parameters that restore feasibility, by depth-first enumeration.

    Args:
        choose: Function that lists the parameters of a conflict.

    Returns:
        At most three repairs by ascending objective; empty if there is none up to the largest depth.
    """
    wide, deep = (MAX_BRANCHES_LARGE, MAX_DEPTH_LARGE) if at.is_large else (MAX_BRANCHES, MAX_DEPTH)
    for depth in range(1, deep + 1):
        repairs: list[Repair] = []
        for parameters in _enumerate_sets(at, found, choose, depth, wide) if request.budget.seconds_left() else ():
            names = " and ".join(render_path(parameter.paths[0]) for parameter in parameters)
            request.report_progress(f"trying a change of {names} together")
            repair = _tighten_set(at, parameters, request)
            repairs += [repair] if repair is not None else []
            if len(repairs) == MAX_TRIED_SETS or not request.budget.seconds_left():
                break
        if repairs:
            return _remove_duplicates(repairs)[:MAX_OFFERED_REPAIRS]
    return []


def _enumerate_sets(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, depth: int, wide: int
) -> Iterable[tuple[RepairParameter, ...]]:
    """Yield sets of `depth` + 1 parameters: one that resolves this conflict, then those of the next conflict."""
    tried = 0
    for parameter in choose(at.instance, found, at):
        rest = _relax_parameter(parameter, at)
        if rest is None:
            continue
        other = find_conflict(rest.problem, rest.violation)
        if other.rules.keys() == found.rules.keys():
            continue
        tried += 1
        if depth > 1:
            yield from ((parameter, *others) for others in _enumerate_sets(rest, other, choose, depth - 1, wide))
        else:
            seconds = (second for second in choose(rest.instance, other, rest) if second.paths[0] != parameter.paths[0])
            sufficient = (second for second in seconds if _relax_parameter(second, rest) is None)
            yield from ((parameter, second) for second in islice(sufficient, wide))
        if tried == wide:
            return


def find_greedy_set(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, request: RepairRequest
) -> list[Repair]:
    """Find one repair by a greedy search: of each conflict in turn the parameter that leaves the least violation.

    Each parameter is then moved as little as the others allow.

    Args:
        choose: Function that lists the parameters of a conflict.

    Returns:
        One repair; none if some conflict has no parameter that helps.
    """
    parameters: list[RepairParameter] = []
    now: InfeasibleInstance | None = at
    while now is not None:
        rules = find_conflict(now.problem, now.violation) if parameters else found
        taken = {parameter.paths[0] for parameter in parameters}
        new = (parameter for parameter in choose(now.instance, rules, now) if parameter.paths[0] not in taken)
        left = [(parameter, _relax_parameter(parameter, now)) for parameter in islice(new, MAX_TRIED_PARAMETERS)]
        if not left or len(parameters) == MAX_SET_SIZE or not request.budget.seconds_left():
            return []
        best, rest = min(left, key=lambda one: 0.0 if one[1] is None else one[1].violation.value)
        if rest is not None and not rest.violation.value < now.violation.value * (1 - MIN_PROGRESS):
            return []
        parameters.append(best)
        now = rest
    request.report_progress(f"trying a change of {len(parameters)} parameters together")
    repair = _tighten_set(at, tuple(parameters), request)
    return [] if repair is None else [repair]


def _relax_parameter(parameter: RepairParameter, at: InfeasibleInstance) -> InfeasibleInstance | None:
    """Return the remaining infeasibility with the parameter at its end or moved amply; None if there is none."""
    return measure_infeasibility(
        parameter.at_position(at.instance, get_ample_position(parameter)), at.extensions, near=at
    )


def get_ample_position(parameter: RepairParameter) -> float:
    """Return the position at which a parameter no longer limits: its end, or if infinite, a large multiple.

    Returns:
        The position.
    """
    return parameter.end if math.isfinite(parameter.end) else AMPLE_FACTOR * max(parameter.start, 1.0)


def _tighten_set(
    at: InfeasibleInstance, parameters: tuple[RepairParameter, ...], request: RepairRequest
) -> Repair | None:
    """Move each parameter as little as the others, at their ample positions, allow; the first ones last."""
    moved: tuple[ParameterMove, ...] = ()
    for place in range(len(parameters) - 1, -1, -1):
        parameter, before = parameters[place], parameters[:place]
        instance = _apply_moves(at.instance, moved)
        for other in before:
            instance = other.at_position(instance, get_ample_position(other))
        now = measure_infeasibility(instance, at.extensions)
        position = parameter.start if now is None else find_least_position(parameter, now)
        if position is None:
            return None
        if now is None:
            continue
        if place == 0:
            return round_repair(
                parameter,
                position,
                lambda values, figure=parameter, moved=moved: price_repair(  # type: ignore[misc]
                    at.instance, request, ((figure, values), *moved)
                ),
            )
        moved = ((parameter, _choose_values(parameter, position, instance, at)), *moved)
    return None


def _choose_values(
    parameter: RepairParameter, position: float, instance: Instance, at: InfeasibleInstance
) -> tuple[float, ...]:
    """Return the values at a position: short ones if they suffice, else rounded outwards."""
    neat = parameter.simplify(position)
    if neat is not None and measure_infeasibility(parameter.apply(instance, neat), at.extensions) is None:
        return neat
    return parameter.round_values(position)


def _remove_duplicates(repairs: list[Repair]) -> list[Repair]:
    """Return repairs by ascending objective, one for each set of parameters."""
    order = sorted(repairs, key=lambda repair: (repair.objective, [change.path for change in repair.changes]))
    return list({frozenset(change.path for change in repair.changes): repair for repair in reversed(order)}.values())[
        ::-1
    ]


@dataclass(frozen=True)
class Diagnosis:
    """Reasons for infeasibility and repairs.

    Attributes:
        screened: Reasons proven by screening.
        rules: Conflicting rules.
        irreducible: True if each rule was verified to be needed for the conflict.
        repairs: Repairs by ascending objective.
        unit: Unit of their objectives.
        stopped: True if the time limit ended the search early.
        in_lots: True if a plan exists without lots.
        cases: Number of cases of its lots, each refuted by multipliers; 0 where the conflict is not proven.
    """

    screened: tuple[InfeasibilityReason, ...]
    rules: tuple[InfeasibilityReason, ...]
    irreducible: bool
    repairs: tuple[Repair, ...]
    unit: str  # of the repairs' objectives
    stopped: bool = False
    in_lots: bool = False
    cases: int = 0

    @property
    def conflict(self) -> tuple[InfeasibilityReason, ...]:
        """All reasons that conflict together, those of the screening first."""
        return (*self.screened, *self.rules)

    def encode(self) -> dict[str, object]:
        """Return the diagnosis as JSON data.

        Returns:
            Field name to value.
        """
        members: dict[str, object] = {
            "conflict": [reason.encode() for reason in self.conflict],
            "repairs": [repair.encode() for repair in self.repairs],
        }
        if self.in_lots:
            members["refuted_cases"] = self.cases
        return {**members, "stopped": True} if self.stopped else members


def drop_firm(instance: Instance, parameters: list[RepairParameter]) -> list[RepairParameter]:
    """Return the parameters that are not firm.

    Args:
        parameters: Parameters of repairs.
    """
    firm = list_firm_paths(instance)
    return [one for one in parameters if not any(is_firm(path, firm) for path in one.paths)]
