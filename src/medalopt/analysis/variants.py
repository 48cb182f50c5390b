"""Variants of one instance: changes of its figures, answered by one program that is kept warm."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from types import MappingProxyType

import numpy as np

from medalopt.errors import SolverError, UsageError
from medalopt.instance import wildcards
from medalopt.instance.bounds import Bounds, implied
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Ints
from medalopt.instance.instance import Instance
from medalopt.instance.loading import Opened, opened
from medalopt.instance.lots import without_lots
from medalopt.instance.paths import PathError, parse
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.routes import Routes, routes
from medalopt.instance.scenariocheck import value_text
from medalopt.instance.schema.at import kind_at
from medalopt.instance.schema.fields import Measure
from medalopt.instance.written import Written
from medalopt.model.network import Network
from medalopt.plan.plan import UNITS, Plan
from medalopt.quantity import spoken
from medalopt.solver.ladder import Task, program
from medalopt.solver.line import Line, alike, close, line, shared
from medalopt.solver.linear import Linear
from medalopt.solver.master import Master
from medalopt.solver.moving import Moving
from medalopt.solver.outcome import Outcome
from medalopt.solver.retrace import columns_of, duals_of
from medalopt.solver.solution import decided
from medalopt.solver.sweep import Sweep
from medalopt.solving import is_large, solve
from medalopt.wording import shown

Changes = Mapping[str, str]
NONE: Changes = MappingProxyType({})
PER_CENT = Fraction(1, 100)
SAME = 1e-8  # of all that is paid, by which a value may lie beside another and be the same


@dataclass(frozen=True, eq=False)
class Variant:
    """One variant: its instance and the program of it."""

    instance: Instance
    found: Routes
    bounds: Bounds
    block: Network
    linear: Linear

    @classmethod
    def of(cls, instance: Instance, measure: str, master: Master | None = None) -> Variant:
        """Return the program of `instance` for `measure`; `master`: what is compiled of one that it may be like."""
        found = routes(instance)
        bounds = implied(instance, found)
        return cls(instance, found, bounds, *program(Task(instance, found, bounds, measure, master=master)))

    def account(self, outcome: Outcome) -> Account:
        """Return the plan that `outcome` found for this variant, with all that follows from it."""
        return Account(
            self.instance, self.found, decided(self.instance, self.found, self.block, self.linear, outcome.x)
        )

    @cached_property
    def codes(self) -> Ints:
        """A number for each column of the network, (C,), that is the same in every variant."""
        streams, treatments, smelters, periods = (
            len(self.instance.streams.names),
            len(self.instance.treatments.names),
            len(self.instance.smelters.names) + 1,
            len(self.instance.periods),
        )
        block, found = self.block, self.found
        route = (found.stream * treatments + found.treatment) * smelters + found.smelter + 1
        first = streams * treatments * smelters
        pool = block.withheld_pool * len(self.instance.metals.names) + block.withheld_metal
        kinds = (
            (route[block.route], block.period),
            (first + block.stock_stream, block.stock_period),
            (first + streams + block.take_bundle, block.take_period),
            (first + streams + len(self.instance.bundles) + pool, block.withheld_period),
        )
        return np.concatenate([which * periods + period for which, period in kinds])


@dataclass(frozen=True)
class Present:
    """What stands at a path: the figure and the unit in which the file may hold it (None of counts and leads)."""

    value: float
    unit: str | None


class Variants:
    """The instance in `file`, a path or what was opened there, with `changes` made in all, and its variants."""

    def __init__(self, file: str | os.PathLike[str] | Opened, changes: Changes = NONE, measure: str = "cost") -> None:
        self.changes, self.measure = dict(changes), measure
        self.opened = file if isinstance(file, Opened) else opened(file)
        whole = self.opened.with_effective_changes(self.changes)
        self.lots = whole.lots  # paths of whole lots and minimum orders, which are left out
        self.instance: Instance = without_lots(whole)

    @cached_property
    def written(self) -> Written:
        """What the file writes, figure by figure."""
        return self.opened.written(self.changes)

    @cached_property
    def base(self) -> Variant:
        """The instance itself."""
        return Variant.of(self.instance, self.measure, self._master)

    @cached_property
    def _master(self) -> Master:
        return Master.of(self.instance, routes(self.instance), self.measure)

    @cached_property
    def plan(self) -> Plan:
        """The proven plan of the instance. Raises NoPlanError where none exists."""
        return solve(self.instance, self.measure)

    @cached_property
    def large(self) -> bool:
        """Whether no program is kept warm: each variant is planned by itself, as `solve` does it."""
        return is_large(self.instance, routes(self.instance))

    @property
    def unit(self) -> str:
        """The unit of the measure: the currency, `kg CO2e` or `t`."""
        return UNITS.get(self.measure, self.instance.currency)

    @property
    def plan_if_known(self) -> Plan | None:
        """The plan, where it has been asked for and exists."""
        return self.plan if "plan" in self.__dict__ else None

    @cached_property
    def moving(self) -> Moving:
        """The program that is kept warm; it begins where the plan stands, where that has been asked for."""
        linear = self.base.linear
        if "plan" not in self.__dict__:
            return Moving(linear)
        return Moving(
            linear, (columns_of(self.plan.account, self.base.block, linear), duals_of(self.plan.duals, linear))
        )

    def expanded(self, changes: Iterable[tuple[str, str]]) -> dict[str, str]:
        """Return ordinary changes for pairs of path and value in the language of `scenarios:`."""
        found: dict[str, str] = {}
        for path, value in changes:
            found.update(wildcards.expanded(self.written, path, value))
        return found

    def named_scenarios(self) -> dict[str, dict[str, str]]:
        """Return the scenarios of the instance, name to its changes. Raises InputError where one of them is wrong."""
        named: Mapping[str, Mapping[str, object]] = self.instance.annex.get("scenarios", {})
        if named:
            self.opened.with_effective_changes(self.changes, scenarios=True)
        return {
            name: {path: value_text(value) or "" for path, value in changes.items()} for name, changes in named.items()
        }

    def changed(self, changes: Changes) -> Instance:
        """Return the instance with ordinary `changes` made. Raises InputError where they are wrong."""
        return without_lots(self.opened.with_changes({**self.changes, **changes}))

    def variant(self, changes: Changes) -> Variant:
        """Return the program of the instance with ordinary `changes` made."""
        return Variant.of(self.changed(changes), self.measure, self._master)

    def answer(self, variant: Variant | None = None) -> Outcome:
        """Return the optimum of `variant` (by default of the instance itself), warm where its shape allows it."""
        if variant is None:
            return self.moving.solve()
        if shared(variant.linear, self.base.linear) or alike(variant.linear, self.base.linear):
            return self.moving.solve(variant.linear)
        return self.moving.embedded(variant.linear, self.columns(variant))

    def columns(self, variant: Variant) -> Ints:
        """Return where each column of the network of `variant` stands in that of the instance itself, -1: nowhere."""
        codes, order = self.base.codes, np.argsort(self.base.codes)
        at = np.minimum(np.searchsorted(codes[order], variant.codes), len(codes) - 1)
        return np.where(codes[order][at] == variant.codes, order[at], -1) if len(codes) else variant.codes * 0 - 1

    def along(self, changes: Callable[[float], Changes], low: float, high: float) -> Along:
        """Return the variants along a way: `changes` at any number from `low` to `high`."""
        return Along(self, changes, low, high)

    def from_value(self, path: str) -> Present:
        """Return what stands at `path`, of which no part is `*`. Raises UsageError where no figure does."""
        try:
            steps = parse(path)
        except PathError as error:
            raise UsageError(f"{shown(path)}: {error}") from error
        kind, node = kind_at(steps), self.written.find(steps)
        exact = self.written.exact(steps, node, kind) if kind and isinstance(node, Scalar) else None
        if kind is None or exact is None:
            raise UsageError(f"{shown(path)}: no one figure is written there; name one, or give a value to --set first")
        if not isinstance(kind.measure, Measure):
            return Present(float(exact), None)
        if not kind.measure.unit:
            return Present(float(exact / PER_CENT), "%")
        return Present(float(exact), spoken(kind.measure.unit, self.instance.currency))


class Along:
    """Variants along a way from `low` to `high`; where the program moves in proportion it is drawn, not built anew.

    `line` is the straight line of programs, None where the way is none: then each is built from the file's figures.
    """

    def __init__(self, variants: Variants, changes: Callable[[float], Changes], low: float, high: float) -> None:
        self._variants, self._changes = variants, changes
        self.low, self.high = low, high
        self.line: Line | None = None
        self._ends: dict[float, Variant] = {}
        span = high - low
        first, second, third = low + span / 4, low + span * 3 / 4, low + span / 2
        one, two, other = (self.variant(at) for at in (first, second, third))
        self._inner: Variant = one
        self.line = line(one.linear, first, two.linear, second, other.linear, third)
        if not all(self._reaches(end) for end in (low, high)):
            self.line = None
        if self.line is not None and self.line.moves_matrix:
            self.line = self.line.with_columns_alike() or self.line
        if self.line is not None and alike(one.linear, variants.base.linear):
            self.line = self.line.shaped_as(variants.base.linear)

    def variant(self, position: float) -> Variant:
        """Return the variant at `position`: on the line, or built from the instance with its changes."""
        if self.line is not None and self.low < position < self.high:
            return self.drawn(position)
        if position not in self._ends:
            built = self._variants.variant(self._changes(position))
            if position not in (self.low, self.high):
                return built
            self._ends[position] = built
        return self._ends[position]

    def _reaches(self, end: float) -> bool:
        """Whether the line, if there is one, leads to the program at an end; of one with other rows, to its optimum."""
        if self.line is None:
            return True
        built, drawn = self.variant(end), self.drawn(end)
        if alike(built.linear, drawn.linear):
            return close(built.linear, drawn.linear)
        try:
            one, two = self._variants.answer(built), self._variants.answer(drawn)
        except SolverError:
            return False
        if not (one.feasible and two.feasible):
            return one.feasible == two.feasible
        return abs(one.value - two.value) <= SAME * max(1.0, float(np.abs(drawn.linear.costs[0]) @ np.abs(two.x)))

    def drawn(self, position: float) -> Variant:
        """Return the variant at `position` on the line, also at its ends; there must be one."""
        assert self.line is not None, "only what moves in proportion can be drawn"
        return dataclasses.replace(self._inner, linear=self.line.at(position))

    def answer(self, position: float) -> Outcome:
        """Return the optimum at `position`."""
        if self._sweep is not None and self.low < position < self.high:
            return self._sweep.answer(position)
        return self._variants.answer(self.variant(position))

    def outcomes(self, positions: Sequence[float]) -> Iterator[Outcome]:
        """Yield the optimum at each of `positions`: of many on a line quicker than one by one."""
        inner = [at for at in positions if self.low < at < self.high]
        swept = iter(()) if self._sweep is None else self._sweep.outcomes(inner)
        for position in positions:
            on_line = self._sweep is not None and self.low < position < self.high
            yield next(swept) if on_line else self.answer(position)

    @cached_property
    def _sweep(self) -> Sweep | None:
        if self.line is None:
            return None
        near = shared(self.line.one, self._variants.base.linear)
        return Sweep(self._variants.moving if near else Moving(self.line.one), self.line)
