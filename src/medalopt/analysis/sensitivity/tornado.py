"""Tornado analysis: every uncertain parameter varied alone, ranked by effect on feasibility and objective.

The main risks of a plan are the few parameters with the largest first-order estimate |p · ∂objective/∂p| from prices
and duals times their uncertainty, varied and solved exactly, and the named scenarios.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.shadow_prices import CostLine, compute_cost_breakdown
from medalopt.analysis.process_pool import ProgressCallback, ScenarioResult, solve_scenarios
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.analysis.sensitivity.base_case import MetalShortage, ShortageSolver, StepCallback, solve_or_none
from medalopt.analysis.sensitivity.uncertain_parameters import ParameterGroup, find_parameter_groups
from medalopt.analysis.sourcing.orders import compute_revenue_of_left
from medalopt.errors import SolverError
from medalopt.instance.arrays import Bools, Floats
from medalopt.instance.bounds import compute_casting_holding_cost
from medalopt.instance.instance import Instance
from medalopt.instance.loading import NO_CHANGES
from medalopt.instance.lots import compute_purchase_costs
from medalopt.instance.routes import compute_fraction_amounts, sum_over_routes
from medalopt.instance.smelter_terms import read_at_credit
from medalopt.proof.prices import value_credited_metal
from medalopt.text import ParameterPath, parse_path, render_path

if TYPE_CHECKING:
    from medalopt.analysis.result_cache import ResultCache

MAX_MEASURED_SHORTAGES = 40  # maximum number of bars with a metal shortage


@dataclass(frozen=True)
class TornadoEnd:
    """One parameter group scaled by `factor`; `capped_count` of its parameters are capped at their upper limit.

    If infeasible, `shortage` is the least external metal in kg (None if no metal restores feasibility); it is
    determined
    for the first bars only, `measured`.
    """

    factor: float
    capped_count: int
    result: ScenarioResult
    shortage: MetalShortage | None = None
    measured: bool = False


@dataclass(frozen=True)
class TornadoBar:
    """One parameter group varied in both directions."""

    factor: ParameterGroup
    down: TornadoEnd
    up: TornadoEnd

    @property
    def ends(self) -> tuple[TornadoEnd, TornadoEnd]:
        """Both ends of the bar: decrease, increase."""
        return self.down, self.up

    def count_status_changes(self, base: ScenarioResult) -> int:
        """Count the ends at which feasibility changes.

        Returns:
            0, 1 or 2.
        """
        return sum(
            end.result.status in ("optimal", "infeasible") and end.result.status != base.status for end in self.ends
        )

    def compute_swing(self, base: ScenarioResult) -> float:
        """Return the larger absolute change of the objective.

        Returns:
            The change in the unit of the objective, 0 where infeasible.
        """
        return max(abs(end.result.compute_effect(base) or 0.0) for end in self.ends)

    def is_idle(self, base: ScenarioResult) -> bool:
        """Check if the parameter has no effect in either direction.

        Returns:
            True if neither feasibility nor objective changes.
        """
        return not self.count_status_changes(base) and all(
            end.result.compute_effect(base) == 0.0 or end.result.status == base.status == "infeasible"
            for end in self.ends
        )


@dataclass(frozen=True)
class Tornado:
    """All bars, the largest effect first; `parameter_count` exceeds the number of bars if interrupted."""

    base: ScenarioResult
    bars: tuple[TornadoBar, ...]
    parameter_count: int
    interrupted: bool = False


def compute_tornado(
    runner: ScenarioRunner,
    jobs: int | None = None,
    cache: ResultCache | None = None,
    report_progress: ProgressCallback = lambda done, of: None,
) -> Tornado:
    """Vary every parameter by its coefficient of variation, or by 10 % if the instance gives none.

    Bars that change feasibility rank first, by smallest step; the others follow by largest change of the objective.

    Args:
        jobs: Number of processes; None for the default.

    Returns:
        Base case and ranked bars.
    """
    moved = find_parameter_groups(runner)
    ends = _list_ends(moved)
    scenarios = [NO_CHANGES, *(group.make_changes(by) for group, by in ends)]
    results = solve_scenarios(runner, scenarios, jobs, cache, report_progress)
    base, found = results.results[0], results.results[1:]
    if base is None:
        raise KeyboardInterrupt
    bars = list(_rank_bars(ends, found, base))
    if not results.interrupted:
        shortage = ShortageSolver(runner.instance)
        bars[:MAX_MEASURED_SHORTAGES] = [
            _measure_shortages(runner, shortage, bar, base) for bar in bars[:MAX_MEASURED_SHORTAGES]
        ]
    return Tornado(base, tuple(bars), len(moved), results.interrupted)


def _list_ends(groups: Sequence[ParameterGroup]) -> list[tuple[ParameterGroup, float]]:
    """Return each group with its factor at the decrease, then at the increase."""
    return [(group, by) for group in groups for by in (max(1 - group.relative_step, 0.0), 1 + group.relative_step)]


def _rank_bars(
    ends: Sequence[tuple[ParameterGroup, float]], results: Sequence[ScenarioResult | None], base: ScenarioResult
) -> tuple[TornadoBar, ...]:
    """Return the bars solved at both ends: those that change feasibility first, by smallest step, then by change."""
    solved = [
        None if result is None else TornadoEnd(by, group.count_capped(by), result)
        for (group, by), result in zip(ends, results, strict=True)
    ]
    pairs = zip(ends[::2], solved[::2], solved[1::2], strict=True)
    bars = [TornadoBar(group, down, up) for (group, _), down, up in pairs if down is not None and up is not None]

    def rank(bar: TornadoBar) -> tuple[bool, float, float]:
        """Return the sort key of a bar."""
        turns = bar.count_status_changes(base)
        return not turns, bar.factor.relative_step if turns else 0.0, -bar.compute_swing(base)

    return tuple(sorted(bars, key=rank))


def _measure_shortages(
    runner: ScenarioRunner, shortage: ShortageSolver, bar: TornadoBar, base: ScenarioResult
) -> TornadoBar:
    """Return `bar` with the metal shortage at ends that become infeasible."""

    def measured(end: TornadoEnd) -> TornadoEnd:
        """Return an end with its metal shortage, if it is infeasible and the base case is not."""
        if end.result.status != "infeasible" or not base.feasible:
            return end
        changed = runner.apply_changes(bar.factor.make_changes(end.factor))
        try:
            missing = shortage.compute_for_instance(changed)
        except SolverError:  # infeasibility is proven, the shortage is not
            return end
        if missing == {} and runner.in_lots:  # feasible but for whole lots
            missing = None
        return dataclasses.replace(end, shortage=missing, measured=True)

    return TornadoBar(bar.factor, measured(bar.down), measured(bar.up))


_ROUTE_RATES = {
    ("treatments", "cost"): "treating",
    ("treatments", "residue_value"): "residue",
    ("treatments", "to_smelter"): "smelting",
    ("treatments", "fractions.share"): "smelting",
    ("treatments", "fractions.sold"): "sales",
    ("smelters", "treatment_charge"): "smelting",
    ("streams", "price"): "supply",
    ("streams", "collection"): "collection",
    ("lanes", "distance"): "transport",
    ("lanes", "cost"): "transport",
}


class FirstOrderEstimates:
    """First-order value of every kind of parameter at the plan of `neighbourhood`, in money.

    Args:
        neighbourhood: Neighbourhood of an optimal plan, with its prices.
    """

    def __init__(self, neighbourhood: PlanNeighbourhood) -> None:
        self._neighbourhood = neighbourhood
        self._instance: Instance = neighbourhood.instance

    def estimate(self, path: ParameterPath, of: str = "") -> float:
        """Estimate the value of the parameters at a path.

        Args:
            path: Path, which may contain `*`.
            of: Restriction to one device, region or smelter, such as `device phone`.

        Returns:
            Absolute value, money; 0 if no estimate is known.
        """
        section, field = str(path[0]), _get_field_name(path)
        routes = self._select_routes(path, of)
        if (section, field) in _ROUTE_RATES:
            return abs(
                float(
                    sum_over_routes(
                        getattr(self._neighbourhood.account.routes, _ROUTE_RATES[section, field]),
                        self._select_tonnes(routes),
                    ).sum()
                )
            )
        makers: Mapping[tuple[str, str], Callable[[], float]] = {
            ("transport_rate", ""): lambda: self._sum_cost("transport"),
            ("devices", "content"): lambda: self._value_returned(routes, str(path[3])),
            ("treatments", "recovery"): lambda: self._value_returned(routes, _get_metal_name(path)),
            ("smelters", "returned"): lambda: self._value_returned(routes, _get_metal_name(path)),
            ("streams", "credited"): lambda: self._value_returned(routes, ""),
            ("smelters", "refining_charge"): lambda: self._sum_refining(routes),
            ("market", "price"): lambda: self._sum_purchases(str(path[1])),
            ("streams", "storage"): lambda: self._sum_cost("storage"),
            ("metals", "sell"): self._sum_metal_sold,
            ("smelters", "pays"): lambda: self._sum_revenue_of_left(str(path[1])),
            ("metals", "holding"): lambda: self._sum_cost("holding"),
            ("medals", "shortfall"): lambda: self._sum_cost("shortfall"),
            ("alloys", "holding"): lambda: self._sum_holding(str(path[1])),
            ("alloys", "scrap"): lambda: self._value_scrap(str(path[1])),
            ("alloys", "loss"): lambda: self._value_losses(str(path[1])),
        }
        made = makers.get((section, field))
        return made() if made else self._find_in_breakdown(path, of)

    def _sum_cost(self, kind: str) -> float:
        """Return the total of one kind of cost, money."""
        return abs(float(self._neighbourhood.account.costs[kind].sum()))

    def _sum_metal_sold(self) -> float:
        """Return the revenue for surplus metal, money."""
        account, total = self._neighbourhood.account, self._sum_cost("sales")
        return total if account.routes.parent is None else total - compute_fraction_amounts(account)[1].sum()

    def _select_tonnes(self, routes: Bools) -> Floats:
        """Return the tonnes sent (J, T) on the marked routes, 0 on all others."""
        return np.where(routes[:, None], self._neighbourhood.account.decisions.sent, 0.0)

    def _select_routes(self, path: ParameterPath, of: str) -> Bools:
        """Return the routes (J,) to which the parameters at `path` apply."""
        routes, instance, section = self._neighbourhood.account.routes, self._instance, str(path[0])
        kind, _, name = of.partition(" ")
        axes = {
            "devices": (instance.devices.names, instance.streams.device[routes.stream]),
            "device": (instance.devices.names, instance.streams.device[routes.stream]),
            "region": (instance.regions, instance.streams.region[routes.stream]),
            "treatments": (instance.treatments.names, instance.treatments.owner[routes.treatment]),
            "smelters": (instance.smelters.names, routes.smelter),
            "smelter": (instance.smelters.names, routes.smelter),
            "streams": (instance.streams.names, routes.stream),
        }
        names, numbers = axes.get(kind if of else section, ((), routes.stream))
        wanted = name if of else str(path[1]) if len(path) > 1 else ""
        if section == "lanes" and not of:
            region, _, smelter = wanted.rpartition("@")
            return self._select_by_member(region, axes["region"]) & self._select_by_member(smelter, axes["smelter"])
        return self._select_by_member(wanted, (names, numbers))

    def _select_by_member(
        self, name: str, axis: tuple[tuple[str, ...], np.ndarray[tuple[int], np.dtype[np.intp]]]
    ) -> Bools:
        """Return the routes (J,) that belong to the named member of an axis."""
        names, numbers = axis
        return np.asarray(numbers == names.index(name)) if name in names else np.zeros(len(numbers), dtype=bool)

    @cached_property
    def _returned_values(self) -> Floats:
        """Value of the metals returned by each route at the dual prices, net of refining charges, (J, E) money."""
        routes, instance = self._neighbourhood.account.routes, self._instance
        sent, periods = self._neighbourhood.account.decisions.sent, len(instance.periods)
        worth = np.zeros((len(routes), len(instance.metals.names)))
        travels = np.flatnonzero(routes.smelter >= 0)
        prices = self._neighbourhood.prices.replace(balance=self._neighbourhood.metal_prices)
        for e in range(worth.shape[1]):
            back = np.arange(periods)[None, :] + instance.smelters.lead[routes.smelter[travels], e][:, None]
            each = value_credited_metal(instance, routes, prices, travels, e, back)
            lead = instance.smelters.lead[routes.smelter[travels], e]
            due = read_at_credit(routes.refining[travels, e], lead, periods)
            net = routes.returned[travels, e][:, None] * each - due
            settled = self._neighbourhood.account.compute_settled_share(travels, e) * sent[travels]
            worth[travels, e] = np.where(back < periods, net * settled, 0.0).sum(axis=1)
        return worth

    def _value_returned(self, routes: Bools, metal: str) -> float:
        """Return the value returned by the marked routes, of one metal or of all."""
        names = self._instance.metals.names
        worth = self._returned_values[routes]
        return abs(float((worth[:, names.index(metal)] if metal in names else worth).sum()))

    def _sum_refining(self, routes: Bools) -> float:
        """Return the refining charges of the marked routes."""
        refining, tonnes = self._neighbourhood.account.routes.refining, self._select_tonnes(routes)
        return abs(float((refining.mean(axis=2) * tonnes.sum(axis=1)[:, None]).sum()))

    def _sum_revenue_of_left(self, smelter: str) -> float:
        """Return the revenue from a smelter for metal left with it."""
        paid = compute_revenue_of_left(self._neighbourhood.account)
        return float(paid[self._instance.smelters.names.index(smelter)].sum()) if len(paid) else 0.0

    def _sum_purchases(self, offer: str) -> float:
        """Return the purchase cost of an offer."""
        index = self._instance.market.names.index(offer)
        return float(compute_purchase_costs(self._neighbourhood.account)[index].sum())

    def _sum_holding(self, alloy: str) -> float:
        """Return the holding cost of castings of an alloy."""
        index = self._instance.alloys.names.index(alloy)
        stock = self._neighbourhood.account.cast_stock[index]
        return abs(float(compute_casting_holding_cost(self._instance)[index] @ stock))

    def _value_losses(self, alloy: str) -> float:
        """Return the value of the charge lost in melting: its value times loss / (1 − loss)."""
        loss = float(self._instance.alloys.loss.value[self._instance.alloys.names.index(alloy)])
        return self._value_cast(alloy) * loss / (1 - loss)

    def _value_scrap(self, alloy: str) -> float:
        """Return the value of the alloy that becomes process scrap."""
        share = float(self._instance.alloys.scrap_share.value[self._instance.alloys.names.index(alloy)])
        return self._value_cast(alloy) * share / (1 - share)

    def _value_cast(self, alloy: str) -> float:
        """Return the marginal value of an alloy times the quantity cast."""
        index = self._instance.alloys.names.index(alloy)
        return abs(float(self._neighbourhood.prices.melt[index] @ self._neighbourhood.account.cast[index]))

    @cached_property
    def _breakdown_lines(self) -> tuple[tuple[ParameterPath, CostLine], ...]:
        """Lines of the cost breakdown by shadow price, with parsed paths."""
        return tuple((parse_path(line.path), line) for line in compute_cost_breakdown(self._neighbourhood))

    def _find_in_breakdown(self, path: ParameterPath, of: str) -> float:
        """Return the value at `path` in the cost breakdown by shadow price: supply, capacities, limits, stock."""
        if of or "*" in path:
            streams, (kind, _, name) = self._instance.streams, of.partition(" ")
            axis = self._instance.devices.names if kind == "device" else self._instance.regions
            member = streams.device if kind == "device" else streams.region
            listed = {
                render_path(("streams", streams.names[i]))
                for i in np.flatnonzero(member == (axis.index(name) if name in axis else -1)).tolist()
            }
            return abs(sum(line.value for at, line in self._breakdown_lines if render_path(at[:2]) in listed))
        return abs(sum(line.value for at, line in self._breakdown_lines if at[:2] == path[:2]))


def _get_field_name(path: ParameterPath) -> str:
    """Return the field name of a path, '' if it has none."""
    if path[2:3] == ("fractions",):
        return f"fractions.{path[-1]}"
    return str(path[2]) if len(path) > 2 else ""


def _get_metal_name(path: ParameterPath) -> str:
    """Return the metal of a path, '' if it has none."""
    return str(path[3]) if len(path) > 3 else ""


MAX_MOVED_PARAMETERS, MAX_REPORTED_PARAMETERS = 6, 3  # number of parameters varied, and reported
_DECIDED_SECTIONS = ("medals", "policy")  # sections that are decided, not uncertain


@dataclass(frozen=True)
class ScenarioRisk:
    """Result of a named scenario: its changes as written, and the increase of the objective over the plan.

    `more` is None if infeasible; `shortage` is then the missing metal in kg, None if no metal restores feasibility.
    """

    name: str
    changes: Mapping[str, str]
    result: ScenarioResult
    more: float | None
    shortage: MetalShortage | None = None


@dataclass(frozen=True)
class PlanRisks:
    """Bars of the parameters with the largest effect (`varied_count` of `parameter_count`), and the named scenarios."""

    base: ScenarioResult
    bars: tuple[TornadoBar, ...]
    varied_count: int
    parameter_count: int
    cases: tuple[ScenarioRisk, ...]


def analyse_risks(
    runner: ScenarioRunner, neighbourhood: PlanNeighbourhood, report_progress: StepCallback = lambda activity: None
) -> PlanRisks:
    """Assess the risks of a plan.

    Args:
        neighbourhood: Neighbourhood of the optimal plan.

    Returns:
        Largest bars, and the results of the named scenarios.
    """
    every = [factor for factor in find_parameter_groups(runner) if factor.path[0] not in _DECIDED_SECTIONS]
    estimates = FirstOrderEstimates(neighbourhood)
    weights = {
        number: estimates.estimate(group.path, group.of) * group.relative_step for number, group in enumerate(every)
    }
    chosen = [
        every[n] for n in sorted(weights, key=lambda n: (-weights[n], n))[:MAX_MOVED_PARAMETERS] if weights[n] > 0
    ]
    named = runner.named_scenarios()
    ends = _list_ends(chosen)
    scenarios = [NO_CHANGES, *(group.make_changes(by) for group, by in ends), *(one.texts for one in named)]
    report_progress(f"solving {len(scenarios)} cases that could come")
    solved = [result for result in solve_scenarios(runner, scenarios).results if result is not None]
    if len(solved) < len(scenarios):
        raise KeyboardInterrupt
    base, *results = solved
    bars = _rank_bars(ends, results[: len(ends)], base)[:MAX_REPORTED_PARAMETERS]
    cases = [
        _assess_scenario(runner, one.name, one.texts, result, base)
        for one, result in zip(named, results[len(ends) :], strict=True)
    ]
    return PlanRisks(base, bars, len(chosen), len(every), tuple(cases))


def _assess_scenario(
    runner: ScenarioRunner, name: str, changes: Mapping[str, str], result: ScenarioResult, base: ScenarioResult
) -> ScenarioRisk:
    """Compare a named scenario with the base case, and determine its metal shortage if infeasible."""
    more, short = result.compute_effect(base), None
    if result.status == "infeasible":
        short = solve_or_none(ShortageSolver(runner.apply_changes(changes)).compute_shortage)
    return ScenarioRisk(name, changes, result, more, short)
