"""Repairs: changes of one parameter that restore feasibility, verified on the instance file and priced by a solve.

Repairs of several parameters, for conflicts that no single parameter resolves.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

from medalopt.analysis.infeasibility.conflict import NO_EXTENSIONS, Conflict, Extensions, find_conflict
from medalopt.analysis.infeasibility.repair_parameter import FileValue, RepairParameter, format_file_value
from medalopt.analysis.infeasibility.search import InfeasibleInstance, find_least_position, measure_infeasibility
from medalopt.errors import InputError, NoPlanError, SolverError
from medalopt.instance.instance import Instance
from medalopt.instance.loading import load
from medalopt.instance.paths import render_path
from medalopt.solve_instance import solve_continuous
from medalopt.solver.basis import ProgramBasis
from medalopt.solver.budget import NO_TIME_LIMIT, TimeBudget

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

    def row(self) -> dict[str, object]:
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
    standing: ProgramBasis | None = field(default=None, repr=False, compare=False)

    def row(self) -> dict[str, object]:
        """Return the repair as one JSON row.

        Returns:
            Field name to value.
        """
        return {"changes": [change.row() for change in self.changes], "objective": self.objective}


@dataclass(frozen=True)
class RepairRequest:
    """Request for repairs.

    Attributes:
        path: Instance file; None for an instance in memory.
        changes: Path to value, made in the file first.
        measure: Objective: `cost`, `footprint` or `mass`.
        extensions: User's extensions.
        tell: Progress callback.
        budget: Time limit; no further parameter is tried afterwards.
    """

    path: str | os.PathLike[str] | None = None
    changes: Mapping[str, str] | None = None
    measure: str = "cost"
    extensions: Extensions = NO_EXTENSIONS
    tell: Callable[[str], None] = lambda doing: None
    budget: TimeBudget = NO_TIME_LIMIT


ParameterMove = tuple[RepairParameter, tuple[float, ...]]


def apply_moves(instance: Instance, moved: Iterable[ParameterMove]) -> Instance:
    """Set several parameters.

    Args:
        instance: Instance to change.
        moved: Parameters with their values.

    Returns:
        A copy of the instance with these values.
    """
    for figure, values in moved:
        instance = figure.put(instance, values)
    return instance


def price_repair(
    instance: Instance, asked: RepairRequest, moved: tuple[ParameterMove, ...], near: ProgramBasis | None = None
) -> Repair | None:
    """Solve the instance after a repair, read from the file with the changes as the file spells them.

    Args:
        instance: Infeasible instance.
        asked: Request.
        moved: Parameters with their values.
        near: Basis of a similar instance.

    Returns:
        The repair with its optimal objective; None if it is not feasible or not verified.
    """
    ways: list[dict[str, str]] = [{}]
    for figure, values in moved:
        text = format_file_value(figure.told(values, instance), figure.unit)
        ways = [{**way, render_path(path): text} for way in ways for path in figure.paths]
    for way in ways:
        try:
            repaired = apply_moves(instance, moved) if asked.path is None else _load_changed(asked, way)
        except InputError:
            continue  # the file uses another spelling, or another entry contradicts the new value
        try:
            own = asked.extensions
            plan, standing = solve_continuous(repaired, asked.measure, own.files, near, eased=own.eased)
        except (NoPlanError, SolverError):
            return None
        rows = zip(way, moved, strict=True)
        return Repair(
            tuple(
                RepairChange(path, figure.before(instance), figure.told(values, instance), figure.unit)
                for path, (figure, values) in rows
            ),
            plan.objective,
            standing,
        )
    return None


def _load_changed(asked: RepairRequest, way: Mapping[str, str]) -> Instance:
    """Load the instance file with the changes of a repair."""
    assert asked.path is not None
    return load(asked.path, {**(asked.changes or {}), **way})


def round_repair(
    figure: RepairParameter, position: float, works: Callable[[tuple[float, ...]], Repair | None]
) -> Repair | None:
    """Round a position outwards, and move on by small steps until the repair is verified.

    Args:
        figure: Parameter.
        position: Least position found.
        works: Function that returns the repair of given values; None if they do not suffice.

    Returns:
        The repair; None if no rounding suffices.
    """
    tried: set[tuple[float, ...]] = set()
    neat = figure.neat(position)
    repair = works(neat) if neat is not None and neat != figure.now else None
    if repair is not None:
        return repair
    for more in ROUNDING_TRIALS:
        onwards = (1 if figure.up else -1) * more * max(abs(position), 1e-3 * abs(figure.start), 1e-9)
        values = figure.rounded(position + onwards)
        if values in tried or values == figure.now:
            continue
        tried.add(values)
        repair = works(values)
        if repair is not None:
            return repair
    return None


def find_single_repairs(
    at: InfeasibleInstance, figures: Iterable[RepairParameter], asked: RepairRequest, most: int
) -> list[Repair]:
    """Find repairs of one parameter each.

    Args:
        at: Infeasible instance.
        figures: Parameters in the order in which they are tried.
        asked: Request.
        most: Largest number of repairs.

    Returns:
        Repairs by ascending objective.
    """
    found: list[Repair] = []
    near = at.standing
    settled: set[tuple[object, ...]] = set()
    for figure in figures:
        same = (figure.section, figure.field, figure.at[0] if figure.field == "available" else str(figure.at))
        if same in settled:
            continue  # one spelling of more supply per stream suffices
        if not asked.budget.left():
            break
        asked.tell(f"how far {render_path(figure.paths[0])} would have to move")
        position = find_least_position(figure, at)
        repair = None if position is None else _make_single_repair(at, asked, figure, position, near)
        if repair is not None:
            found.append(repair)
            near = repair.standing
            settled.add(same)
        if len(found) == most:
            break
    return sorted(found, key=lambda repair: (repair.objective, repair.changes[0].path))


def _make_single_repair(
    at: InfeasibleInstance, asked: RepairRequest, figure: RepairParameter, position: float, near: ProgramBasis | None
) -> Repair | None:
    """Return the repair of one parameter near its least position."""

    def works(values: tuple[float, ...]) -> Repair | None:
        beyond = figure.kind != "list" and (values[0] >= position if figure.up else values[0] <= position)
        if not beyond and measure_infeasibility(figure.put(at.instance, values), at.extensions, near=at) is not None:
            return None  # cheaper than solving to prove infeasibility
        return price_repair(at.instance, asked, ((figure, values),), near)

    return round_repair(figure, position, works)


MAX_BRANCHES, MAX_BRANCHES_LARGE = 3, 2  # parameters tried per conflict; on a large program
MAX_DEPTH, MAX_DEPTH_LARGE = 2, 1  # parameters of a set in addition to the first; on a large program
MAX_TRIED_SETS, MAX_OFFERED_REPAIRS = 6, 3  # sets that are priced; repairs that are returned
MIN_PROGRESS = 1e-6  # least relative decrease of the violation by a parameter
MAX_SET_SIZE = 12  # parameters in a greedy set
MAX_TRIED_PARAMETERS = 8  # parameters compared per conflict of the greedy search
AMPLE_FACTOR = 1e3  # factor on the present value of a parameter without an end, to relax it amply

CandidateChooser = Callable[[Instance, Conflict, InfeasibleInstance], list[RepairParameter]]


def find_repair_sets(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, asked: RepairRequest
) -> list[Repair]:
    """Find the smallest sets of parameters that restore feasibility, by depth-first enumeration.

    Args:
        at: Infeasible instance.
        found: Its conflict.
        choose: Function that lists the parameters of a conflict.
        asked: Request.

    Returns:
        At most three repairs by ascending objective; empty if there is none up to the largest depth.
    """
    wide, deep = (MAX_BRANCHES_LARGE, MAX_DEPTH_LARGE) if at.large else (MAX_BRANCHES, MAX_DEPTH)
    for depth in range(1, deep + 1):
        repairs: list[Repair] = []
        for figures in _enumerate_sets(at, found, choose, depth, wide) if asked.budget.left() else ():
            asked.tell(
                f"how far {' and '.join(render_path(one.paths[0]) for one in figures)} would have to move together"
            )
            repair = _tighten_set(at, figures, asked)
            repairs += [repair] if repair is not None else []
            if len(repairs) == MAX_TRIED_SETS or not asked.budget.left():
                break
        if repairs:
            return _remove_duplicates(repairs)[:MAX_OFFERED_REPAIRS]
    return []


def _enumerate_sets(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, depth: int, wide: int
) -> Iterable[tuple[RepairParameter, ...]]:
    """Yield sets of `depth` + 1 parameters: one that resolves this conflict, then those of the next conflict."""
    tried = 0
    for figure in choose(at.instance, found, at):
        rest = _relax_parameter(figure, at)
        if rest is None:
            continue
        other = find_conflict(rest.problem, rest.short)
        if other.rules.keys() == found.rules.keys():
            continue
        tried += 1
        if depth > 1:
            yield from ((figure, *others) for others in _enumerate_sets(rest, other, choose, depth - 1, wide))
        else:
            others = (one for one in choose(rest.instance, other, rest) if one.paths[0] != figure.paths[0])
            yield from (
                (figure, one) for one in islice((one for one in others if _relax_parameter(one, rest) is None), wide)
            )
        if tried == wide:
            return


def find_greedy_set(
    at: InfeasibleInstance, found: Conflict, choose: CandidateChooser, asked: RepairRequest
) -> list[Repair]:
    """Find one repair by a greedy search: of each conflict in turn the parameter that leaves the least violation.

    Each parameter is then moved as little as the others allow.

    Args:
        at: Infeasible instance.
        found: Its conflict.
        choose: Function that lists the parameters of a conflict.
        asked: Request.

    Returns:
        One repair; none if some conflict has no parameter that helps.
    """
    figures: list[RepairParameter] = []
    now: InfeasibleInstance | None = at
    while now is not None:
        rules = find_conflict(now.problem, now.short) if figures else found
        taken = {figure.paths[0] for figure in figures}
        new = (one for one in choose(now.instance, rules, now) if one.paths[0] not in taken)
        left = [(figure, _relax_parameter(figure, now)) for figure in islice(new, MAX_TRIED_PARAMETERS)]
        if not left or len(figures) == MAX_SET_SIZE or not asked.budget.left():
            return []
        best, rest = min(left, key=lambda one: 0.0 if one[1] is None else one[1].short.value)
        if rest is not None and not rest.short.value < now.short.value * (1 - MIN_PROGRESS):
            return []
        figures.append(best)
        now = rest
    asked.tell(f"how far {len(figures)} figures would have to move together")
    repair = _tighten_set(at, tuple(figures), asked)
    return [] if repair is None else [repair]


def _relax_parameter(figure: RepairParameter, at: InfeasibleInstance) -> InfeasibleInstance | None:
    """Return the remaining infeasibility with the parameter at its end or moved amply; None if there is none."""
    return measure_infeasibility(figure.at_position(at.instance, get_ample_position(figure)), at.extensions, near=at)


def get_ample_position(figure: RepairParameter) -> float:
    """Return the position at which a parameter no longer limits: its end, or if infinite, a large multiple.

    Args:
        figure: Parameter.

    Returns:
        The position.
    """
    return figure.end if math.isfinite(figure.end) else AMPLE_FACTOR * max(figure.start, 1.0)


def _tighten_set(at: InfeasibleInstance, figures: tuple[RepairParameter, ...], asked: RepairRequest) -> Repair | None:
    """Move each parameter as little as the others, at their ample positions, allow; the first ones last."""
    moved: tuple[ParameterMove, ...] = ()
    for place in range(len(figures) - 1, -1, -1):
        figure, before = figures[place], figures[:place]
        instance = apply_moves(at.instance, moved)
        for other in before:
            instance = other.at_position(instance, get_ample_position(other))
        now = measure_infeasibility(instance, at.extensions)
        position = figure.start if now is None else find_least_position(figure, now)
        if position is None:
            return None
        if now is None:
            continue
        if place == 0:
            return round_repair(
                figure,
                position,
                lambda values, figure=figure, moved=moved: price_repair(  # type: ignore[misc]
                    at.instance, asked, ((figure, values), *moved)
                ),
            )
        moved = ((figure, _choose_values(figure, position, instance, at)), *moved)
    return None


def _choose_values(
    figure: RepairParameter, position: float, instance: Instance, at: InfeasibleInstance
) -> tuple[float, ...]:
    """Return the values at a position: short ones if they suffice, else rounded outwards."""
    neat = figure.neat(position)
    if neat is not None and measure_infeasibility(figure.put(instance, neat), at.extensions) is None:
        return neat
    return figure.rounded(position)


def _remove_duplicates(repairs: list[Repair]) -> list[Repair]:
    """Return repairs by ascending objective, one for each set of parameters."""
    order = sorted(repairs, key=lambda repair: (repair.objective, [change.path for change in repair.changes]))
    return list({frozenset(change.path for change in repair.changes): repair for repair in reversed(order)}.values())[
        ::-1
    ]
