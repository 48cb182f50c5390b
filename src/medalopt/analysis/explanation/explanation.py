"""Explanation of a plan: binding constraints, marginal prices, break-even prices, cost breakdown, other optima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medalopt.analysis.explanation.binding import Binding, binding
from medalopt.analysis.explanation.groups import MOST, Source, of_stream, sources, told
from medalopt.analysis.explanation.invoice import Line, invoice
from medalopt.analysis.explanation.kinks import Kink, kinks
from medalopt.analysis.explanation.near import Near
from medalopt.analysis.explanation.taking import Taking, takings
from medalopt.analysis.sensitivity.steps import attempted
from medalopt.errors import SolverError, UsageError
from medalopt.instance.instance import Instance
from medalopt.instance.paths import PathError, parse, render
from medalopt.plan.plan import Plan
from medalopt.solving import solve
from medalopt.wording import did_you_mean, shown


@dataclass(frozen=True, eq=False)
class Explanation:
    """Verified plan with its explanation, in the unit of its objective."""

    plan: Plan
    binding: tuple[Binding, ...]
    kinks: tuple[Kink, ...]
    takings: tuple[Taking, ...]  # the largest groups of sources, at most `MAX_SOURCES`
    told: tuple[Source, ...]  # all groups of sources, largest first
    each: tuple[Source, ...]  # all single sources
    untold: tuple[Source, ...]  # groups without analysis
    invoice: tuple[Line, ...]
    others: tuple[str, ...] | None  # kinds of decisions in which optima differ; empty: unique (verified)
    unproven: tuple[str, ...] = ()  # parts left out, since their prices could not be verified

    @property
    def only(self) -> bool | None:
        """True if the optimum is unique; None if that is not verified."""
        return None if self.others is None else not self.others


def explain(instance: Instance, measure: str = "cost", extensions: Sequence[Path] = ()) -> Explanation:
    """Solve an instance and explain its plan.

    Args:
        instance: Instance.
        measure: Objective: `cost`, `footprint` or `mass`.
        extensions: Python files of the user's extensions.

    Returns:
        The explanation.

    Raises:
        NoPlanError: If the instance is infeasible.
        SolverError: If no optimum can be verified.
    """
    return explained(solve(instance, measure, extensions), extensions)


def explained(plan: Plan, extensions: Sequence[Path] = ()) -> Explanation:
    """Explain a plan.

    Args:
        plan: Verified plan.
        extensions: Python files of the extensions it was made with.

    Returns:
        The explanation; parts that cannot be verified are listed in `unproven`.
    """
    everything = sorted(told(plan.instance), key=lambda source: -_offered(plan.instance, source))
    some = tuple(everything[:MOST])
    near = Near.of(plan, [source.streams for source in some], extensions)
    unproven: list[str] = []
    return Explanation(
        plan,
        binding(near, everything, unproven),
        kinks(near, unproven),
        takings(near, some, unproven),
        tuple(everything),
        sources(plan.instance),
        tuple(everything[MOST:]),
        invoice(near),
        attempted(near.others),
        tuple(dict.fromkeys(unproven)),
    )


@dataclass(frozen=True, eq=False)
class Story:
    """One stream of a verified plan: analysed alone, and with its bundle if it belongs to one."""

    plan: Plan
    stream: int
    own: Taking
    bundle: Taking | None


def story(plan: Plan, stream: int, extensions: Sequence[Path] = ()) -> Story:
    """Explain one stream of a plan.

    Args:
        plan: Verified plan.
        stream: Number of the stream.
        extensions: Python files of the extensions it was made with.

    Returns:
        Analysis of the stream, and of its bundle.

    Raises:
        SolverError: If a price cannot be verified.
    """
    source = of_stream(plan.instance, stream)
    alone = Source(plan.instance.streams.names[stream], "", np.array([stream], dtype=np.intp))
    asked = (alone,) if len(source.streams) == 1 else (alone, source)
    near = Near.of(plan, [one.streams for one in asked], extensions)
    unproven: list[str] = []
    by_source = {one.source.what: one for one in takings(near, asked, unproven)}
    if unproven:
        raise SolverError(f"{plan.instance.name}: the prices of {shown(unproven[0])} could not be proven")
    return Story(plan, stream, by_source[alone.what], by_source[source.what] if len(asked) > 1 else None)


def stream_of(instance: Instance, path: str) -> int:
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
        raise UsageError(f"{shown(path)}: this instance has no streams; leave the path out")
    try:
        steps = parse(path)
    except PathError as error:
        raise UsageError(f"{shown(path)}: {error}") from error
    if len(steps) == 2 and steps[0] == "streams" and str(steps[1]) in names:
        return names.index(str(steps[1]))
    near = did_you_mean(str(steps[-1]), names)
    raise UsageError(f"{shown(path)}: name a stream of this instance, such as {render(('streams', names[0]))}{near}")


def _offered(instance: Instance, source: Source) -> float:
    """Return the supply of a source over the horizon [t]."""
    return float(instance.streams.available.value[source.streams].sum())
