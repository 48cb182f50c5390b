"""Delay analysis: extra cost, or metal shortage, if metal returns late, supply arrives late, or both."""

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
    """Effect of one delay: `extra` objective, infinite if infeasible; `short` is then the missing metal in kg.

    `lost`: tonnes of supply shifted beyond the horizon. If not `proven`, `extra` is infinite and has no meaning.
    """

    what: str  # kind of delay: leads, supply, both
    extra: float
    short: Short | None
    lost: float
    proven: bool = True

    @property
    def feasible(self) -> bool:
        """True if a plan with the delay exists."""
        return self.extra < np.inf


@dataclass(frozen=True)
class Delay:
    """Effects of delays by `periods` periods, and the signing deadline of each contract."""

    periods: int
    value: float
    unit: str
    late: tuple[Late, ...]
    deadlines: tuple[Deadline, ...]
    titles: dict[str, str]  # of metals


def delay(variants: Variants, periods: int, tell: Tell = silent) -> Delay:
    """Solve the instance with late returns, late supply and both, and find the signing deadlines.

    Args:
        variants: Scenarios of the instance.
        periods: Length of the delay in periods, 0 or more.
        tell: Progress callback.

    Returns:
        Three delay effects and all contract deadlines.

    Raises:
        NoPlanError: If the base case is infeasible.
        UsageError: If `periods` is negative.
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
    """Return `blank` with the result of the delayed `instance`; raise SolverError if it is not verified."""
    variant = Variant.of(instance, variants.measure)
    answer = variants.answer(variant)
    short = None if answer.feasible else Shortage(instance).short()
    extra = more(answer.value, outcome, variants.base.linear)
    return dataclasses.replace(blank, extra=extra, short=short, proven=True)


def later(instance: Instance, back: int, supply: int) -> Instance:
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
            streams, available=Figures(_shifted(available.raw, supply), _shifted(unit, supply), available.factors)
        ),
    )


def lost(instance: Instance, supply: int) -> float:
    """Return the tonnes shifted beyond the horizon if supply is `supply` periods late."""
    periods = len(instance.periods)
    return float(instance.streams.available.value[:, max(0, periods - supply) :].sum()) if supply else 0.0


def _shifted(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]], by: int) -> np.ndarray:
    """Return an array (I, T) with its columns shifted `by` periods and zeros before."""
    shifted = np.zeros_like(array)
    kept = array.shape[1] - by
    if kept > 0:
        shifted[:, by:] = array[:, :kept]
    return shifted
