"""Two-stage plans: contracts decided now, shipments and purchases after the scenario is known, at least expected cost.

The scenarios are those of the instance file with a probability, or drawn from its uncertain parameters.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from statistics import NormalDist

import numpy as np

from medalopt.analysis.risk.contract_program import ContractStage, WeightedScenario, build_first_stage, build_stage
from medalopt.analysis.sampling import SAMPLING_SEED
from medalopt.analysis.scenario_runner import ScenarioProgram, ScenarioRunner
from medalopt.analysis.sensitivity.uncertain_parameters import draw_saltelli_sample, find_uncertain_inputs
from medalopt.analysis.sensitivity.what_if import find_period
from medalopt.errors import LimitError, NoPlanError, SolverError, TwoStageInfeasibleError, UsageError
from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.confidence import build_confidence, measure_confidence
from medalopt.instance.contracts import ContractBook, list_contracts
from medalopt.instance.instance import Instance
from medalopt.instance.scenario import ParameterChanges
from medalopt.instance.uncertainty import get_joint_confidence, get_uncertainty_budget, has_confidence
from medalopt.proof.two_stage import ScenarioClaim, TwoStageCertificate, certify_two_stage, compute_value_at_risk
from medalopt.solver.highs import TimeBudget
from medalopt.solver.information_value import (
    InfeasibleScenariosError,
    InformationValue,
    compute_evpi_and_vss,
)
from medalopt.solver.program import SolverProgram
from medalopt.solver.solve_lp import extract_decisions
from medalopt.solver.two_stage import (
    LARGEST_EXTENSIVE_FORM,
    NO_LIMITS,
    ScenarioStage,
    SearchLimits,
    TwoStageSolution,
    improve_in_whole,
    is_searched_apart,
    search_together,
    solve_two_stage,
)
from medalopt.text import escape_text, format_count
from medalopt.tolerances import DISPLAY_TOLERANCE

MAX_DRAWS = 10_000
MEMORY_PER_COLUMN = 4_000  # bytes of a process for each column of the extensive form, by benchmarks/stochastic.py
LARGEST_IN_LOTS = 50_000  # columns of all scenarios together, above which whole lots are left out
_MOST_NAMED = 3  # infeasible scenarios named in a message


@dataclass(frozen=True)
class TwoStageOptions:
    """Options of a two-stage plan.

    Attributes:
        draws: Number of scenarios drawn from the uncertain parameters; None: the scenarios of the file.
        seed: Seed of the random generator.
        known: Period from which the scenario is known; None: the first.
        take_or_pay: Share of the price paid for contracted quantities not used.
        risk_weight: Weight of the conditional value at risk beside the expected cost.
        risk_level: Level of the conditional value at risk.
        gap: Certified gap at which to stop with whole lots, of all payments; None: that of branch and bound.
        time_limit: Time limit of the search in whole lots [s], from the beginning; None: no limit.
    """

    draws: int | None = None
    seed: int = SAMPLING_SEED
    known: str | None = None
    take_or_pay: float = 1.0
    risk_weight: float = 0.0
    risk_level: float = 0.9
    gap: float | None = None
    time_limit: float | None = None

    def check(self) -> None:
        """Check the ranges of the options.

        Raises:
            UsageError: One is out of range.
        """
        if self.draws is not None and not 2 <= self.draws <= MAX_DRAWS:
            raise UsageError(f"--draws {self.draws}: give 2 to {MAX_DRAWS:_} scenarios; 50 are a good start")
        if self.seed < 0:
            raise UsageError(f"--seed {self.seed}: a seed is 0 or more")
        if not 0 <= self.take_or_pay <= 1:
            raise UsageError("--take-or-pay is a share from 0 to 100 %: of the price, for what is not used")
        if not 0 < self.risk_level < 1:
            raise UsageError("--cvar is a level between 0 and 100 %, such as 80 %: the worst 20 % of cases count")
        if not 0 <= self.risk_weight < math.inf:
            raise UsageError("--weight is 0 or more: of the conditional value at risk, beside the expected cost")
        if self.gap is not None and not 0 <= self.gap <= 1:
            raise UsageError("--gap is a share from 0 to 100 %, such as 1 %")
        if self.time_limit is not None and not self.time_limit >= 0:
            raise UsageError("--time-limit is a time of 0 s or more")


@dataclass(frozen=True, eq=False)
class ScenarioOutcome:
    """Decisions of one scenario, and their cost with all fees and premiums (money)."""

    name: str
    probability: float
    account: PlanAccount
    cost: float
    wait_and_see: float  # cost if the scenario were known before the contracts
    used: Floats  # (C,) use of each contract, t or kg
    available: Floats  # (C,) units made available

    @cached_property
    def confidence(self) -> float | None:
        """Least confidence of a promised metal at a deadline, within the scenario.

        Returns:
            From 0 to 1; None without a promise.
        """
        policy = build_confidence(self.account.instance)
        if policy is None or policy.budget is not None:
            return None
        return min(NormalDist().cdf(slack.attained_quantile) for slack in measure_confidence(policy, self.account))


@dataclass(frozen=True, eq=False)
class TwoStagePlan:
    """Two-stage plan of an instance.

    Attributes:
        instance: Instance without the changes of scenarios.
        options: Options.
        known: Index of the period from which the scenario is known.
        book: Contracts (C).
        agreed (C,): Quantities agreed.
        nominal (C,): Quantities that the plan of the file's own values would agree.
        outcomes: Scenarios, in the order of the file or of the draws.
        information: Optimum of the expected cost, with perfect information and with the nominal contracts.
        expected: Expected cost of this plan.
        value_at_risk: Conditional value at risk of this plan at the level of the options.
        certificate: Proven cost and lower bound of the objective.
        lots: Paths of whole lots, minimum orders and charges.
        search_bound: Bound of branch and bound, not certified; None where lots are left out, or there are none.
        stopped: Whether the search ended at its time limit, or the gap asked for is not proven.
        searched_apart: Whether the scenarios have not been searched together, as they are many.
    """

    instance: Instance
    options: TwoStageOptions
    known: int
    book: ContractBook
    agreed: Floats
    nominal: Floats
    outcomes: tuple[ScenarioOutcome, ...]
    information: InformationValue
    expected: float
    value_at_risk: float
    certificate: TwoStageCertificate
    lots: tuple[str, ...]
    search_bound: float | None
    stopped: bool
    searched_apart: bool

    def compute_unused(self, outcome: ScenarioOutcome) -> Floats:
        """Return the quantity made available and not used in a scenario, rounding errors as 0.

        Args:
            outcome: Scenario.

        Returns:
            Quantity by contract (C,), t or kg.
        """
        left, most = outcome.available - outcome.used, np.array([one.most for one in self.book.contracts])
        return np.where(left > DISPLAY_TOLERANCE * most, left, 0.0)

    @property
    def failure(self) -> float:
        """Probability of the scenarios that have no plan with the contracts of the file's own values, from 0 to 1."""
        values = zip(self.outcomes, self.information.evaluated, strict=True)
        return sum(one.probability for one, value in values if math.isinf(value))

    @property
    def premiums(self) -> float:
        """Premiums paid for options, money."""
        return float(sum(one.premium * each for one, each in zip(self.book.contracts, self.agreed, strict=True)))


def compute_two_stage_plan(
    runner: ScenarioRunner, options: TwoStageOptions, report_progress: Callable[[str], None] = lambda _: None
) -> TwoStagePlan:
    """Compute the contracts of least expected cost, or of a weighted sum with the conditional value at risk.

    Args:
        runner: Instance with its scenarios.
        options: Options.
        report_progress: Called before each step.

    Returns:
        The plan, certified.

    Raises:
        UsageError: An option is out of range, or there are no scenarios with a probability.
        NoPlanError: No contracts allow a plan in every scenario.
        LimitError: The scenarios make too large a program.
        SolverError: The optimum could not be certified.
    """
    options.check()
    budget = TimeBudget(math.inf if options.time_limit is None else options.time_limit)
    if options.draws is not None:
        _require_no_promise(runner.instance)
    named = _list_scenarios(runner, options)
    columns = len(runner.base.program.lower) * len(named)
    _require_memory(runner, len(named))
    known = 0 if options.known is None else find_period(runner.instance, options.known, "--known")
    scenarios, whole = [], columns <= LARGEST_IN_LOTS
    for number, (name, probability, changes) in enumerate(named, start=1):
        report_progress(f"building scenario {number} of {len(named)}")
        scenarios.append(WeightedScenario.build(runner, name, probability, changes, whole))
    middle = WeightedScenario.build(runner, "", 1.0, {}, whole).program
    return _solve(runner, options, known, (scenarios, middle), budget, report_progress)


def _require_memory(runner: ScenarioRunner, scenarios: int) -> None:
    """Raise LimitError where the extensive form is too large, or needs more memory than the machine has."""
    width = len(runner.base.program.lower)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else math.inf
    most = int(min(LARGEST_EXTENSIVE_FORM, memory / MEMORY_PER_COLUMN)) // width
    if scenarios <= most:
        return
    needed, present = scenarios * width * MEMORY_PER_COLUMN / 1e9, memory / 1e9
    limit = f"the {LARGEST_EXTENSIVE_FORM:,} columns that one program may have"
    if scenarios * width <= LARGEST_EXTENSIVE_FORM:
        limit = f"the memory of this machine, {present:.2g} GB"
    less = f"use at most {format_count(most, 'scenario')}" if most else "solve a smaller instance"
    raise LimitError(
        f"{runner.instance.name}: {scenarios:,} scenarios of {width:,} columns, {scenarios * width:,} in all and about "
        f"{needed:.2g} GB of memory, exceed {limit}; {less}"
    )


def _require_no_promise(instance: Instance) -> None:
    """Raise UsageError where an instance promises a confidence: a drawn scenario settles all that is uncertain."""
    if build_confidence(instance) is None:
        return
    if get_uncertainty_budget(instance):
        promise, remedy = "an uncertainty budget", "policy.uncertainty_budget=0"
    elif get_joint_confidence(instance):
        promise, remedy = "a joint confidence", "policy.joint_confidence=null"
    else:
        promise, remedy = "a confidence", "policy.confidence=50%"
    raise UsageError(
        f"{instance.name}: promises {promise}, and a drawn scenario settles all that is uncertain: metal then has to "
        f"suffice in every draw, which is more; leave the promise out (--set {remedy}); to let medals be missed in "
        "some draws, whose probability the report states, give them a `shortfall` penalty (--set "
        "'medals.*.shortfall=1000'); or give scenarios of the file a probability and the `cv` that remains in them"
    )


def _list_scenarios(runner: ScenarioRunner, options: TwoStageOptions) -> list[tuple[str, float, ParameterChanges]]:
    """Return name, probability and changes of every scenario."""
    if options.draws is not None:
        inputs = find_uncertain_inputs(runner)
        if not inputs:
            raise UsageError(f"{runner.instance.name}: nothing is uncertain; give assays, supply or prices a `cv`")
        drawn = draw_saltelli_sample(inputs, options.draws, options.seed).iterate_draws()
        return [(str(number), 1 / options.draws, changes) for number, changes in enumerate(drawn, start=1)]
    probabilities = runner.instance.annex.get("scenario_probabilities", {})
    named = [one for one in runner.named_scenarios() if probabilities.get(one.name, 0.0) > 0]
    if not named:
        raise UsageError(
            f"{runner.instance.name}: no scenario has a probability; write "
            "`scenarios: {dry: {changes: {…}, probability: 20 %}, …}`, or draw scenarios by --draws 50"
        )
    return [(one.name, float(probabilities[one.name]), one.texts) for one in named]


def _solve(
    runner: ScenarioRunner,
    options: TwoStageOptions,
    known: int,
    programs: tuple[Sequence[WeightedScenario], ScenarioProgram],
    budget: TimeBudget,
    report_progress: Callable[[str], None],
) -> TwoStagePlan:
    """Solve the program of all scenarios, and certify it; the last program is that of the file's own values."""
    scenarios, middle = programs
    probabilities = np.array([one.probability for one in scenarios])
    data = [(one.program.instance, one.program.routes, one.program.bounds) for one in scenarios]
    book = list_contracts(runner.instance, data, probabilities, known, options.take_or_pay)
    shares = np.stack([one.share for one in book.contracts]) if book.contracts else np.zeros((0, len(scenarios)))
    first = build_first_stage(book)
    stages = [
        build_stage(book, one.program, one.probability, shares[:, number]) for number, one in enumerate(scenarios)
    ]
    nominal = build_stage(book, middle, 1.0, book.compute_nominal_shares(runner.instance))
    relaxed, limits = None, SearchLimits(options.gap, budget)
    risk = options.risk_weight, options.risk_level
    if any(one.program is not one.relaxed for one in scenarios):
        report_progress("without whole lots")
        without = [build_stage(book, one.relaxed, one.probability, shares[:, n]) for n, one in enumerate(scenarios)]
        relaxed = solve_two_stage(first, without, *risk)
        limits = replace(limits, floor=relaxed.bound)
    parts = first, stages, nominal
    information, solution = _optimise(runner.instance.name, scenarios, parts, (options, limits), report_progress)
    relaxed = relaxed or solution
    report_progress("certifying")
    claims = [_claim_scenario(solution, relaxed, number, shares[:, number]) for number in range(len(scenarios))]
    certificate = certify_two_stage(book, solution.first, claims, *risk)
    if not (certificate.optimal if relaxed is solution else certificate.feasible):
        raise SolverError(
            f"{runner.instance.name}: the two-stage plan could not be certified (gap {certificate.gap:.1e}, violation "
            f"{certificate.violation:.1e}); use fewer scenarios"
        )
    outcomes = tuple(
        _summarize(book, one, claim, solution, number, information.alone[number])
        for number, (one, claim) in enumerate(zip(scenarios, claims, strict=True))
    )
    expected = solution.compute_expected_cost(probabilities)
    at_risk = _measure_risk(solution, probabilities, options.risk_level)
    return TwoStagePlan(
        *(runner.instance, options, known, book, solution.first, information.mean_first, outcomes, information),
        *(expected, at_risk, certificate, tuple(runner.lots)),
        None if relaxed is solution else max(solution.bound, relaxed.bound),
        relaxed is not solution and _is_stopped(solution, certificate, options.gap),
        is_searched_apart(stages) and not limits.given,
    )


def _measure_risk(solution: TwoStageSolution, probabilities: Floats, level: float) -> float:
    """Return the conditional value at risk of a solution."""
    costs, weights = ([Fraction(each) for each in values.tolist()] for values in (solution.costs, probabilities))
    return float(compute_value_at_risk(costs, weights, Fraction(level)))


def _is_stopped(solution: TwoStageSolution, certificate: TwoStageCertificate, gap: float | None) -> bool:
    """Return whether the search of a plan in whole lots ended early, or without the certified gap asked for."""
    if certificate.optimal or (gap is not None and certificate.gap <= gap):
        return False
    return solution.stopped or gap is not None


def _optimise(
    name: str,
    scenarios: Sequence[WeightedScenario],
    parts: tuple[SolverProgram, Sequence[ScenarioStage], ScenarioStage],
    settings: tuple[TwoStageOptions, SearchLimits],
    report_progress: Callable[[str], None],
) -> tuple[InformationValue, TwoStageSolution]:
    """Return the values around the least expected cost, and the solution by the options; limits are those of it."""
    options, limits = settings
    if not options.risk_weight:
        information = _value_information(name, scenarios, parts, limits, report_progress)
        return information, information.solution
    information = _value_information(name, scenarios, parts, NO_LIMITS, report_progress)
    report_progress("with the value at risk")
    return information, _solve_averse(parts[0], information.solution, options, limits)


def _solve_averse(
    first: SolverProgram, neutral: TwoStageSolution, options: TwoStageOptions, limits: SearchLimits
) -> TwoStageSolution:
    """Return the plan with the value at risk; where it is large and in whole lots, the neutral one improved."""
    risk = options.risk_weight, options.risk_level
    found = (
        improve_in_whole(first, neutral.stages, neutral.second, *risk) if is_searched_apart(neutral.stages) else None
    )
    found = found or solve_two_stage(first, neutral.stages, *risk, limits=limits)
    return search_together(first, found, limits, *risk)


def _value_information(
    name: str,
    scenarios: Sequence[WeightedScenario],
    parts: tuple[SolverProgram, Sequence[ScenarioStage], ScenarioStage],
    limits: SearchLimits,
    report_progress: Callable[[str], None],
) -> InformationValue:
    """Return the optimum and the values around it; raise TwoStageInfeasibleError where some scenario has no plan."""
    try:
        return compute_evpi_and_vss(*parts, report_progress, limits)
    except InfeasibleScenariosError as error:
        promised = has_confidence(scenarios[0].program.instance)
        failed = [scenarios[number] for number in error.scenarios]
        in_lots = any(one.program is not one.relaxed for one in failed)
        text = _describe_infeasible([one.name for one in failed], promised, in_lots)
        raise TwoStageInfeasibleError(name, text) from error
    except NoPlanError as error:
        text = "no contracts allow a plan in every scenario; let the scenario be known earlier (--known), or give"
        raise TwoStageInfeasibleError(name, f"{text} medals a `shortfall` penalty") from error


def _describe_infeasible(names: Sequence[str], promised: bool, in_lots: bool) -> str:
    """Return the message for scenarios that have no plan by themselves."""
    less = f"{'promise less, ' if promised else ''}{'make lots and minimum orders smaller, ' if in_lots else ''}"
    more = f" and {len(names) - _MOST_NAMED:,} more" if len(names) > _MOST_NAMED else ""
    listed = ", ".join(escape_text(name) for name in names[:_MOST_NAMED]) + more
    few = "scenario has" if len(names) == 1 else "scenarios have"
    return (
        f"{len(names):,} {few} no feasible plan even if known beforehand: {listed}; give medals a `shortfall` penalty "
        f"(--set 'medals.*.shortfall=1000'), {less}or correct these scenarios"
    )


def _claim_scenario(
    solution: TwoStageSolution, relaxed: TwoStageSolution, number: int, shares: Floats
) -> ScenarioClaim:
    """Return plan and dual values of one scenario, the latter of the relaxation and per unit of its own cost."""
    stage, priced = solution.stages[number], relaxed.stages[number]
    assert isinstance(stage, ContractStage) and isinstance(priced, ContractStage)
    weight = float(relaxed.weights[number])
    duals = relaxed.duals[number] / weight if weight > 0 else relaxed.duals[number] * 0
    scenario = stage.scenario
    decisions = extract_decisions(
        scenario.instance, scenario.routes, scenario.network, stage.program, solution.second[number]
    )
    account = PlanAccount(scenario.instance, scenario.routes, decisions)
    return ScenarioClaim(stage.probability, weight, account, *priced.split_duals(duals), shares)


def _summarize(
    book: ContractBook,
    scenario: WeightedScenario,
    claim: ScenarioClaim,
    solution: TwoStageSolution,
    number: int,
    alone: float,
) -> ScenarioOutcome:
    """Return the decisions of one scenario."""
    used = np.array([float(one.measure_use(claim.account)) for one in book.contracts])
    return ScenarioOutcome(
        *(scenario.name, scenario.probability, claim.account, float(solution.costs[number]), alone),
        *(used, solution.first * claim.share),
    )
