"""What it costs, or how much metal is missing, when metal comes back late, supply comes late, or both."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial

import numpy as np

from medalopt.analysis.sensitivity.shortage import Short, Shortage
from medalopt.analysis.sensitivity.signing import Deadline, deadlines
from medalopt.analysis.sensitivity.steps import Tell, attempted, more, same, silent, titles_of, unit_of, with_plan
from medalopt.analysis.variants import Variant, Variants
from medalopt.errors import UsageError
from medalopt.instance.figures import Figures
from medalopt.instance.instance import Instance
from medalopt.solver.outcome import Outcome


@dataclass(frozen=True)
class Late:
    """One delay: `extra` of the measure, infinite where there is no plan; `short` is then what is missing.

    `lost`: tonnes of supply that would come after the horizon. Where nothing is `proven`, `extra` is infinite too.
    """

    what: str  # leads, supply, both
    extra: float
    short: Short | None
    lost: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """Whether there is a plan."""
        return self.extra < np.inf


@dataclass(frozen=True)
class Delay:
    """All delays of `periods` periods, and by when each purchase and contract must be signed."""

    periods: int
    value: float
    unit: str
    late: tuple[Late, ...]
    deadlines: tuple[Deadline, ...]
    titles: dict[str, str]  # of metals


def delay(variants: Variants, periods: int, tell: Tell = silent) -> Delay:
    """Return what a delay of so many `periods` does, and the last period in which each contract can be signed.

    Raises NoPlanError where there is no plan without any delay, UsageError of a delay that is none.
    """
    instance = variants.instance
    if periods < 0:
        raise UsageError(f"--delay {periods}: a delay is a whole number of periods, 0 or more")
    outcome = with_plan(variants)
    late = []
    for what, back, supply in (("leads", periods, 0), ("supply", 0, periods), ("both", periods, periods)):
        tell(f"{what} {periods} later")
        blank = Late(what, np.inf, None, lost(instance, supply), proven=False)
        late.append(attempted(partial(_late, variants, outcome, later(instance, back, supply), blank)) or blank)
    return Delay(
        periods=periods,
        value=outcome.value,
        unit=unit_of(variants),
        late=tuple(late),
        deadlines=deadlines(variants, outcome, same(outcome, variants.base.linear), tell),
        titles=titles_of(variants),
    )


def _late(variants: Variants, outcome: Outcome, instance: Instance, blank: Late) -> Late:
    """Return `blank` with what the delayed `instance` comes to beside the plan, `outcome`. Raises SolverError."""
    variant = Variant.of(instance, variants.measure)
    answer = variants.answer(variant)
    short = None if answer.feasible else Shortage(instance).short()
    extra = more(answer.value, outcome, variants.base.linear)
    return dataclasses.replace(blank, extra=extra, short=short, proven=True)


def later(instance: Instance, back: int, supply: int) -> Instance:
    """Return `instance` with metal `back` periods later on the account, and everything offered `supply` periods later.

    What is offered after the horizon is lost.
    """
    smelters, streams = instance.smelters, instance.streams
    available = streams.available
    unit = np.broadcast_to(available.unit, available.shape)
    return dataclasses.replace(
        instance,
        smelters=dataclasses.replace(smelters, lead=smelters.lead + back),
        streams=dataclasses.replace(
            streams, available=Figures(_shifted(available.raw, supply), _shifted(unit, supply), available.factors)
        ),
    )


def lost(instance: Instance, supply: int) -> float:
    """Return how many tonnes are offered too late, when all comes `supply` periods later."""
    periods = len(instance.periods)
    return float(instance.streams.available.value[:, max(0, periods - supply) :].sum()) if supply else 0.0


def _shifted(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], by: int) -> np.ndarray:
    """Return an array, (I, T), with its columns `by` later and 0 before."""
    shifted = np.zeros_like(array)
    kept = array.shape[1] - by
    if kept > 0:
        shifted[:, by:] = array[:, :kept]
    return shifted
