"""The one orchestrator: instance, program, answers, proof, plan."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from medalopt.errors import NoPlanError, SolverError, UsageError
from medalopt.instance.bounds import implied
from medalopt.instance.decisions import Account
from medalopt.instance.instance import Instance
from medalopt.instance.routes import routes
from medalopt.model.objective import MEASURES
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import Certificate, certify, paid
from medalopt.proof.farkas import Refutation, as_compiled, refute
from medalopt.proof.prices import Duals
from medalopt.solver import highs
from medalopt.solver.infeasible import PROVEN
from medalopt.solver.ladder import Task, answers
from medalopt.solver.solution import Solution
from medalopt.solver.standing import Standing

HAIR = 2.0**-40  # by which a price may be eased without moving a bound by as much as a certificate measures


def solve(instance: Instance, objective: str = "cost", extensions: Sequence[Path] = ()) -> Plan:
    """Return the best plan of `instance`, proven; ties in `objective` by cost, then by tonnes.

    Raises NoPlanError where none exists, UsageError where the question cannot be asked, and SolverError where
    no method's answer can be proven.
    """
    return solved(instance, objective, extensions)[0]


def solved(
    instance: Instance, objective: str = "cost", extensions: Sequence[Path] = (), near: Standing | None = None
) -> tuple[Plan, Standing | None]:
    """Return the plan as `solve` does, and where the solver stood; it starts from where it stood on a like instance."""
    if objective not in MEASURES:
        raise UsageError(f"'{objective}' is no objective: choose one of {', '.join(MEASURES)}")
    if instance.lots:
        raise UsageError(
            f"{instance.lots[0]}: whole lots and minimum orders cannot be planned yet; "
            "leave them out, and round the plan by hand"
        )
    found = routes(instance)
    task = Task(instance, found, implied(instance, found), objective, tuple(Path(path) for path in extensions), near)
    for answer in answers(task):
        if answer.status == "unbounded":
            raise NoPlanError(instance.name, "unbounded")
        if answer.status == "infeasible":
            refutation = _refuted(task, answer)
            if refutation.holds:
                raise NoPlanError(instance.name, "infeasible", refutation)
            continue
        for duals in (answer.duals, _eased(answer.duals)):
            plan = _proven(task, answer, duals)
            if plan.certificate.optimal:
                return plan, answer.standing
    raise SolverError(
        f"{instance.name}: no method gave an answer that can be proven, and nothing is claimed; "
        "look for figures that lie very far apart, such as a wrong unit"
    )


def _refuted(task: Task, answer: Solution) -> Refutation:
    """Return what the multipliers show of the instance; where a user's own rows are needed for it, of the program."""
    refutation, margin = refute(task.instance, answer.duals), answer.compiled[0]
    if task.extensions and not refutation.holds and margin > PROVEN:
        return as_compiled(answer.duals, margin)
    return refutation


def _eased(duals: Duals) -> Duals:
    """Return prices a hair smaller: where very much is on offer, the last digit of a price is worth a fortune."""
    return {rule: {key: value * (1 - HAIR) for key, value in rows.items()} for rule, rows in duals.items()}


def _proven(task: Task, answer: Solution, duals: Duals) -> Plan:
    assert answer.decisions is not None
    account = Account(task.instance, task.found, answer.decisions)
    certificate = certify(account, task.bounds, duals, task.measure)
    if task.extensions:
        certificate = _with_extensions(certificate, account, task, answer)
    return Plan(task.instance, task.measure, account, duals, certificate, f"{answer.method}, direct", highs.version())


def _with_extensions(certificate: Certificate, account: Account, task: Task, answer: Solution) -> Certificate:
    """Rows of a user's own are in no instance: value, bound and rows are those of the program as it was compiled."""
    bound, violation = answer.compiled
    gap = (answer.value - bound) / max(1.0, float(paid(account, task.measure)))
    worst = max(certificate.primal_violation, violation)
    return Certificate(worst, bound, gap, "float64", "instance and extensions as compiled")
