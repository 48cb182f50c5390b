"""Repairs: changes of figures after which there is a plan, each tried on the instance and priced."""

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

ROUNDING_TRIALS = (0.0, 1e-6, 1e-5, 1e-4)  # of the figure, by which it is moved on where rounding was not enough


@dataclass(frozen=True)
class Change:
    """One figure changed: `before` and `after` as a file holds them, without the unit (null: none).

    Of a user's own rule, `extension.NAME`, they are an end of it; `after` is an empty list where it is left out.
    """

    path: str
    before: Written
    after: Written
    unit: str | None

    def row(self) -> dict[str, object]:
        """Return the change as one row."""
        return {
            "path": self.path,
            "from": self.before,
            "to": None if self.after == [] else self.after,
            "unit": self.unit,
        }


@dataclass(frozen=True)
class Repair:
    """Changes after which there is a plan, the objective of that plan, and where the solver then stood."""

    changes: tuple[Change, ...]
    objective: float
    standing: Standing | None = field(default=None, repr=False, compare=False)

    def row(self) -> dict[str, object]:
        """Return the repair as one row."""
        return {"changes": [change.row() for change in self.changes], "objective": self.objective}


@dataclass(frozen=True)
class Asked:
    """What was asked: of which file (None: an instance in memory), with which changes, for which measure.

    `tell` is told what is being done. When `budget` is over no further figure is tried.
    """

    path: str | os.PathLike[str] | None = None
    changes: Mapping[str, str] | None = None
    measure: str = "cost"
    extensions: Extensions = NONE
    tell: Callable[[str], None] = lambda doing: None
    budget: Budget = ENDLESS


Moved = tuple[Figure, tuple[float, ...]]


def changed(instance: Instance, moved: Iterable[Moved]) -> Instance:
    """Return `instance` with these figures moved."""
    for figure, values in moved:
        instance = figure.put(instance, values)
    return instance


def priced(instance: Instance, asked: Asked, moved: tuple[Moved, ...], near: Standing | None = None) -> Repair | None:
    """Return the repair that `moved` makes, as the file spells it; None where there is no plan with it.

    The plan is found and proven on the file as it then is; `near` is where the solver stood on one like it.
    """
    ways: list[dict[str, str]] = [{}]
    for figure, values in moved:
        text = spelled(figure.told(values, instance), figure.unit)
        ways = [{**way, render(path): text} for way in ways for path in figure.paths]
    for way in ways:
        try:
            repaired = changed(instance, moved) if asked.path is None else _loaded(asked, way)
        except InputError:
            continue  # the file spells it in another way, or holds what contradicts the new value
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
    assert asked.path is not None
    return load(asked.path, {**(asked.changes or {}), **way})


def rounded(figure: Figure, position: float, works: Callable[[tuple[float, ...]], Repair | None]) -> Repair | None:
    """Return the repair at `position`, rounded outwards, or as little beyond it as is needed."""
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
    """Return repairs of one figure each, up to `most`, cheapest first."""
    found: list[Repair] = []
    near = at.standing
    settled: set[tuple[object, ...]] = set()
    for figure in figures:
        same = (figure.section, figure.field, figure.at[0] if figure.field == "available" else str(figure.at))
        if same in settled:
            continue  # of a stream one way of writing more of it is enough
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
    def works(values: tuple[float, ...]) -> Repair | None:
        beyond = figure.kind != "list" and (values[0] >= position if figure.up else values[0] <= position)
        if not beyond and stuck(figure.put(at.instance, values), at.extensions, near=at) is not None:
            return None  # told at once, where solving would have to prove it
        return priced(at.instance, asked, ((figure, values),), near)

    return rounded(figure, position, works)
