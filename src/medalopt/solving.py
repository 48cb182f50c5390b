"""The one orchestrator: instance, program, answers, proof, plan."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from medalopt.errors import LimitError, NoLotsError, NoPlanError, SolverError, SpreadError, UsageError
from medalopt.instance.bounds import implied
from medalopt.instance.decisions import Account
from medalopt.instance.instance import Instance
from medalopt.instance.lots import without_lots
from medalopt.instance.pooling import pool_names
from medalopt.instance.routes import Routes, routes
from medalopt.instance.spread import widest_spread
from medalopt.model.objective import MEASURES
from medalopt.plan.plan import Plan
from medalopt.plan.whole_lots import WholeLots
from medalopt.proof.added import NOTHING, Added
from medalopt.proof.basis import Basis
from medalopt.proof.certificate import Certificate, certify, paid
from medalopt.proof.farkas import Refutation, as_compiled, refute
from medalopt.proof.prices import Duals, Grid
from medalopt.solver import highs
from medalopt.solver.budget import ENDLESS, Budget
from medalopt.solver.infeasible import PROVEN
from medalopt.solver.ladder import Task, answers
from medalopt.solver.solution import Solution
from medalopt.solver.standing import Standing
from medalopt.solver.whole import answers_in_lots
from medalopt.wording import shown

NONE: Mapping[str, tuple[float, float]] = {}
METHODS = ("auto", "direct", "decomposition")
LARGE = 50_000  # routes times periods, above which the streams are asked by themselves
HAIR = 2.0**-40  # by which a price may be eased without moving a bound by as much as a certificate measures


def solve(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Path] = (),
    gap: float | None = None,
    time_limit: float | None = None,
    method: str = "auto",
) -> Plan:
    """Return the best plan of `instance`, proven; ties in `objective` by cost, then by tonnes.

    `method` is `direct`, the whole program at once, or `decomposition`, prices and streams in turn, which is quicker
    where there are very many streams; `auto` leaves it to the size.

    A plan proven to lie within `gap` of the best, a share, is good enough. After `time_limit` seconds the search is
    stopped: the plan is then the best so far, its certificate says how good, and it is called `stopped`. In whole
    lots the plan is the best that the search for it finds, with the bound of all plans, in whole lots or not.
    Raises NoPlanError where none exists, LimitError where none was found in time, UsageError where the question
    cannot be asked, and SolverError where no method's answer can be proven,
    which is a SpreadError where figures lie very far apart.
    """
    budget = Budget(math.inf if time_limit is None else time_limit)
    if gap is not None and not 0 <= gap < math.inf:
        raise UsageError(f"a gap of {gap} cannot be asked for: it is a share, 0 or more, such as 1 %")
    if not budget.seconds >= 0:
        raise UsageError(f"a time limit of {budget.seconds} s cannot be kept: it is 0 or more")
    if method not in METHODS:
        raise UsageError(f"'{method}' is no method: choose one of {', '.join(METHODS)}")
    if method == "decomposition" and (extensions or instance.lots or instance.terms.pooled.any()):
        what = "constraints of your own" if extensions else f"{(*instance.lots, *pool_names(instance))[0]}: "
        what += "" if extensions else "whole lots" if instance.lots else "pooled lots"
        raise UsageError(f"{what} need the whole program at once; leave the method out, or choose direct")
    if instance.lots:
        return _in_lots(instance, objective, extensions, gap, budget)
    return solved(instance, objective, extensions, None, gap or 0.0, budget, method)[0]


def _in_lots(instance: Instance, objective: str, extensions: Sequence[Path], gap: float | None, budget: Budget) -> Plan:
    """Return a plan in whole lots. Its bound rests on the prices of the best plan without them."""
    without = solved(without_lots(instance), objective, extensions, None, 0.0, budget)[0]
    if without.certificate.scope != without.added.scope:
        names = ", ".join(shown(one.name) for one in without.added.variables)
        raise UsageError(
            f"{names}: with whole lots a variable of your own needs bounds; give it a lower and an upper one"
        )
    found, given = routes(instance), tuple(Path(path) for path in extensions)
    task = Task(instance, found, implied(instance, found), objective, given, None, budget)
    best: Plan | None = None
    for wanted in sorted({gap or 0.0, 0.0}, reverse=True):  # what is near enough by search may not be so by proof
        best = _better(best, _searched(task, without, wanted))
        if best is None or best.stopped or best.certificate.optimal or gap is None or best.certificate.gap <= gap:
            break
    if best is None:
        return _so_far(None, instance.name)
    reached = best.certificate.optimal or (gap is not None and best.certificate.gap <= gap)
    return replace(best, stopped=not reached and (best.stopped or gap is not None))


def _searched(task: Task, without: Plan, gap: float) -> Plan | None:
    """Return the plan in whole lots that is found, proven by the prices of the best plan `without` them.

    None where the time was over before.
    """
    for answer in answers_in_lots(task, gap):
        if answer.status == "infeasible":
            raise NoLotsError(task.instance.name)
        if answer.decisions is not None:
            if answer.added.bare() != without.added.bare():
                raise UsageError(
                    f"{task.instance.lots[0]}: a constraint of your own counts lots; write it on quantities"
                )
            plan = _proven(task, answer, without.duals, answer.added.priced_as(without.added))
            if plan.certificate.feasible:
                lots = WholeLots(plan.objective, without.objective, plan.certificate.lower_bound, answer.duals)
                certificate = replace(plan.certificate, search_bound=answer.search_bound)
                return replace(plan, certificate=certificate, stopped=answer.status == "stopped", lots=lots)
        elif answer.status == "stopped":
            return None
    raise _unproven(task.instance)


def solved(
    instance: Instance,
    objective: str = "cost",
    extensions: Sequence[Path] = (),
    near: Standing | None = None,
    gap: float = 0.0,
    budget: Budget = ENDLESS,
    method: str = "direct",
    eased: Mapping[str, tuple[float, float]] = NONE,
) -> tuple[Plan, Standing | None]:
    """Return the plan as `solve` does, and where the solver stood; it starts from where it stood on a like instance.

    Whole lots and minimum orders are left out. `eased` gives rows that extensions add other ends, by name.
    """
    if objective not in MEASURES:
        raise UsageError(f"'{objective}' is no objective: choose one of {', '.join(MEASURES)}")
    instance = without_lots(instance)
    found = routes(instance)
    given = tuple(Path(path) for path in extensions)
    task = Task(instance, found, implied(instance, found), objective, given, near, budget, eased)
    best: Plan | None = None
    prices = BestPrices({}, -math.inf)
    for answer in _answers(task, gap, method):
        if answer.status == "unbounded":
            raise NoPlanError(instance.name, "unbounded")
        if answer.status == "stopped":
            return _so_far(best, instance.name), None
        if answer.status == "infeasible":
            refutation = _refuted(task, answer)
            if refutation.holds:
                raise NoPlanError(instance.name, "infeasible", refutation)
            continue
        plan, prices = _best_proven(task, answer, prices)
        best = _better(best, plan)
        if best and (best.certificate.optimal or best.certificate.gap <= gap):
            return best, answer.standing
    raise _unproven(instance)


def _answers(task: Task, gap: float, method: str) -> Iterator[Solution]:
    large = is_large(task.instance, task.found) and not task.extensions and not task.instance.terms.pooled.any()
    if method == "decomposition" or (method == "auto" and large):
        from medalopt.solver.decomposition.answers import answers as by_decomposition

        return by_decomposition(task, gap)
    return answers(task)


def is_large(instance: Instance, found: Routes) -> bool:
    """Whether the program is so large that its streams are asked by themselves."""
    return len(found) * len(instance.periods) > LARGE


def _unproven(instance: Instance) -> SolverError:
    """Return the error that nothing is proven; it names the two figures that lie farthest apart, where any do."""
    text = f"{instance.name}: no method gave an answer that can be proven, and nothing is claimed"
    spread = widest_spread(instance)
    if spread is None:
        return SolverError(f"{text}; look for a wrong unit")
    return SpreadError(f"{text}: {spread}")


def _refuted(task: Task, answer: Solution) -> Refutation:
    """Return what the multipliers show: of the instance, else of it and what was added, else of the program."""
    shown = refute(task.instance, answer.duals)
    if task.extensions and not shown.holds:
        shown, margin = refute(task.instance, answer.duals, added=answer.added), answer.compiled[0]
        if not shown.holds and margin > PROVEN:
            return as_compiled(answer.duals, margin, answer.added)
    return shown


def _so_far(best: Plan | None, name: str) -> Plan:
    if best is None:
        raise LimitError(f"{name}: the time was over before a plan was found; allow more of it")
    return replace(best, stopped=True)


def _better(one: Plan | None, other: Plan | None) -> Plan | None:
    """Return which of two plans is proven to be closer to the best."""
    return min((plan for plan in (one, other) if plan), key=lambda plan: plan.certificate.gap, default=None)


class BestPrices(NamedTuple):
    """Prices of the rows, and the bound that they prove of every plan."""

    duals: Duals
    bound: float


def _best_proven(task: Task, answer: Solution, before: BestPrices) -> tuple[Plan | None, BestPrices]:
    """Return the plan of `answer` with the prices that prove most of it, and the prices that prove most of all so far.

    The plan is None where it breaks a rule. The best prices of answers `before` may prove it optimal where its own
    do not: the bound holds for every plan.
    """
    best: Plan | None = None
    without: Duals = {}  # prices: nothing costs less than nothing
    for duals, added in (
        (answer.duals, answer.added),
        (eased_prices(answer.duals), answer.added.times(1 - HAIR)),
        (without, answer.added.times(0)),
    ):
        plan = _proven(task, answer, duals, added)
        best = _better(best, plan if plan.certificate.feasible else None)
        if plan.certificate.optimal:
            return best, before
        if plan.certificate.lower_bound > before.bound:
            before = BestPrices(duals, plan.certificate.lower_bound)
    if best is not None and answer.added == NOTHING:
        plan = _proven(task, answer, before.duals, NOTHING)
        best = plan if plan.certificate.optimal else best
    return best, before


def eased_prices(duals: Duals) -> Duals:
    """Return prices a hair smaller: where very much is on offer, the last digit of a price is worth a fortune."""
    return {rule: _times(rows, 1 - HAIR) for rule, rows in duals.items()}


def _times(rows: Mapping[Any, float], factor: float) -> Mapping[Any, float]:
    if isinstance(rows, Grid):
        return replace(rows, array=rows.array * factor)
    return {key: value * factor for key, value in rows.items()}


def _proven(task: Task, answer: Solution, duals: Duals, added: Added) -> Plan:
    assert answer.decisions is not None
    account = Account(task.instance, task.found, answer.decisions)
    linear = added == NOTHING and not task.instance.lots
    basis = Basis.of(account, task.bounds, duals, task.measure) if linear else None
    account = basis.rounded(account) if basis else account
    certificate = certify(account, task.bounds, duals, task.measure, added=added)
    certificate = basis.told(certificate) if basis else certificate
    if certificate.lower_bound == -math.inf and added.variables and not task.instance.lots:
        certificate = _as_compiled(certificate, account, task, answer)
    method = answer.method if answer.method.startswith("decomposition") else f"{answer.method}, direct"
    return Plan(task.instance, task.measure, account, duals, certificate, method, highs.version(), added=added)


def _as_compiled(certificate: Certificate, account: Account, task: Task, answer: Solution) -> Certificate:
    """A variable of the user's own without a bound, not even one that its rows imply, may pay without end for the last
    digit of a price: value, bound and rows are then those of the program as it was compiled."""
    bound, violation = answer.compiled
    gap = (answer.value - bound) / max(1.0, float(paid(account, task.measure)))
    worst = max(certificate.primal_violation, violation)
    return Certificate(worst, bound, gap, "float64", "instance and extensions as compiled")
