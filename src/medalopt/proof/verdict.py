"""Verification of a saved plan from the instance and the plan's decisions alone; none of its claims is trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import FLOATS
from medalopt.instance.bounds import implied
from medalopt.instance.decisions import Account
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.instance.pooling import pool_names
from medalopt.instance.routes import routes
from medalopt.proof import stated_added
from medalopt.proof.added import NOTHING
from medalopt.proof.basis import PROVEN, Basis
from medalopt.proof.certificate import GAP, Certificate, certify
from medalopt.proof.follows import follows, told_prices
from medalopt.proof.marginal import marginals
from medalopt.proof.placed import placed
from medalopt.proof.rows import BROKEN, Rule, rules
from medalopt.proof.stated import Broken, decided, priced
from medalopt.proof.subject import costs

MOST_OF_ONE = 5  # violations reported by name per family


@dataclass(frozen=True)
class Verdict:
    """Result of the verification: all violations, and the recomputed certificate."""

    broken: tuple[Broken, ...]
    certificate: Certificate
    value: float  # objective value, computed from the decisions
    unit: str
    account: Account  # plan of the saved decisions
    against: tuple[Broken, ...] = ()  # violations by the decisions alone
    unchecked: tuple[str, ...] = ()  # claims that the file gives no means to check

    @property
    def accepted(self) -> bool:
        """True if no constraint is violated and no claim is wrong."""
        return not self.broken


def verdict(instance: Instance, plan: Any) -> Verdict:
    """Verify a saved plan.

    Args:
        instance: Instance.
        plan: Saved plan, see `plan.schema.SavedPlan`.

    Returns:
        The verdict.
    """
    found = routes(instance)
    made, broken = decided(instance, found, plan)
    account, bounds = Account(instance, found, made), implied(instance, found)
    measure = plan.objective.measure
    duals = priced(instance, plan.duals)[0]
    added, unfit = stated_added.added(instance, found, plan)
    certificate = certify(account, bounds, duals, measure, added=added)
    if added == NOTHING and not instance.lots:
        certificate = Basis.of(account, bounds, duals, measure).told(certificate)
    broken = [*broken, *unfit]
    for rule in rules(account, bounds):
        broken += _broken_rows(instance, account, rule)
    rows = placed(instance, found, added, FLOATS.lift)
    with np.errstate(over="ignore", invalid="ignore"):
        broken += stated_added.broken(account, rows)
        value = float(account.value(measure)) + float(costs(account, rows)[0])
    against = tuple(broken)
    unit = {"footprint": "kg CO2e", "mass": "t"}.get(measure, instance.currency)
    broken = [
        *stale(instance, plan),
        *against,
        *follows(account, plan, value, unit),
        *_claims(plan, certificate),
        *_lots(plan, certificate, value, unit),
    ]
    if not broken:  # otherwise they may be wrong as a consequence
        broken = list(told_prices(marginals(account, duals, unit, added), plan.prices))
    return Verdict(tuple(broken), certificate, value, unit, account, against)


def stale(instance: Instance, answer: Any, what: str = "plan") -> Iterator[Broken]:
    """Yield a violation if a saved answer belongs to other parameters than the instance has.

    Args:
        instance: Instance.
        answer: Saved plan or statement of infeasibility.
        what: Noun for the message.

    Yields:
        At most one violation.
    """
    if answer.instance.figures != instance.figures:
        text = f"the {what} was made for other figures than the instance has now; solve it anew"
        yield Broken("instance", answer.instance.name, 0.0, "", text)


def _broken_rows(instance: Instance, account: Account, rule: Rule) -> list[Broken]:
    """Return the constraints of one family violated beyond the tolerance, largest violation first."""
    excess = np.atleast_1d(rule.excess)
    size = np.where(np.atleast_1d(rule.size) > 0, np.atleast_1d(rule.size), 1.0)
    with np.errstate(invalid="ignore"):
        wrong = ~(excess <= BROKEN * size)
    if not wrong.any():
        return []
    at = np.argwhere(wrong)
    order = np.argsort(-excess[wrong], kind="stable")[:MOST_OF_ONE]
    rest = len(at) - len(order)
    found = []
    for number, place in enumerate(at[order]):
        amount = float(excess[tuple(place)])
        names = _names(instance, account, rule, place.tolist())
        more = f"; and {rest} more" if rest and number == len(order) - 1 else ""
        text = f"{rule.family}: {rule.name}[{', '.join(names)}] is broken by {amount:.6g} {rule.unit}{more}"
        found.append(Broken(rule.family, render((rule.name, *names)), amount, rule.unit, text))
    return found


def _names(instance: Instance, account: Account, rule: Rule, place: list[int]) -> list[str]:
    """Return the names of the indices of one constraint."""
    axes = {
        "stream": instance.streams.names,
        "treatment": instance.treatments.names,
        "smelter": instance.smelters.names,
        "metal": instance.metals.names,
        "alloy": instance.alloys.names,
        "offer": instance.market.names,
        "region": instance.regions,
        "window": instance.policy.windows,
        "pool": pool_names(instance),
        "period": instance.periods,
    }
    names: list[str] = []
    for axis, number in zip(rule.axes, place, strict=False):
        if axis == "route":
            found = account.found
            smelter = found.smelter[number]
            names += [instance.streams.names[found.stream[number]], instance.treatments.names[found.treatment[number]]]
            names += [instance.smelters.names[smelter]] if smelter >= 0 else []
        elif axis == "bundle":
            names += instance.bundles[number]
        else:
            names.append(axes[axis][number])
    return names


def _claims(plan: Any, certificate: Certificate) -> Iterator[Broken]:
    """Yield every claim of the certificate that does not follow from decisions and dual values."""
    if plan.status == "optimal" and not certificate.gap <= GAP:
        text = f"the plan is called optimal, and its prices prove only a gap of {certificate.gap:.3g}"
        yield Broken("certificate", "status", certificate.gap, "", text)
    claim = plan.certificate
    said, shown = (claim.basis, claim.exact_value), (certificate.basis, certificate.exact_value)
    if said != shown and (claim.basis == PROVEN or claim.exact_value):
        text = f"the basis is called {claim.basis} ({claim.exact_value}), and fractions do not show it"
        yield Broken("certificate", "certificate.basis", 0.0, "", text)
    if claim.scope != certificate.scope:
        text = f"what is claimed is said of '{claim.scope}', and the plan holds '{certificate.scope}'"
        yield Broken("certificate", "certificate.scope", 0.0, "", text)
    if claim.arithmetic != certificate.arithmetic:
        text = f"it is claimed in the arithmetic '{claim.arithmetic}', and can be shown in '{certificate.arithmetic}'"
        yield Broken("certificate", "certificate.arithmetic", 0.0, "", text)
    if not claim.primal_violation >= certificate.primal_violation - BROKEN:
        off, shown_off = claim.primal_violation, certificate.primal_violation
        text = f"a violation of {off:.3g} at most is claimed, and it is {shown_off:.3g}"
        yield Broken("certificate", "certificate.primal_violation", shown_off - off, "", text)
    yield from _search_bound(plan, certificate)
    claimed, proven = claim.lower_bound, certificate.lower_bound
    size = max(1.0, abs(plan.objective.value))
    if not claim.gap >= certificate.gap - GAP:
        text = f"a gap of {claim.gap:.3g} is claimed, and the prices prove only one of {certificate.gap:.3g}"
        yield Broken("certificate", "certificate.gap", certificate.gap - claim.gap, "", text)
    if not claimed <= proven + GAP * size:
        text = f"the lower bound {claimed:.10g} is claimed, and only {proven:.10g} follows from the prices"
        yield Broken("certificate", "certificate.lower_bound", claimed - proven, "", text)


def _search_bound(plan: Any, certificate: Certificate) -> Iterator[Broken]:
    """Yield contradictions of the MIP solver's bound: it needs whole lots and must not exceed the objective value."""
    bound, value = plan.certificate.search_bound, plan.objective.value
    if bound is None:
        return
    path, slack = "certificate.search_bound", GAP * max(1.0, abs(value))
    if plan.lots is None:
        yield Broken("certificate", path, 0.0, "", "a bound of a search is stated, and the plan is in no whole lots")
    if not bound <= value + slack:
        text = f"the search is said to have shown {bound:.10g} at least, and the plan comes to {value:.10g}"
        yield Broken("certificate", path, bound - value, "", text)


def _lots(plan: Any, certificate: Certificate, value: float, unit: str) -> Iterator[Broken]:
    """Yield every claim about the cost of whole lots that does not follow from objective value and bounds."""
    if plan.lots is None:
        return
    claim, slack = plan.lots, GAP * max(1.0, abs(value))
    wanted = {
        "extra": max(value - claim.without, 0.0),
        "above_bound": max(value - claim.lower_bound, 0.0),
        "without": max(claim.without, certificate.lower_bound),
        "lower_bound": min(claim.lower_bound, certificate.lower_bound),
    }
    for name, follows_ in wanted.items():
        off = abs(getattr(claim, name) - follows_)
        if not off <= slack:
            text = f"lots.{name}: {getattr(claim, name):.10g} {unit} is said, and {follows_:.10g} follows"
            yield Broken("certificate", f"lots.{name}", off, unit, text)
