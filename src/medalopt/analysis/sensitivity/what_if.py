"""What-if analyses: outages of one element after the other, delays with contract deadlines, and named scenarios.

An outage or delay costs money, or metal is short. For an outage the program is not rebuilt: upper bounds of the columns
concerned, and right-hand sides of supply, become 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.base_case import (
    BaseCase,
    MetalShortage,
    RecyclingPremium,
    ShortageSolver,
    StepCallback,
    compute_premium,
    get_metal_titles,
    solve_or_none,
)
from medalopt.errors import NoPlanError, SolverError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Bools, ExactArray, Floats
from medalopt.instance.input_table import make_calendar
from medalopt.instance.instance import Instance
from medalopt.instance.loading import NO_CHANGES
from medalopt.instance.lot_relaxation import drop_lot_constraints
from medalopt.instance.scenario import Scenario
from medalopt.instance.uncertainty import has_confidence
from medalopt.solve_instance import solve
from medalopt.text import PathError, escape_text, parse_path, render_path
from medalopt.tolerances import VALUE_TOLERANCE

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
    streams, bundles = instance.streams, instance.bundles
    regions = [instance.regions[region] for region in streams.region.tolist()]
    pairs = zip(streams.bundle.tolist(), streams.device.tolist(), strict=True)
    channels = [bundles[b][1] if b >= 0 else instance.devices.names[d] for b, d in pairs]
    return [
        *_make_outages("smelter", "smelters", instance.smelters.names),
        *_make_outages("treatment", "treatments", instance.treatments.list_whole()),
        *_make_outages("region", "regions", regions, streams.names),
        *_make_outages("channel", "channels", channels, streams.names),
        *_make_outages("offer", "market", instance.market.names),
    ]


def list_contracts(instance: Instance) -> list[Outage]:
    """Return the elements that are contracted one by one.

    Returns:
        Each bundle of a region, each stream outside bundles, each smelter's feed, and each market offer.
    """
    streams = instance.streams
    pairs = list(zip(streams.names, streams.bundle.tolist(), strict=True))
    bundled = {name: "@".join(reversed(instance.bundles[bundle])) for name, bundle in pairs if bundle >= 0}
    return [
        *_make_outages("bundle", "bundles", list(bundled.values()), list(bundled)),
        *_make_outages("stream", "streams", [name for name in streams.names if name not in bundled]),
        *_make_outages("smelter", "smelters", instance.smelters.names),
        *_make_outages("offer", "market", instance.market.names),
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


def apply_outage(scenario: ScenarioProgram, outage: Outage, periods: Bools, bound: bool = False) -> ScenarioProgram:
    """Return a scenario without one element in some periods.

    Args:
        scenario: Scenario whose program is changed.
        outage: Element that drops out.
        periods (T,): True for periods of the outage.
        bound: Keep its commitments and the region's participation target; by default they are released with it.

    Returns:
        The scenario with closed columns, zero supply and, unless `bound`, released lower row bounds.
    """
    instance, program, network, routes = scenario.instance, scenario.program, scenario.network, scenario.routes
    upper, row_upper, offset = program.upper.copy(), program.row_upper.copy(), len(network.route)
    when = {name for name, gone in zip(instance.periods, periods, strict=True) if gone}
    if outage.axis in ("smelters", "treatments"):
        members = np.append(_mark_members(instance, outage), False)  # last: index -1 of a route without a smelter
        passes = routes.smelter if outage.axis == "smelters" else routes.treatment
        upper[:offset][members[passes[network.route]] & periods[network.period]] = 0.0
    if outage.axis == "streams":
        removed = np.zeros(len(instance.bundles) + 1, dtype=bool)
        removed[instance.streams.bundle[_mark_members(instance, outage)]] = True
        taken = offset + len(network.stock_stream) + np.arange(len(network.take_bundle))
        upper[taken[removed[network.take_bundle] & periods[network.take_period]]] = 0.0
        for row, (name, index) in enumerate(program.rows):
            if name == "supply" and index[0] in outage.names and index[1] in when:
                row_upper[row] = 0.0
    if outage.axis == "market":
        stocked = {index[0] for place, index in program.places if place == "acquire"}
        for column, (place, index) in enumerate(program.places, start=program.network):
            purchase = place == "acquire" or (place == "buy" and index[0] not in stocked)
            if purchase and index[0] in outage.names and index[-1] in when:
                upper[column] = 0.0
    row_lower = program.row_lower if bound else _release_commitments(scenario, outage, periods)
    closed = dataclasses.replace(program, upper=upper, row_upper=row_upper, row_lower=row_lower)
    return dataclasses.replace(scenario, program=closed)


def _release_commitments(scenario: ScenarioProgram, outage: Outage, periods: Bools) -> Floats:
    """Return the lower row bounds without the element's commitments and its part of the participation targets."""
    program, instance = scenario.program, scenario.instance
    lower, members = program.row_lower.copy(), _mark_members(instance, outage)
    for row, (name, index) in enumerate(program.rows):
        if name == _COMMITMENT_ROWS.get(outage.axis) and index in outage.names:
            lower[row] = -np.inf
        if name == "participation" and outage.axis == "streams":
            region = instance.streams.region == instance.regions.index(str(index))
            removed = np.outer(members[region], periods)
            offers = np.where(removed, 0.0, instance.streams.available.value[region])  # exact: no subtraction
            lower[row] = float(instance.policy.participation.value) * float(offers.sum())
    return lower


def _mark_members(instance: Instance, outage: Outage) -> Bools:
    """Return the members of the element along its axis, as booleans."""
    names: tuple[str, ...] = getattr(instance, outage.axis).names
    return np.array([name in outage.names for name in names], dtype=bool)


def _make_outages(
    kind: str, section: str, labels: Sequence[str], streams: Sequence[str] | None = None
) -> Iterator[Outage]:
    """Yield one outage for each name, or for each label with all streams that carry it."""
    if streams is None:
        yield from (Outage(kind, one, render_path((section, one)), section, frozenset({one})) for one in labels)
        return
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
    base, shortage = BaseCase(runner), ShortageSolver(instance)
    value, periods = base.result.value, np.arange(len(instance.periods)) >= first
    losses = []
    for number, outage in enumerate(outages):
        report_progress(f"without {outage.name} ({number + 1} of {len(outages)})")
        loss = solve_or_none(partial(_evaluate_outage, base, shortage, outage, periods))
        losses.append(loss or OutageLoss(outage.kind, outage.name, outage.path, 0.0, None, 0.0, proven=False))
    losses.sort(key=lambda loss: (not loss.proven, -loss.share, -loss.extra, loss.path))
    return OutageLosses(
        value=value,
        unit=runner.unit,
        start=instance.periods[first],
        whole=first == 0,
        losses=tuple(losses),
        titles=get_metal_titles(runner),
        premium=solve_or_none(partial(compute_premium, runner)) if runner.objective == "cost" else None,
        in_lots=base.in_lots,
    )


def _evaluate_outage(base: BaseCase, shortage: ShortageSolver, outage: Outage, periods: Bools) -> OutageLoss:
    """Solve one outage: first for metal shortage, which shows infeasibility sooner, then for the extra objective."""
    short = shortage.compute_shortage(apply_outage(shortage.scenario, outage, periods).program)
    if short == {}:
        result = base.solve(apply_outage(base.scenario, outage, periods))
        if result.feasible:
            extra = base.compute_increase(result.value)
            return OutageLoss(outage.kind, outage.name, outage.path, extra, None, 0.0)
        if base.in_lots or has_confidence(base.scenario.instance):
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
    calendar = make_calendar(instance)
    index = calendar.find_period(text)
    if index is None:
        raise UsageError(f"{option} {calendar.describe_unknown(text)}")
    return index


@dataclass(frozen=True)
class ContractDeadline:
    """Signing deadline of a contract: supply of a bundle or stream, a smelter's feed, or an offer.

    `last` is the last period in which it can be signed at no extra cost (None if it is never needed), `first` the
    period of its first use in the plan, `extra` the increase of the objective if it is signed one period after `last`
    (infinite if infeasible). If not `proven`, `last` and `extra` have no meaning.
    """

    kind: str
    name: str
    path: str
    first: str | None
    last: str | None
    extra: float
    proven: bool = True


def _find_deadlines(base: BaseCase, instance: Instance, report_progress: StepCallback) -> tuple[ContractDeadline, ...]:
    """Return all contract deadlines, earliest first; a contract is usable from the period of its signature on.

    With lots, each step of a search is a search of its own.
    """
    every, result, account = list_contracts(instance), [], base.account
    for number, contract in enumerate(every):
        report_progress(f"signing {contract.name} later ({number + 1} of {len(every)})")
        blank = ContractDeadline(contract.kind, contract.name, contract.path, None, None, 0.0)
        deadline = solve_or_none(partial(_find_contract_deadline, base, contract, account, blank))
        result.append(deadline or dataclasses.replace(blank, proven=False))
    periods = {name: number for number, name in enumerate(instance.periods)}
    return tuple(sorted(result, key=lambda one: (periods.get(one.last or "", len(periods)), -one.extra, one.path)))


def _find_contract_deadline(
    base: BaseCase, contract: Outage, account: PlanAccount, blank: ContractDeadline
) -> ContractDeadline:
    """Search the last period of free signing, from the first use on: doubling steps, then bisection."""
    names = base.scenario.instance.periods
    used = np.flatnonzero(_mark_usage_periods(account, contract))
    if not len(used):
        return blank
    first, periods = int(used[0]), np.arange(len(names))
    values: dict[int, float] = {}

    def free(index: int) -> bool:
        """Return whether the contract can be missing before a period at no extra cost."""
        values[index] = base.solve(apply_outage(base.scenario, contract, periods < index, bound=True)).value
        return values[index] <= base.result.value + base.tolerance

    low, high = first, first + 1
    while high < len(periods) and free(high):
        low, high = high, min(2 * high - first, len(periods))
    if high == len(periods) and high not in values and free(high):
        return dataclasses.replace(blank, first=names[first])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if free(middle) else (low, middle)
    return dataclasses.replace(blank, first=names[first], last=names[low], extra=values[high] - base.result.value)


def _mark_usage_periods(account: PlanAccount, contract: Outage) -> Bools:
    """Return the periods (T,) in which the plan uses the contract."""
    instance = account.instance
    if contract.axis == "smelters":
        amounts = account.feed[[instance.smelters.names.index(name) for name in contract.names]]
    elif contract.axis == "market":
        amounts = account.purchases[[instance.market.names.index(name) for name in contract.names]]
    else:
        amounts = account.taken[[instance.streams.names.index(name) for name in contract.names]]
    return np.asarray((amounts > 0).any(axis=0))


@dataclass(frozen=True)
class DelayEffect:
    """Effect of one delay: `extra` objective, infinite if infeasible; `shortage` is then the missing metal in kg.

    `lost`: tonnes of supply shifted beyond the horizon. If not `proven`, `extra` is infinite and has no meaning.
    """

    what: str  # kind of delay: leads, supply, both
    extra: float
    shortage: MetalShortage | None
    lost: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists."""
        return self.extra < np.inf


@dataclass(frozen=True)
class DelayAnalysis:
    """Effects of delays by `periods` periods, and the signing deadline of each contract."""

    periods: int
    value: float
    unit: str
    effects: tuple[DelayEffect, ...]
    deadlines: tuple[ContractDeadline, ...]
    titles: dict[str, str]  # of metals
    in_lots: bool = False  # lots and charges count


def evaluate_delays(
    runner: ScenarioRunner, periods: int, report_progress: StepCallback = lambda activity: None
) -> DelayAnalysis:
    """Solve the instance with late returns, late supply and both, and find the signing deadlines.

    Args:
        periods: Length of the delay in periods, 0 or more.

    Returns:
        Three delay effects and all contract deadlines.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If `periods` is negative.
    """
    if periods < 0:
        raise UsageError(f"--delay {periods}: a delay is a whole number of periods, 0 or more")
    base, instance = BaseCase(runner), runner.instance
    value, late = base.result.value, []
    for what, back, supply in (("leads", periods, 0), ("supply", 0, periods), ("both", periods, periods)):
        report_progress(f"{what} {periods} later")
        lost = instance.streams.available.value[:, max(0, len(instance.periods) - supply) :] if supply else np.zeros(0)
        blank = DelayEffect(what, np.inf, None, float(lost.sum()), proven=False)
        late_instance = delay_instance(base.scenario.instance, back, supply)
        late.append(solve_or_none(partial(_evaluate_delay, base, late_instance, runner.objective, blank)) or blank)
    return DelayAnalysis(
        periods=periods,
        value=value,
        unit=runner.unit,
        effects=tuple(late),
        deadlines=_find_deadlines(base, instance, report_progress),
        titles=get_metal_titles(runner),
        in_lots=base.in_lots,
    )


def _evaluate_delay(base: BaseCase, instance: Instance, objective: str, blank: DelayEffect) -> DelayEffect:
    """Return `blank` with the result of the delayed `instance`; raise SolverError if it is not verified."""
    result = base.solve(ScenarioProgram.build(instance, objective))
    short = None if result.feasible else ShortageSolver(drop_lot_constraints(instance)).compute_shortage() or None
    return dataclasses.replace(blank, extra=base.compute_increase(result.value), shortage=short, proven=True)


def delay_instance(instance: Instance, back: int, supply: int) -> Instance:
    """Return the instance with returns and supply shifted to later periods; supply beyond the horizon is dropped.

    Args:
        instance: Instance without the delay.
        back: Periods added to every smelter's lead time.
        supply: Periods by which all available tonnes are shifted.

    Returns:
        The delayed instance.
    """
    smelters, streams = instance.smelters, instance.streams
    available = streams.available
    unit = np.broadcast_to(available.unit, available.shape)
    return dataclasses.replace(
        instance,
        smelters=dataclasses.replace(smelters, lead=smelters.lead + back),
        streams=dataclasses.replace(
            streams,
            available=ExactArray(
                _shift_columns(available.raw, supply), _shift_columns(unit, supply), available.factors
            ),
        ),
    )


def _shift_columns(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], by: int) -> np.ndarray:
    """Return an array (I, T) with its columns shifted `by` periods and zeros before."""
    shifted = np.zeros_like(array)
    remaining = array.shape[1] - by
    if remaining > 0:
        shifted[:, by:] = array[:, :remaining]
    return shifted


@dataclass(frozen=True)
class NamedScenarioResult:
    """Result of one scenario: its `changes` as written in the file, and its plan compared with the base case.

    If infeasible, `value`, `extra`, `footprint` and `tonnes` are infinite and `shortage` gives the missing metal in kg;
    if
    no verified result exists, `fault` gives the reason.
    """

    name: str
    changes: Mapping[str, str]
    value: float
    extra: float
    footprint: float  # kg CO2e
    tonnes: float  # t of devices collected
    shortage: MetalShortage | None
    note: str = ""
    fault: str = ""

    @property
    def status(self) -> str:
        """Status of the scenario: `optimal`, `infeasible`, or `unanswered`."""
        return "optimal" if self.feasible else "unanswered" if self.fault else "infeasible"

    @property
    def feasible(self) -> bool:
        """Return whether a plan exists."""
        return self.value < np.inf


@dataclass(frozen=True)
class ScenarioComparison:
    """The base case and all named scenarios, in the order of the instance."""

    base: NamedScenarioResult
    scenarios: tuple[NamedScenarioResult, ...]
    unit: str
    titles: dict[str, str]  # of metals


def evaluate_scenarios(
    runner: ScenarioRunner, report_progress: StepCallback = lambda activity: None
) -> ScenarioComparison:
    """Solve the named scenarios of the instance.

    Returns:
        Objective, footprint and tonnes of each scenario and of the base case.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If the instance names no scenario.
        InputError: If a change of a scenario is invalid.
    """
    named = runner.named_scenarios()
    if not named:
        raise UsageError(
            f"{runner.instance.name}: has no `scenarios:`; write some, such as "
            'scenarios: {poorer: {"devices.*.content.Ag": 85 %}}'
        )
    in_lots, compared = runner.apply_to_lots(NO_CHANGES), None
    if in_lots is not None:
        plan = solve(in_lots, runner.objective)
        base = NamedScenarioResult("", {}, plan.objective, 0.0, plan.footprint, plan.tonnes, None)
    else:
        compared = BaseCase(runner)
        value, account = compared.result.value, compared.account
        base = NamedScenarioResult("", {}, value, 0.0, float(account.footprint), float(account.tonnes), None)
    notes = {render_path(("scenarios", one.name)): one.name for one in named}
    notes = {notes[source.path]: source.note for source in runner.instance.sources if source.path in notes}
    collected = []
    for one in named:
        report_progress(f"scenario {one.name}")
        try:
            result = _solve_named(runner, one, base, compared)
        except SolverError as error:  # only this row lacks a result
            result = NamedScenarioResult(one.name, one.texts, *_NO_PLAN, None, fault=str(error))
        collected.append(dataclasses.replace(result, note=notes.get(one.name, "")))
    return ScenarioComparison(base, tuple(collected), runner.unit, get_metal_titles(runner))


_NO_PLAN = (np.inf, np.inf, np.inf, np.inf)  # value, extra, footprint, tonnes


def _solve_named(
    runner: ScenarioRunner, scenario: Scenario, base: NamedScenarioResult, compared: BaseCase | None
) -> NamedScenarioResult:
    """Return the result of one scenario; `compared` is a base case without lots. May raise SolverError."""
    name, changes = scenario.name, scenario.texts
    instance = runner.apply_to_lots(changes)
    if instance is not None:
        try:
            plan = solve(instance, runner.objective)
        except NoPlanError:
            short = ShortageSolver(runner.apply_changes(changes)).compute_shortage()
            return NamedScenarioResult(name, changes, *_NO_PLAN, short or None)
        extra = plan.objective - base.value
        extra = 0.0 if abs(extra) <= VALUE_TOLERANCE * max(1.0, abs(base.value)) else extra
        return NamedScenarioResult(name, changes, plan.objective, extra, plan.footprint, plan.tonnes, None)
    built = runner.build_scenario(changes)
    result = runner.solve_scenario(built)
    if not result.feasible:
        return NamedScenarioResult(name, changes, *_NO_PLAN, ShortageSolver(built.instance).compute_shortage())
    made, value = built.compute_account(result), result.value
    extra = value - base.value if compared is None else compared.compute_increase(value)
    return NamedScenarioResult(name, changes, value, extra, float(made.footprint), float(made.tonnes), None)
