"""Why a plan is as it is: what binds, what everything costs, why each source is taken, whether it is the only one."""

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
    """A proven plan explained; all figures in the unit of its measure."""

    plan: Plan
    binding: tuple[Binding, ...]
    kinks: tuple[Kink, ...]
    takings: tuple[Taking, ...]  # of the sources told, the largest `MOST`; or of the one asked about
    told: tuple[Source, ...]  # all groups in which sources are told
    each: tuple[Source, ...]  # all sources, one by one
    untold: tuple[Source, ...]  # smaller groups
    invoice: tuple[Line, ...]
    others: (
        tuple[str, ...] | None
    )  # in what other optimal plans differ; of none, which is proven, nothing; None: unknown
    unproven: tuple[str, ...] = ()  # what is left out of all this, as its prices could not be proven

    @property
    def only(self) -> bool | None:
        """Whether no other plan is as good; None where that is not proven."""
        return None if self.others is None else not self.others


def explain(instance: Instance, measure: str = "cost", extensions: Sequence[Path] = ()) -> Explanation:
    """Solve `instance` and explain its plan. Raises what `solve` raises, NoPlanError where there is none."""
    return explained(solve(instance, measure, extensions), extensions)


def explained(plan: Plan, extensions: Sequence[Path] = ()) -> Explanation:
    """Explain a proven plan, with the `extensions` that it was made with."""
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
    """One stream in a proven plan: on its own, its source (the bundle that it comes in) where that is more."""

    plan: Plan
    stream: int
    own: Taking
    bundle: Taking | None


def story(plan: Plan, stream: int, extensions: Sequence[Path] = ()) -> Story:
    """Return the story of a stream, by its number, in a plan made with `extensions`."""
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
    """Return the number of the stream that `path` names, such as `streams.phone@tokyo`. Raises UsageError."""
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
    return float(instance.streams.available.value[source.streams].sum())
