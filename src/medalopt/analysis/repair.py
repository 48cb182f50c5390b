"""Repairs: changes of one parameter that restore feasibility, verified on the instance file and priced by a solve."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from medalopt.analysis.conflict import NONE, Extensions
from medalopt.analysis.repair_figure import Figure, Written, spelled
from medalopt.analysis.repair_search import Stuck, least, stuck
from medalopt.errors import InputError, NoPlanError, SolverError
from medalopt.instance.instance import Instance
from medalopt.instance.loading import load
from medalopt.instance.paths import render
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.standing import Standing
from medalopt.solving import solved

ROUNDING_TRIALS = (0.0, 1e-6, 1e-5, 1e-4)  # relative moves beyond the rounded position, tried in turn


@dataclass(frozen=True)
class Change:
    """One changed parameter; values as a file holds them, without the unit (None if it has none).

    Attributes:
        path: Path of the parameter; `extension.NAME` for a row of an extension.
        before: Present value, or bound of the row.
        after: New value, or bound of the row; an empty list if the row is removed.
        unit: Unit of both.
    """

    path: str
    before: Written
    after: Written
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

    changes: tuple[Change, ...]
    objective: float
    standing: Standing | None = field(default=None, repr=False, compare=False)

    def row(self) -> dict[str, object]:
        """Return the repair as one JSON row.

        Returns:
            Field name to value.
        """
        return {"changes": [change.row() for change in self.changes], "objective": self.objective}


@dataclass(frozen=True)
class Asked:
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
    extensions: Extensions = NONE
    tell: Callable[[str], None] = lambda doing: None
    budget: Budget = ENDLESS


Moved = tuple[Figure, tuple[float, ...]]


def changed(instance: Instance, moved: Iterable[Moved]) -> Instance:
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


def priced(instance: Instance, asked: Asked, moved: tuple[Moved, ...], near: Standing | None = None) -> Repair | None:
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
        text = spelled(figure.told(values, instance), figure.unit)
        ways = [{**way, render(path): text} for way in ways for path in figure.paths]
    for way in ways:
        try:
            repaired = changed(instance, moved) if asked.path is None else _loaded(asked, way)
        except InputError:
            continue  # the file uses another spelling, or another entry contradicts the new value
        try:
            own = asked.extensions
            plan, standing = solved(repaired, asked.measure, own.files, near, eased=own.eased)
        except (NoPlanError, SolverError):
            return None
        rows = zip(way, moved, strict=True)
        return Repair(
            tuple(
                Change(path, figure.before(instance), figure.told(values, instance), figure.unit)
                for path, (figure, values) in rows
            ),
            plan.objective,
            standing,
        )
    return None


def _loaded(asked: Asked, way: Mapping[str, str]) -> Instance:
    """Load the instance file with the changes of a repair."""
    assert asked.path is not None
    return load(asked.path, {**(asked.changes or {}), **way})


def rounded(figure: Figure, position: float, works: Callable[[tuple[float, ...]], Repair | None]) -> Repair | None:
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


def single_repairs(at: Stuck, figures: Iterable[Figure], asked: Asked, most: int) -> list[Repair]:
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
        asked.tell(f"how far {render(figure.paths[0])} would have to move")
        position = least(figure, at)
        repair = None if position is None else _alone(at, asked, figure, position, near)
        if repair is not None:
            found.append(repair)
            near = repair.standing
            settled.add(same)
        if len(found) == most:
            break
    return sorted(found, key=lambda repair: (repair.objective, repair.changes[0].path))


def _alone(at: Stuck, asked: Asked, figure: Figure, position: float, near: Standing | None) -> Repair | None:
    """Return the repair of one parameter near its least position."""

    def works(values: tuple[float, ...]) -> Repair | None:
        beyond = figure.kind != "list" and (values[0] >= position if figure.up else values[0] <= position)
        if not beyond and stuck(figure.put(at.instance, values), at.extensions, near=at) is not None:
            return None  # cheaper than solving to prove infeasibility
        return priced(at.instance, asked, ((figure, values),), near)

    return rounded(figure, position, works)
