r"""Value of information: saving of a plan with a promised confidence if one uncertain parameter were known better.

A parameter with the standard deviation $\sigma$ and $n$ independent samples of standard error $s$ has the posterior
variance $1/(1/\sigma^2+n/s^2)$ (normal mean with known variance). The plan is solved again at the same confidence with
that deviation, and with half of $\sigma$; the mean stays as it is, as the results of the samples are not yet known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from medalopt.errors import NoPlanError, UsageError
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import ConfidencePolicy, ConfidenceRow, build_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.uncertainty import UncertainFactor
from medalopt.plan.plan import Plan
from medalopt.proof.confidence import ConePrice, parse_cone_prices, price_confidence
from medalopt.solve_instance import solve_from_base
from medalopt.tolerances import DISPLAY_TOLERANCE

MAX_FACTORS = 8  # parameters solved again, those with the largest first-order saving
DEFAULT_SAMPLES, DEFAULT_SAMPLE_ERROR = 10, 0.5


@dataclass(frozen=True)
class ValuedFactor:
    """Saving by better knowledge of one parameter (money); `estimate` is the saving to first order at half the cv."""

    factor: UncertainFactor
    share: float  # of the variance of the metal and deadline whose promise costs most
    estimate: float
    halved: float
    posterior: float  # standard deviation after the samples
    sampled: float

    def compute_saving_per_sample(self, samples: int) -> float:
        """Compute the saving per sample.

        Args:
            samples: Number of samples.

        Returns:
            Money.
        """
        return self.sampled / samples


@dataclass(frozen=True)
class ScenarioInformation:
    """Saving of a two-stage plan without a promise if the scenario were known before contracts are signed, in money."""

    count: int
    perfect: float  # expected value of perfect information


@dataclass(frozen=True, eq=False)
class InformationValuation:
    """Parameters with the saving by better knowledge of each, the largest saving by samples first.

    Attributes:
        plan: Optimal plan with the promised confidence.
        row: Chance constraint whose promise costs most; None where no promise binds.
        factors: Parameters solved again.
        left: Number of further uncertain parameters that matter to first order, not solved again.
        samples: Number of samples.
        sample_error: Standard error of one sample, relative to the mean.
        scenarios: Value of knowing the scenario; None where none of the file has a probability, or one has no plan.
    """

    plan: Plan
    row: ConfidenceRow | None
    factors: tuple[ValuedFactor, ...]
    left: int
    samples: int
    sample_error: float
    scenarios: ScenarioInformation | None = None


def compute_posterior_deviation(deviation: float, samples: int, sample_error: float) -> float:
    """Compute the standard deviation of a normal mean after samples.

    Args:
        deviation: Standard deviation before.
        samples: Number of independent samples.
        sample_error: Standard error of one sample.

    Returns:
        The posterior standard deviation, less than both `deviation` and the error of the mean of the samples.
    """
    return 1 / math.sqrt(1 / deviation**2 + samples / sample_error**2)


def compute_information_value(
    instance: Instance,
    samples: int = DEFAULT_SAMPLES,
    sample_error: float = DEFAULT_SAMPLE_ERROR,
    report_progress: Callable[[str], None] = lambda _: None,
) -> InformationValuation:
    """Compute the saving by better knowledge of each uncertain parameter at the promised confidence.

    Args:
        instance: Instance with a promised confidence.
        samples: Number of samples of each parameter, 1 or more.
        sample_error: Standard error of one sample, relative to the mean, above 0.
        report_progress: Called before each solve.

    Returns:
        The savings.

    Raises:
        UsageError: An argument is out of range, or nothing is promised.
        NoPlanError: No plan keeps the promise.
    """
    if not 1 <= samples <= 1_000_000 or not 0 < sample_error < math.inf:
        raise UsageError("--samples is a number from 1 to 1,000,000, --sample-error a share above 0, such as 50%")
    policy = build_confidence(instance)
    if policy is None:
        text = (
            "information has a value at a promised confidence: give --confidence 90%, and a `cv` to what is uncertain"
        )
        raise UsageError(f"{instance.name}: {text}")
    report_progress("at the promised confidence")
    plan = solve_from_base(instance, instance)
    prices = price_confidence(plan.account, plan.duals)
    estimates = _estimate_savings(policy, parse_cone_prices(instance, plan.duals), plan)
    matter = np.flatnonzero(estimates > DISPLAY_TOLERANCE * max(1.0, abs(plan.objective)))
    chosen = sorted(matter.tolist(), key=lambda number: (-estimates[number], number))
    shares = _compute_shares(policy, prices[0].row, plan) if prices else estimates
    valued = []
    for number in chosen[:MAX_FACTORS]:
        factor = policy.model.factors[number]
        posterior = compute_posterior_deviation(factor.deviation, samples, sample_error)
        report_progress(f"{factor.kind} of {factor.owner}")
        halved, sampled = (
            plan.objective - solve_from_base(_set_factor_deviation(instance, factor, deviation), instance).objective
            for deviation in (factor.deviation / 2, posterior)
        )
        valued.append(ValuedFactor(factor, float(shares[number]), float(estimates[number]), halved, posterior, sampled))
    return InformationValuation(
        plan,
        prices[0].row if prices else None,
        tuple(sorted(valued, key=lambda one: -one.sampled)),
        max(len(chosen) - MAX_FACTORS, 0),
        samples,
        sample_error,
        _value_scenarios(instance, report_progress),
    )


def _value_scenarios(instance: Instance, report_progress: Callable[[str], None]) -> ScenarioInformation | None:
    """Value perfect information on the scenarios of the file, without a promise; None without any, or a plan."""
    from medalopt.analysis.risk.two_stage_plan import TwoStageOptions, compute_two_stage_plan
    from medalopt.analysis.scenario_runner import ScenarioRunner

    if instance.origin is None or not any(instance.annex.get("scenario_probabilities", {}).values()):
        return None
    runner = ScenarioRunner(instance.origin.file, {"policy.confidence": "50 %"})
    if build_confidence(runner.instance) is not None:  # a joint one, or an uncertainty budget
        return None
    try:
        plan = compute_two_stage_plan(runner, TwoStageOptions(), report_progress)
    except NoPlanError:
        return None
    return ScenarioInformation(len(plan.outcomes), plan.information.of_perfect_information)


def _estimate_savings(policy: ConfidencePolicy, cones: list[ConePrice], plan: Plan) -> Floats:
    r"""Estimate the saving by half the deviation of each factor, to first order, (F,) money.

    The deviation of a constraint with the dual value $\mu$ falls from $s$ to $s_f$ at the plan, so that
    $\mu z_\alpha(s-s_f)$ is saved; with an uncertainty budget $\mu(s-s_f)$ of what may be lost.
    """
    model, savings = policy.model, np.zeros(len(policy.model.factors))
    for cone in cones:
        exposure = model.compute_exposure(plan.account.decisions.sent, cone.row.metal, cone.row.period)
        before = policy.measure_exposure(exposure)
        for number in np.flatnonzero(exposure).tolist():
            halved = exposure.copy()
            halved[number] /= 2
            savings[number] += cone.value * cone.row.quantile * (before - policy.measure_exposure(halved))
    return savings


def _compute_shares(policy: ConfidencePolicy, row: ConfidenceRow, plan: Plan) -> Floats:
    """Return the share of each factor in the variance of one metal and deadline, (F,)."""
    model = policy.model
    exposure = model.compute_exposure(plan.account.decisions.sent, row.metal, row.period)
    return model.compute_variance_shares(exposure)


def _set_factor_deviation(instance: Instance, factor: UncertainFactor, deviation: float) -> Instance:
    """Return an instance in which one factor has another coefficient of variation."""
    section = f"{factor.path[0]}_cv"
    members = dict(instance.annex[section])
    member = dict(members[factor.owner])
    cv = member["cv"]
    by_metal = {**(cv if isinstance(cv, Mapping) else {"default": cv}), factor.metal: deviation}
    member["cv"] = by_metal if factor.metal else deviation
    members[factor.owner] = member
    return replace(instance, annex={**instance.annex, section: members})
