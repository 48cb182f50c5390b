"""Outages, one element of a plan after the other: an outage costs money, or metal is short.

The program is not rebuilt: upper bounds of the columns concerned, and right-hand sides of supply, become 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import (
    MAX_LOT_SECONDS,
    MetalShortage,
    RecyclingPremium,
    ShortageSolver,
    StepCallback,
    compute_objective_increase,
    compute_premium,
    get_metal_titles,
    solve_base_case,
    solve_or_none,
)
from medalopt.errors import UsageError
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.confidence import has_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.resolve.parsed_document import Calendar
from medalopt.solver.highs import TimeBudget
from medalopt.solver.mip import solve_program_in_lots
from medalopt.solver.program import SolverProgram
from medalopt.solver.verification import VerifiedResult
from medalopt.text import PathError, escape_text, parse_path, render_path

_COMMITMENT_ROWS = {"streams": "stream_commitment", "smelters": "feed_total", "market": "purchase"}


@dataclass(frozen=True, eq=False)
class Outage:
    """An element that can drop out: the `names` of its members along one axis of the instance."""

    kind: str  # display word: smelter, treatment, region, channel, offer, bundle or stream
    name: str
    path: str
    axis: str  # streams, treatments, smelters or market
    names: frozenset[str]


def _list_outages(instance: Instance) -> list[Outage]:
    """Return every smelter, treatment, region, channel (bundle or single device in all regions) and offer."""
    streams = instance.streams
    regions = [instance.regions[region] for region in streams.region.tolist()]
    return [
        *_make_outage_by_name("smelter", "smelters", instance.smelters.names),
        *_make_outage_by_name("treatment", "treatments", instance.treatments.list_whole()),
        *_make_outage_by_group("region", "regions", regions, streams.names),
        *_make_outage_by_group("channel", "channels", _list_channels(instance), streams.names),
        *_make_outage_by_name("offer", "market", instance.market.names),
    ]


def _list_channels(instance: Instance) -> list[str]:
    """Return the channel of each stream (I,): the name of its bundle, or of its device if it belongs to none."""
    streams = instance.streams
    pairs = zip(streams.bundle.tolist(), streams.device.tolist(), strict=True)
    return [instance.bundles[b][1] if b >= 0 else instance.devices.names[d] for b, d in pairs]


def list_contracts(instance: Instance) -> list[Outage]:
    """Return the elements that are contracted one by one.

    Returns:
        Each bundle of a region, each stream outside bundles, each smelter's feed, and each market offer.
    """
    streams = instance.streams
    pairs = list(zip(streams.names, streams.bundle.tolist(), strict=True))
    bundled = {name: "@".join(reversed(instance.bundles[bundle])) for name, bundle in pairs if bundle >= 0}
    return [
        *_make_outage_by_group("bundle", "bundles", list(bundled.values()), list(bundled)),
        *_make_outage_by_name("stream", "streams", [name for name in streams.names if name not in bundled]),
        *_make_outage_by_name("smelter", "smelters", instance.smelters.names),
        *_make_outage_by_name("offer", "market", instance.market.names),
    ]


def _select_outages(instance: Instance, paths: Sequence[str]) -> list[Outage]:
    """Return the outages that `paths` name, such as `smelters.kosaka`; raise UsageError for an unknown path."""
    known = {absence.path: absence for absence in _list_outages(instance)}
    result = []
    for path in paths:
        try:
            absence = known.get(render_path(parse_path(path)))
        except PathError as error:
            raise UsageError(f"{escape_text(path)}: {error}") from error
        if absence is None:
            near = [one for one in known if one.split(".")[0] == path.split(".")[0]] or list(known)
            raise UsageError(
                f"{escape_text(path)}: no supplier, smelter, treatment or offer has this name; there are "
                f"{escape_text(', '.join(near), 400)}"
            )
        result.append(absence)
    return result


def apply_outage(scenario: ScenarioProgram, outage: Outage, periods: Bools, bound: bool = False) -> SolverProgram:
    """Return the program of a scenario without one element in some periods.

    Args:
        scenario: Scenario whose program is changed.
        outage: Element that drops out.
        periods (T,): True for periods of the outage.
        bound: Keep its commitments and the region's participation target; by default they are released with it.

    Returns:
        The program with closed columns, zero supply and, unless `bound`, released lower row bounds.
    """
    program, offset = scenario.program, len(scenario.network.route) + len(scenario.network.stock_stream)
    upper, row_upper = program.upper.copy(), program.row_upper.copy()
    upper[: len(scenario.network.route)][_mark_outage_routes(scenario, outage, periods)] = 0.0
    when = {name for name, gone in zip(scenario.instance.periods, periods, strict=True) if gone}
    if outage.axis == "streams":
        upper[offset : offset + len(scenario.network.take_bundle)][_mark_outage_bundles(scenario, outage, periods)] = (
            0.0
        )
        for row in _find_rows(program, "supply"):
            stream, period = program.rows[row][1]
            if stream in outage.names and period in when:
                row_upper[row] = 0.0
    if outage.axis == "market":
        stocked = {index[0] for place, index in program.places if place == "acquire"}
        bought = [
            program.network + number
            for number, (place, index) in enumerate(program.places)
            if place in ("acquire", "buy") and index[0] in outage.names and index[-1] in when
            if place == "acquire" or index[0] not in stocked
        ]
        upper[bought] = 0.0
    row_lower = program.row_lower if bound else _release_commitments(scenario, outage, periods)
    return dataclasses.replace(program, upper=upper, row_upper=row_upper, row_lower=row_lower)


def _mark_outage_routes(scenario: ScenarioProgram, outage: Outage, periods: Bools) -> Bools:
    """Return the shipment columns (C,) that pass through the element in the periods of the outage."""
    network, routes = scenario.network, scenario.routes
    axes = {"smelters": routes.smelter, "treatments": routes.treatment}
    if outage.axis not in axes:
        return np.zeros(len(network.route), dtype=bool)
    members = np.append(_mark_members(scenario.instance, outage), False)  # last: index -1 of a route without a smelter
    return members[axes[outage.axis][network.route]] & periods[network.period]


def _mark_outage_bundles(scenario: ScenarioProgram, outage: Outage, periods: Bools) -> Bools:
    """Return the columns of bundle shares that belong to the element in the periods of the outage."""
    removed = np.zeros(len(scenario.instance.bundles) + 1, dtype=bool)
    removed[scenario.instance.streams.bundle[_mark_members(scenario.instance, outage)]] = True
    return removed[scenario.network.take_bundle] & periods[scenario.network.take_period]


def _release_commitments(scenario: ScenarioProgram, outage: Outage, periods: Bools) -> Floats:
    """Return the lower row bounds without the element's commitments and its part of the participation targets."""
    program, instance = scenario.program, scenario.instance
    lower = program.row_lower.copy()
    for row in _find_rows(program, _COMMITMENT_ROWS.get(outage.axis, "")):
        if program.rows[row][1] in outage.names:
            lower[row] = -np.inf
    if outage.axis == "streams":
        members = _mark_members(instance, outage)
        for row in _find_rows(program, "participation"):
            region = instance.streams.region == instance.regions.index(str(program.rows[row][1]))
            removed = np.outer(members[region], periods)
            offers = np.where(removed, 0.0, instance.streams.available.value[region])  # exact: no subtraction
            lower[row] = float(instance.policy.participation.value) * float(offers.sum())
    return lower


def _find_rows(program: SolverProgram, rule: str) -> Iterator[int]:
    """Yield the numbers of the rows of one constraint family."""
    return (number for number, (name, _) in enumerate(program.rows) if name == rule)


def _mark_members(instance: Instance, outage: Outage) -> Bools:
    """Return the members of the element along its axis, as booleans."""
    names: tuple[str, ...] = getattr(instance, outage.axis).names
    return np.array([name in outage.names for name in names], dtype=bool)


def _make_outage_by_name(kind: str, axis: str, names: Sequence[str]) -> Iterator[Outage]:
    """Yield one outage for each name."""
    for name in names:
        yield Outage(kind, name, render_path((axis, name)), axis, frozenset({name}))


def _make_outage_by_group(kind: str, section: str, labels: Sequence[str], streams: Sequence[str]) -> Iterator[Outage]:
    """Yield one outage for each label, with all streams that carry it."""
    for name in sorted(set(labels)):
        names = frozenset(stream for label, stream in zip(labels, streams, strict=True) if label == name)
        yield Outage(kind, name, render_path((section, name)), "streams", names)


@dataclass(frozen=True)
class OutageLoss:
    """Effect of one outage: `extra` objective, infinite if infeasible.

    If infeasible, `shortage` is the least external metal in kg (None if no metal restores feasibility) and `share` the
    largest missing fraction of a metal's minimum charge. If not `proven`, `extra` is 0 and has no meaning.
    """

    kind: str
    name: str
    path: str
    extra: float
    shortage: MetalShortage | None
    share: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """Return whether a plan without the element exists; false also if that is not proven."""
        return self.proven and self.extra < np.inf


@dataclass(frozen=True)
class OutageLosses:
    """All outages, most severe first; `value` is the base-case objective, `start` the first period without."""

    value: float
    unit: str
    start: str
    whole: bool  # outages last the whole horizon
    losses: tuple[OutageLoss, ...]
    titles: dict[str, str]  # of metals
    premium: RecyclingPremium | None
    in_lots: bool = False  # lots and charges count


def evaluate_outages(
    runner: ScenarioRunner,
    paths: Sequence[str] = (),
    start: str | None = None,
    report_progress: StepCallback = lambda activity: None,
) -> OutageLosses:
    """Solve the instance without each element in turn.

    Args:
        paths: Paths of elements, such as `smelters.kosaka`; empty for all elements.
        start: First period of the outage; None for the whole horizon.

    Returns:
        The outages sorted by severity, and the premium over buying if the objective is cost.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If a path or period is unknown.
    """
    instance = runner.instance
    first = 0 if start is None else find_period(instance, start, "--from")
    outages = _select_outages(instance, paths) if paths else _list_outages(instance)
    base, in_lots = runner.base_in_lots or runner.base, runner.base_in_lots is not None
    result = runner.lots_result if in_lots else solve_base_case(runner)
    periods = np.arange(len(instance.periods)) >= first
    shortage = ShortageSolver(instance)
    losses = []
    for number, outage in enumerate(outages):
        report_progress(f"without {outage.name} ({number + 1} of {len(outages)})")
        loss = solve_or_none(partial(_evaluate_outage, runner, base, shortage, outage, periods, result))
        losses.append(loss or OutageLoss(outage.kind, outage.name, outage.path, 0.0, None, 0.0, proven=False))
    losses.sort(key=lambda loss: (not loss.proven, -loss.share, -loss.extra, loss.path))
    return OutageLosses(
        value=result.value,
        unit=runner.unit,
        start=instance.periods[first],
        whole=first == 0,
        losses=tuple(losses),
        titles=get_metal_titles(runner),
        premium=solve_or_none(partial(compute_premium, runner)) if runner.objective == "cost" else None,
        in_lots=in_lots,
    )


def _evaluate_outage(
    runner: ScenarioRunner,
    base: ScenarioProgram,
    shortage: ShortageSolver,
    outage: Outage,
    periods: Bools,
    outcome: VerifiedResult,
) -> OutageLoss:
    """Solve one outage: first for metal shortage, which shows infeasibility sooner, then for the extra objective."""
    short = shortage.compute_shortage(apply_outage(shortage.scenario, outage, periods))
    if short == {}:
        program = apply_outage(base, outage, periods)
        in_lots = base is not runner.base
        result = (
            solve_program_in_lots(program, TimeBudget(MAX_LOT_SECONDS)) if in_lots else runner.solve_program(program)
        )
        if result.feasible:
            extra = compute_objective_increase(result.value, outcome, base.program)
            return OutageLoss(outage.kind, outage.name, outage.path, extra, None, 0.0)
        if in_lots or has_confidence(runner.instance):
            short = None  # enough metal, but not in whole lots; or in expectation, but not for the promise
    return OutageLoss(outage.kind, outage.name, outage.path, np.inf, short, shortage.weigh(short))


def find_period(instance: Instance, text: str, option: str) -> int:
    """Find the period that contains a month.

    Args:
        text: Month or number of a period.
        option: Option of the command line, for the message.

    Returns:
        Index of the period.

    Raises:
        UsageError: There is no such period.
    """
    start = None if instance.periods[0].isdecimal() else instance.periods[0]
    calendar = Calendar(start, len(instance.periods), instance.period_length)
    index = calendar.find_period(text)
    if index is None:
        raise UsageError(f"{option} {calendar.describe_unknown(text)}")
    return index
