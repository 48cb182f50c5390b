"""Explanation of a plan: binding constraints, marginal prices, break-even prices, cost breakdown, other optima.

Marginal prices are the cost of one more and the saving of one less; they differ at a degenerate optimum.

Shadow prices exist only without integers. With the contracts, lots and price steps of a plan in lots kept, what is left
is a linear program: contracts in use keep their least quantity, all others stay unused, whole lots keep their numbers,
and falling prices the step that is reached. Its prices and ranges are exact for the lots of the plan; charges are paid
already and in no price.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from medalopt.analysis.explain.local_analysis import (
    MAX_SOURCES,
    PlanNeighbourhood,
    RowMove,
    SupplySource,
    find_source,
    group_sources,
    list_sources,
)
from medalopt.analysis.explain.shadow_prices import (
    BindingConstraint,
    CostLine,
    compute_cost_breakdown,
    find_binding_constraints,
)
from medalopt.analysis.explain.sources import SourceAnalysis, analyse_sources
from medalopt.analysis.sensitivity.base_case import solve_or_none
from medalopt.analysis.sensitivity.parameter_derivatives import compute_demand_shift
from medalopt.errors import LimitError, NoPlanError, SolverError, UsageError
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import can_be_in_stock
from medalopt.instance.confidence import needs_cuts
from medalopt.instance.instance import Instance
from medalopt.instance.lot_relaxation import drop_lot_constraints, list_used_contracts
from medalopt.instance.lots import list_used_keys
from medalopt.instance.routes import build_routes
from medalopt.model.extensions import Extension
from medalopt.model.lots import build_kept_lots
from medalopt.plan.plan import MarketPrice, Plan, find_market_price
from medalopt.solve_instance import is_large_instance, solve
from medalopt.solver.local_analysis import BoundChange
from medalopt.text import PathError, escape_text, parse_path, render_path, suggest_name
from medalopt.tolerances import AMOUNT_TOLERANCE, DISPLAY_TOLERANCE

LOTS_PATH = "lots"  # path of the line of the cost breakdown on lots and charges


@dataclass(frozen=True, eq=False)
class Explanation:
    """Verified plan with its explanation, in the unit of its objective."""

    plan: Plan
    binding: tuple[BindingConstraint, ...]
    marginal_prices: tuple[MarginalPrice, ...]
    source_analyses: tuple[SourceAnalysis, ...]  # the largest groups of sources, at most `MAX_SOURCES`
    reported_sources: tuple[SupplySource, ...]  # all groups of sources, largest first
    all_sources: tuple[SupplySource, ...]  # all single sources
    smaller_sources: tuple[SupplySource, ...]  # groups without analysis
    cost_breakdown: tuple[CostLine, ...]
    others: tuple[str, ...] | None  # kinds of decisions in which optima differ; empty: unique (verified)
    unproven: tuple[str, ...] = ()  # parts left out, since their prices could not be verified
    lots: KeptLots | None = None  # of a plan in lots: `plan` is that with its lots kept
    replanned: tuple[ReplannedMedal, ...] = ()  # one more medal, with lots re-planned

    @property
    def chosen(self) -> Plan:
        """The plan that is explained: of an instance with lots the plan in lots."""
        return self.plan if self.lots is None else self.lots.chosen

    @property
    def is_unique(self) -> bool | None:
        """Return whether the optimum is unique; None if that is not verified."""
        return None if self.others is None else not self.others


def explain_plan(plan: Plan, extensions: Sequence[Extension] = ()) -> Explanation:
    """Explain a plan.

    Args:
        extensions: Python files or functions of the extensions it was made with.

    Returns:
        The explanation; parts that cannot be verified are listed in `unproven`.
    """
    everything = sorted(group_sources(plan.instance), key=lambda source: -_sum_supply(plan.instance, source))
    some = tuple(everything[:MAX_SOURCES])
    neighbourhood = PlanNeighbourhood.build(plan, [source.streams for source in some], extensions)
    unproven: list[str] = []
    return Explanation(
        plan,
        find_binding_constraints(neighbourhood, everything, unproven),
        compute_marginal_prices(neighbourhood, unproven),
        analyse_sources(neighbourhood, some, unproven),
        tuple(everything),
        list_sources(plan.instance),
        tuple(everything[MAX_SOURCES:]),
        compute_cost_breakdown(neighbourhood),
        solve_or_none(neighbourhood.find_alternatives),
        tuple(dict.fromkeys(unproven)),
    )


def explain_plan_in_lots(chosen: Plan) -> Explanation:
    """Explain a plan in lots by the linear program in which its lots are kept.

    Args:
        chosen: Plan in lots, made without extensions.

    Returns:
        The explanation; a last line of the cost breakdown holds what the lots cost.

    Raises:
        SolverError: The linear program is not verified.
    """
    lots = keep_lots(chosen)
    found = explain_plan(lots.plan, lots.extensions)
    line = CostLine("charges", LOTS_PATH, len(list_used_contracts(chosen.account)), None, lots.charges)
    paid = abs(lots.charges) > DISPLAY_TOLERANCE * max(abs(chosen.objective), 1.0)
    breakdown = (*found.cost_breakdown, *((line,) if paid else ()))
    return dataclasses.replace(found, lots=lots, cost_breakdown=breakdown, replanned=lots.replan_medals())


@dataclass(frozen=True, eq=False)
class StreamExplanation:
    """One stream of a verified plan: analysed alone, and with its bundle if it belongs to one."""

    plan: Plan
    stream: int
    source: SourceAnalysis
    bundle: SourceAnalysis | None
    lots: KeptLots | None = None  # of a plan in lots: `plan` is that with its lots kept


def explain_stream(plan: Plan, stream: int, extensions: Sequence[Extension] = ()) -> StreamExplanation:
    """Explain one stream of a plan.

    Args:
        extensions: Python files or functions of the extensions it was made with.

    Returns:
        Analysis of the stream, and of its bundle.

    Raises:
        SolverError: If a price cannot be verified.
    """
    source = find_source(plan.instance, stream)
    alone = SupplySource(plan.instance.streams.names[stream], "", np.array([stream], dtype=np.intp))
    sources = (alone,) if len(source.streams) == 1 else (alone, source)
    neighbourhood = PlanNeighbourhood.build(plan, [source.streams for source in sources], extensions)
    unproven: list[str] = []
    by_source = {analysis.source.kind_name: analysis for analysis in analyse_sources(neighbourhood, sources, unproven)}
    if unproven:
        raise SolverError(f"{plan.instance.name}: the prices of {escape_text(unproven[0])} could not be verified")
    return StreamExplanation(
        plan, stream, by_source[alone.kind_name], by_source[source.kind_name] if len(sources) > 1 else None
    )


def parse_stream_path(instance: Instance, path: str) -> int:
    """Parse the path of a stream, such as `streams.phone@tokyo`.

    Returns:
        Number of the stream.

    Raises:
        UsageError: If the path names no stream of the instance.
    """
    names = instance.streams.names
    if not names:
        raise UsageError(f"{escape_text(path)}: this instance has no streams; omit the path")
    try:
        steps = parse_path(path)
    except PathError as error:
        raise UsageError(f"{escape_text(path)}: {error}") from error
    if len(steps) == 2 and steps[0] == "streams" and str(steps[1]) in names:
        return names.index(str(steps[1]))
    if len(steps) == 1 and str(steps[0]) in names:
        raise UsageError(f"{escape_text(path)}: write the path, {render_path(('streams', str(steps[0])))}")
    suggestion = suggest_name(str(steps[-1]), names)
    raise UsageError(
        f"{escape_text(path)}: name a stream of this instance, such as {render_path(('streams', names[0]))}{suggestion}"
    )


def _sum_supply(instance: Instance, source: SupplySource) -> float:
    """Return the supply of a source over the horizon [t]."""
    return float(instance.streams.available.value[source.streams].sum())


@dataclass(frozen=True)
class QuantityChange:
    """Change of one quantity per unit of need: tonnes of a source, or kilograms of an offer."""

    name: str
    amount: float
    unit: str


@dataclass(frozen=True)
class MarginalPrice:
    """Marginal prices of one metal (per kg) or kind of medal (per piece); None if that direction is infeasible."""

    path: str
    name: str
    metal: int | None
    more: float | None  # cost of one more
    less: float | None  # saving of one less
    unit: str | None
    market: MarketPrice | None
    parts: tuple[QuantityChange, ...]  # changes of the plan with one more

    @property
    def ratio(self) -> float | None:
        """Cost of one more as multiple of the market price; None if there is no market price."""
        if self.market is None or self.more is None or not self.market.price > 0:
            return None
        return self.more / self.market.price


def compute_marginal_prices(neighbourhood: PlanNeighbourhood, unproven: list[str]) -> tuple[MarginalPrice, ...]:
    """Compute the marginal prices of all metals that the plan needs or has a surplus of, and of all kinds of medal.

    Args:
        unproven: Receives the path of each metal or medal whose price cannot be verified.

    Returns:
        The other prices, metals first.
    """
    result = []
    for section, names, priced in (
        ("metals", neighbourhood.instance.metals.names, _price_metal),
        ("medals", neighbourhood.instance.medals.names, _price_medal),
    ):
        for number, name in enumerate(names):
            try:
                result.append(priced(neighbourhood, number))
            except SolverError:
                unproven.append(render_path((section, name)))
    return tuple(marginal_price for marginal_price in result if marginal_price is not None)


def _price_metal(neighbourhood: PlanNeighbourhood, e: int) -> MarginalPrice | None:
    """Return the marginal prices of a metal; None if the plan neither needs it nor has a surplus."""
    more, fewer = _make_metal_change(neighbourhood, e, 1), _make_metal_change(neighbourhood, e, -1)
    if more is None or fewer is None:
        return None
    up, down = neighbourhood.compute_slope(more), neighbourhood.compute_slope(fewer)
    metals = neighbourhood.instance.metals
    return MarginalPrice(
        render_path(("metals", metals.names[e])),
        metals.titles[e],
        e,
        neighbourhood.is_verified(up),
        _negate_price(neighbourhood.is_verified(down)),
        "kg",
        find_market_price(neighbourhood.plan, e),
        () if up is None else list_quantity_changes(neighbourhood, up.x),
    )


def _price_medal(neighbourhood: PlanNeighbourhood, m: int) -> MarginalPrice | None:
    """Return the marginal prices of a kind of medal, for whole medals."""
    medals = neighbourhood.instance.medals
    name, count = medals.names[m], int(medals.count[m])
    more: float | None
    taken: tuple[QuantityChange, ...] = ()
    if count:
        up = neighbourhood.local.solve_step(_make_medal_change(neighbourhood, m, 1))
        more, taken = (None, ()) if up is None else (up.value, list_quantity_changes(neighbourhood, up.x))
    else:  # the LP may have no rows for its alloys
        more = _solve_with_extra_medal(neighbourhood, m)
    down = neighbourhood.local.solve_step(_make_medal_change(neighbourhood, m, -1)) if count else None
    fewer = None if down is None else _negate_price(down.value)
    return MarginalPrice(render_path(("medals", name, "count")), name, None, more, fewer, None, None, taken)


def _solve_with_extra_medal(neighbourhood: PlanNeighbourhood, m: int) -> float | None:
    """Return the cost of the first medal of a kind, by solving the changed instance; None if it is infeasible."""
    instance = neighbourhood.instance
    changed = _add_medal(instance, m)
    try:
        return (
            solve(changed, neighbourhood.plan.measure, neighbourhood.extensions).objective
            - neighbourhood.plan.objective
        )
    except NoPlanError:
        return None


def _add_medal(instance: Instance, m: int) -> Instance:
    """Return the instance with one more medal of a kind."""
    count = instance.medals.count.copy()
    count[m] += 1
    return dataclasses.replace(instance, medals=dataclasses.replace(instance.medals, count=count))


def _negate_price(value: float | None) -> float | None:
    """Return a derivative with the opposite sign (without negative zero)."""
    return None if value is None else 0.0 - value


def list_quantity_changes(neighbourhood: PlanNeighbourhood, x: Floats) -> tuple[QuantityChange, ...]:
    """List the sources and offers whose quantities change in a direction of the plan.

    Returns:
        Changes of sources, then of offers, by descending absolute value; negligible ones are dropped.
    """
    instance, network = neighbourhood.instance, neighbourhood.network
    routes = neighbourhood.account.routes
    tonnes = np.bincount(
        routes.stream[network.route],
        np.where(routes.treats[network.route], x[: len(network.route)], 0.0),
        len(instance.streams.names),
    )
    taken = [QuantityChange(source.name, float(tonnes[source.streams].sum()), "t") for source in list_sources(instance)]
    bought = dict.fromkeys(instance.market.names, 0.0)
    stocked = {index[0] for name, index in neighbourhood.columns if name == "acquire" and isinstance(index, tuple)}
    for (name, index), column in neighbourhood.columns.items():
        if isinstance(index, tuple) and (name == "acquire" or (name == "buy" and index[0] not in stocked)):
            bought[index[0]] += float(x[column])
    return (
        *_drop_negligible_changes(taken),
        *_drop_negligible_changes([QuantityChange(offer, kg, "kg") for offer, kg in bought.items()]),
    )


def _drop_negligible_changes(parts: list[QuantityChange]) -> list[QuantityChange]:
    """Drop negligible changes and sort the others by absolute value."""
    minimum = AMOUNT_TOLERANCE * max((abs(part.amount) for part in parts), default=0.0)
    return sorted((part for part in parts if abs(part.amount) > minimum), key=lambda part: -abs(part.amount))


def _make_metal_change(neighbourhood: PlanNeighbourhood, e: int, by: int) -> BoundChange | None:
    """Perturb the need of a metal by one kilogram.

    The kilogram is needed where the plan charges the metal, in the same proportions: it vanishes from the charge. Of a
    metal that is never charged, it is taken from the surplus.
    """
    charged = neighbourhood.account.composition[:, e]  # (A, T)
    if charged.sum() > 0:
        shares = charged / charged.sum()
        places = zip(*(axis.tolist() for axis in np.nonzero(shares)), strict=True)
        return neighbourhood.move_rows(
            (row for a, t in places for row in _list_charge_rows(neighbourhood, a, e, t, by * float(shares[a, t]))),
        )
    surplus = neighbourhood.account.decisions.surplus[e]
    if not can_be_in_stock(neighbourhood.instance, neighbourhood.account.routes)[e] or not surplus.sum() > 0:
        return None
    name, periods = neighbourhood.instance.metals.names[e], neighbourhood.instance.periods
    shares = by * surplus / surplus.sum()
    return neighbourhood.move_rows(
        ((("balance", name, t), -share, -share) for t, share in zip(periods, shares.tolist(), strict=True)),
    )


def _list_charge_rows(neighbourhood: PlanNeighbourhood, a: int, e: int, t: int, kilograms: float) -> Iterable[RowMove]:
    """Yield the rows affected by a kilogram of metal missing from the charge of an alloy.

    The row of recycled content is not affected: its floor holds for this kilogram, which has been charged.
    """
    instance = neighbourhood.instance
    alloys, metals = instance.alloys, instance.metals.names
    alloy, period = alloys.names[a], instance.periods[t]
    factors: list[tuple[tuple[str, ...], float]] = [(("melt", alloy, period), -(1 - float(alloys.loss.value[a])))]
    for f, name in enumerate(metals):
        is_same = float(f == e)
        factors.append((("fineness_low", alloy, name, period), is_same - float(alloys.low.value[a, f])))
        factors.append((("fineness_high", alloy, name, period), is_same - float(alloys.high.value[a, f])))
    factors.append((("others", alloy, period), 1 - float(alloys.named[a, e]) - float(alloys.others.value[a])))
    return ((place, factor * kilograms, factor * kilograms) for place, factor in factors)


def _make_medal_change(neighbourhood: PlanNeighbourhood, m: int, by: int) -> BoundChange:
    """Perturb the number of medals of a kind by one."""
    instance, medals = neighbourhood.instance, neighbourhood.instance.medals
    each = by * medals.parts.value[m] * (1 + medals.allowance.value[m])
    late = instance.periods[int(medals.due[m]) :]
    alloys = zip(instance.alloys.names, each.tolist(), strict=True)
    rows = (row for alloy, kg in alloys if kg for t in late for row in compute_demand_shift(alloy, t, kg))
    missed = neighbourhood.columns.get(("missed", medals.names[m]))
    return neighbourhood.move_rows(rows, {} if missed is None else {missed: float(by)})


CHOICE_SECONDS = 60.0  # [s] time limit of the search for the plan whose lots are kept
MAX_REPLANNED, REPLAN_SECONDS = 3, 20.0  # kinds of medal that are re-planned with one more; time of each [s]


class ReplannedMedal(NamedTuple):
    """Path of the number of a medal, and what one more costs in lots; None where no optimum is found in time."""

    path: str
    more: float | None


@dataclass(frozen=True, eq=False)
class KeptLots:
    """Plan in lots, and the optimal plan of the linear program that keeps its lots.

    Attributes:
        chosen: Plan in lots.
        plan: Plan of the linear program, of which all charges are left out.
        extensions: The constraints that keep the lots, for the analyses of `plan`.
    """

    chosen: Plan
    plan: Plan
    extensions: tuple[Any, ...]

    def replan_medals(self) -> tuple[ReplannedMedal, ...]:
        """Compute what one more medal costs where lots are re-planned, of the dearest kinds.

        Returns:
            At most `MAX_REPLANNED` kinds of medal, the largest number first.
        """
        instance = self.chosen.instance
        order = np.argsort(-instance.medals.count, kind="stable")[:MAX_REPLANNED].tolist()
        start = list_used_keys(self.chosen.account)
        found = []
        for m in order:
            changed = _add_medal(instance, m)
            more: float | None = None
            if not self.chosen.stopped:
                with contextlib.suppress(LimitError, NoPlanError, SolverError):
                    plan = solve(changed, self.chosen.measure, time_limit=REPLAN_SECONDS, start=start)
                    more = None if plan.stopped else plan.objective - self.chosen.objective
            found.append(ReplannedMedal(render_path(("medals", instance.medals.names[m], "count")), more))
        return tuple(found)

    @property
    def charges(self) -> float:
        """Objective of the plan in lots above that of the linear program: charges, and prices of earlier steps."""
        return self.chosen.objective - self.plan.objective


def can_keep_lots(instance: Instance) -> bool:
    """Return whether the program with the lots of a plan kept can be built: not of large ones, and without a promise.

    Args:
        instance: Instance.
    """
    return bool(instance.lots) and not needs_cuts(instance) and not is_large_instance(instance, build_routes(instance))


def choose_lots(instance: Instance, objective: str) -> Plan:
    """Solve an instance in lots, to the optimum or for `CHOICE_SECONDS`.

    Args:
        objective: Objective to minimise.

    Returns:
        The plan whose lots are kept; raises as `solve`.
    """
    return solve(instance, objective, time_limit=CHOICE_SECONDS)


def keep_lots(chosen: Plan) -> KeptLots:
    """Solve the linear program in which the lots of a plan are kept.

    Args:
        chosen: Plan in lots.

    Returns:
        Both plans.

    Raises:
        SolverError: No plan of the linear program is verified.
    """
    extension = build_kept_lots(chosen.account, chosen.measure)
    relaxed = drop_lot_constraints(chosen.instance)
    plan = solve(relaxed, chosen.measure, (extension,))
    if not plan.certificate.optimal:
        raise SolverError(f"{chosen.instance.name}: the plan with its lots kept is not verified")
    return KeptLots(chosen, plan, (extension,))
