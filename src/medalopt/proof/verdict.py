"""Verification of a saved plan, or of a saved proof of infeasibility, from the instance and its numbers alone.

The decisions, or the multipliers, of the file are evaluated again; none of its claims is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import FLOAT_ARITHMETIC
from medalopt.instance.bounds import compute_bounds, list_axis_names
from medalopt.instance.confidence import JointSplit, is_joint_split, split_joint_confidence
from medalopt.instance.instance import Instance
from medalopt.instance.payers import restrict_account
from medalopt.instance.routes import build_routes
from medalopt.proof.basis import BASIS_PROVEN, ExactBasis
from medalopt.proof.certificate import Certificate, InfeasibilityProof, certify_plan, prove_infeasibility
from medalopt.proof.confidence import LEVEL_RULE
from medalopt.proof.derived import check_derived_values, check_marginal_values
from medalopt.proof.extension_rows import evaluate_extension_costs
from medalopt.proof.extensions import NO_EXTENSIONS, place_extensions
from medalopt.proof.marginal import compute_marginal_values
from medalopt.proof.rows import ConstraintResidual, compute_residuals
from medalopt.proof.saved_plan import Violation, check_extension_rows, parse_decisions, parse_duals, parse_extensions
from medalopt.text import render_path
from medalopt.tolerances import FARKAS_TOLERANCE, FEASIBILITY_TOLERANCE, GAP_TOLERANCE

_MAX_NAMED_ROWS = 5  # violations reported by name per family


@dataclass(frozen=True)
class Verdict:
    """Result of the verification: all violations, and the recomputed certificate."""

    broken: tuple[Violation, ...]
    certificate: Certificate
    value: float  # objective value, computed from the decisions
    unit: str
    account: PlanAccount  # plan of the saved decisions
    against: tuple[Violation, ...] = ()  # violations by the decisions alone
    unchecked: tuple[str, ...] = ()  # claims that the file gives no means to check

    @property
    def accepted(self) -> bool:
        """Return whether no constraint is violated and no claim is wrong."""
        return not self.broken


def verify_plan(instance: Instance, plan: Any) -> Verdict:
    """Verify a saved plan.

    Args:
        plan: Saved plan, see `plan.schema.SavedPlan`.

    Returns:
        The verdict.
    """
    given, split = instance, parse_duals(instance, plan.duals)[0].get(LEVEL_RULE, {})
    if split and is_joint_split(instance, split):
        instance = split_joint_confidence(instance, split)
    routes = build_routes(instance)
    decisions, broken = parse_decisions(instance, routes, plan)
    account, bounds = PlanAccount(instance, routes, decisions), compute_bounds(instance, routes)
    measure = plan.objective.measure
    duals = parse_duals(instance, plan.duals)[0]
    added, unfit = parse_extensions(instance, routes, plan)
    priced, counted = restrict_account(account, measure)
    certificate = certify_plan(priced, bounds, duals, counted, added=added)
    if added == NO_EXTENSIONS and not instance.lots:
        certificate = ExactBasis.build(priced, bounds, duals, counted).add_to_certificate(certificate)
    broken = [*broken, *unfit]
    for rule in compute_residuals(account, bounds):
        broken += _violated_rows(instance, account, rule)
    rows = place_extensions(instance, routes, added, FLOAT_ARITHMETIC.lift)
    with np.errstate(over="ignore", invalid="ignore"):
        broken += check_extension_rows(account, rows)
        value = float(account.compute_objective(measure)) + float(evaluate_extension_costs(account, rows)[0])
    against = tuple(broken)
    unit = {"footprint": "kg CO2e", "mass": "t"}.get(measure, instance.currency)
    broken = [
        *check_instance_match(instance, plan),
        *_check_split(given, split),
        *against,
        *check_derived_values(account, plan, value, unit),
        *_check_certificate_claims(plan, certificate),
        *_check_lot_claims(plan, certificate, value, unit),
    ]
    if not broken:  # otherwise they may be wrong as a consequence
        broken = list(check_marginal_values(compute_marginal_values(priced, duals, unit, added), plan.prices))
    return Verdict(tuple(broken), certificate, value, unit, account, against)


def _check_split(instance: Instance, split: JointSplit) -> Iterator[Violation]:
    """Yield a violation if the saved split of a joint confidence is none."""
    if split and not is_joint_split(instance, split):
        text = "the saved confidences by metal and deadline do not sum to the joint confidence of the instance"
        yield Violation("confidence", LEVEL_RULE, 0.0, "", text)


def check_instance_match(instance: Instance, answer: Any, what: str = "plan") -> Iterator[Violation]:
    """Yield a violation if a saved answer belongs to other parameters than the instance has.

    Args:
        answer: Saved plan or statement of infeasibility.
        what: Noun for the message.

    Yields:
        At most one violation.
    """
    if answer.instance.figures != instance.figures:
        text = f"the {what} was computed from other parameter values than the instance has; solve it again"
        yield Violation("instance", answer.instance.name, 0.0, "", text)


def _violated_rows(instance: Instance, account: PlanAccount, rule: ConstraintResidual) -> list[Violation]:
    """Return the constraints of one family violated beyond the tolerance, largest violation first."""
    excess = np.atleast_1d(rule.excess)
    size = np.where(np.atleast_1d(rule.size) > 0, np.atleast_1d(rule.size), 1.0)
    with np.errstate(invalid="ignore"):
        wrong = ~(excess <= FEASIBILITY_TOLERANCE * size)
    if not wrong.any():
        return []
    index = np.argwhere(wrong)
    order = np.argsort(-excess[wrong], kind="stable")[:_MAX_NAMED_ROWS]
    rest = len(index) - len(order)
    result = []
    for number, place in enumerate(index[order]):
        amount = float(excess[tuple(place)])
        names = _row_names(instance, account, rule, place.tolist())
        more = f"; and {rest} more" if rest and number == len(order) - 1 else ""
        text = f"{rule.family}: {rule.name}[{', '.join(names)}] violated by {amount:.6g} {rule.unit}{more}"
        result.append(Violation(rule.family, render_path((rule.name, *names)), amount, rule.unit, text))
    return result


def _row_names(instance: Instance, account: PlanAccount, rule: ConstraintResidual, place: list[int]) -> list[str]:
    """Return the names of the indices of one constraint."""
    axes = list_axis_names(instance)
    names: list[str] = []
    for axis, number in zip(rule.axes, place, strict=False):
        if axis == "route":
            routes = account.routes
            smelter = routes.smelter[number]
            names += [
                instance.streams.names[routes.stream[number]],
                instance.treatments.names[routes.treatment[number]],
            ]
            names += [instance.smelters.names[smelter]] if smelter >= 0 else []
        elif axis == "bundle":
            names += instance.bundles[number]
        else:
            names.append(axes[axis][number])
    return names


def _check_certificate_claims(plan: Any, certificate: Certificate) -> Iterator[Violation]:
    """Yield every claim of the certificate that does not follow from decisions and dual values."""
    if plan.status == "optimal" and not certificate.gap <= GAP_TOLERANCE:
        text = f"the saved status is optimal, but the dual values prove only a gap of {certificate.gap:.3g}"
        yield Violation("certificate", "status", certificate.gap, "", text)
    claim = plan.certificate
    said, shown = (claim.basis, claim.exact_value), (certificate.basis, certificate.exact_value)
    if said != shown and (claim.basis == BASIS_PROVEN or claim.exact_value):
        text = f"the saved proof ({claim.basis}, exact value {claim.exact_value}) is not confirmed in exact arithmetic"
        yield Violation("certificate", "certificate.basis", 0.0, "", text)
    if claim.scope != certificate.scope:
        text = f"saved scope '{claim.scope}', recomputed '{certificate.scope}'"
        yield Violation("certificate", "certificate.scope", 0.0, "", text)
    if claim.arithmetic != certificate.arithmetic:
        text = f"saved arithmetic '{claim.arithmetic}', verified in '{certificate.arithmetic}'"
        yield Violation("certificate", "certificate.arithmetic", 0.0, "", text)
    if not claim.primal_violation >= certificate.primal_violation - FEASIBILITY_TOLERANCE:
        off, shown_off = claim.primal_violation, certificate.primal_violation
        text = f"saved largest violation {off:.3g}, recomputed {shown_off:.3g}"
        yield Violation("certificate", "certificate.primal_violation", shown_off - off, "", text)
    yield from _check_search_bound(plan, certificate)
    claimed, proven = claim.lower_bound, certificate.lower_bound
    size = max(1.0, abs(plan.objective.value))
    if not claim.gap >= certificate.gap - GAP_TOLERANCE:
        text = f"saved gap {claim.gap:.3g}, but the dual values prove only {certificate.gap:.3g}"
        yield Violation("certificate", "certificate.gap", certificate.gap - claim.gap, "", text)
    if not claimed <= proven + GAP_TOLERANCE * size:
        text = f"saved lower bound {claimed:.10g}, but the dual values prove only {proven:.10g}"
        yield Violation("certificate", "certificate.lower_bound", claimed - proven, "", text)


def _check_search_bound(plan: Any, certificate: Certificate) -> Iterator[Violation]:
    """Yield contradictions of the MIP solver's bound: it needs whole lots and must not exceed the objective value."""
    bound, value = plan.certificate.search_bound, plan.objective.value
    if bound is None:
        return
    path, slack = "certificate.search_bound", GAP_TOLERANCE * max(1.0, abs(value))
    if plan.lots is None:
        yield Violation("certificate", path, 0.0, "", "a branch-and-bound bound is saved for a plan without whole lots")
    if not bound <= value + slack:
        text = f"saved branch-and-bound bound {bound:.10g} exceeds the objective {value:.10g}"
        yield Violation("certificate", path, bound - value, "", text)


def _check_lot_claims(plan: Any, certificate: Certificate, value: float, unit: str) -> Iterator[Violation]:
    """Yield every claim about the cost of whole lots that does not follow from objective value and bounds."""
    if plan.lots is None:
        return
    claim, slack = plan.lots, GAP_TOLERANCE * max(1.0, abs(value))
    wanted = {
        "extra": max(value - claim.without, 0.0),
        "above_bound": max(value - claim.lower_bound, 0.0),
        "without": max(claim.without, certificate.lower_bound),
        "lower_bound": min(claim.lower_bound, certificate.lower_bound),
    }
    for name, follows_ in wanted.items():
        off = abs(getattr(claim, name) - follows_)
        if not off <= slack:
            text = f"lots.{name}: {getattr(claim, name):.10g} {unit} saved, {follows_:.10g} recomputed"
            yield Violation("certificate", f"lots.{name}", off, unit, text)


@dataclass(frozen=True)
class InfeasibilityVerdict:
    """Result of the verification: the wrong claims, and the proof that the multipliers give."""

    broken: tuple[Violation, ...]
    proof: InfeasibilityProof

    @property
    def accepted(self) -> bool:
        """Return whether no constraint is violated and no claim is wrong."""
        return not self.broken


def verify_infeasibility(instance: Instance, answer: Any) -> InfeasibilityVerdict:
    """Verify a saved statement that an instance is infeasible.

    Args:
        answer: Saved statement, see `plan.schema.SavedInfeasibility`.

    Returns:
        The wrong claims, and the proof.
    """
    duals, unknown = parse_duals(instance, () if answer.proof is None else answer.proof.duals)
    added, unfit = parse_extensions(instance, build_routes(instance), answer)
    shown = prove_infeasibility(instance, duals, added=added)
    broken = [
        *check_instance_match(instance, answer, "answer"),
        *unknown,
        *unfit,
        *_check_proof_claims(answer.proof, shown),
    ]
    return InfeasibilityVerdict(tuple(broken), shown)


def _check_proof_claims(proof: Any, shown: InfeasibilityProof) -> Iterator[Violation]:
    """Yield every claim about the infeasibility proof that does not follow from the multipliers."""
    if proof is None:
        text = "the file states infeasibility without Farkas multipliers; solve the instance again"
        yield Violation("proof", "status", 0.0, "", text)
    elif not shown.holds:
        text = "the Farkas multipliers prove no contradiction: the weighted constraints are consistent"
        yield Violation("proof", "proof.duals", abs(shown.margin), "", text)
    elif proof.scope != shown.scope:
        text = f"saved scope '{proof.scope}', recomputed '{shown.scope}'"
        yield Violation("proof", "proof.scope", 0.0, "", text)
    elif not proof.margin <= shown.margin * (1 + FARKAS_TOLERANCE):
        text = f"saved margin {proof.margin:.10g}, but the Farkas multipliers prove only {shown.margin:.10g}"
        yield Violation("proof", "proof.margin", proof.margin - shown.margin, "", text)
