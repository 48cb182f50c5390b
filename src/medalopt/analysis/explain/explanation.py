"""Explanation of a plan: binding constraints, marginal prices, break-even prices, cost breakdown, other optima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from medalopt.analysis.explain.binding import BindingConstraint, find_binding_constraints
from medalopt.analysis.explain.cost_breakdown import CostLine, compute_cost_breakdown
from medalopt.analysis.explain.local_analysis import PlanNeighbourhood
from medalopt.analysis.explain.marginal_prices import MarginalPrice, compute_marginal_prices
from medalopt.analysis.explain.sources import (
    MAX_SOURCES,
    SourceAnalysis,
    SupplySource,
    analyse_sources,
    find_source,
    group_sources,
    list_sources,
)
from medalopt.analysis.sensitivity.base_case import solve_or_none
from medalopt.errors import SolverError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.paths import PathError, parse_path, render_path
from medalopt.model.extensions import Extension
from medalopt.plan.plan import Plan
from medalopt.text import escape_text, suggest_name


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

    @property
    def is_unique(self) -> bool | None:
        """Return whether the optimum is unique: None if that is not verified."""
        return None if self.others is None else not self.others


def explain_plan(plan: Plan, extensions: Sequence[Extension] = ()) -> Explanation:
    """Explain a plan.

    Args:
        plan: Verified plan.
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


@dataclass(frozen=True, eq=False)
class StreamExplanation:
    """One stream of a verified plan: analysed alone, and with its bundle if it belongs to one."""

    plan: Plan
    stream: int
    source: SourceAnalysis
    bundle: SourceAnalysis | None


def explain_stream(plan: Plan, stream: int, extensions: Sequence[Extension] = ()) -> StreamExplanation:
    """Explain one stream of a plan.

    Args:
        plan: Verified plan.
        stream: Number of the stream.
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

    Args:
        instance: Instance.
        path: Path.

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
    suggestion = suggest_name(str(steps[-1]), names)
    raise UsageError(
        f"{escape_text(path)}: name a stream of this instance, such as {render_path(('streams', names[0]))}{suggestion}"
    )


def _sum_supply(instance: Instance, source: SupplySource) -> float:
    """Return the supply of a source over the horizon [t]."""
    return float(instance.streams.available.value[source.streams].sum())
