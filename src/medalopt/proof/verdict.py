"""Whether a saved plan is right, from the instance and the plan's decisions alone; no bound that it states counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.arithmetic import FLOATS
from medalopt.instance.bounds import implied
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.paths import render
from medalopt.instance.routes import route_costs, routes
from medalopt.proof import stated_added
from medalopt.proof.added import NOTHING
from medalopt.proof.basis import PROVEN, Basis
from medalopt.proof.certificate import GAP, Certificate, certify
from medalopt.proof.placed import placed
from medalopt.proof.rows import BROKEN, Rule, rules
from medalopt.proof.stated import Broken, decided, priced
from medalopt.proof.subject import costs

MOST_OF_ONE = 5  # rows of one rule that are named


@dataclass(frozen=True)
class Verdict:
    """What was found: every broken rule, and what is proven of the plan as it stands."""

    broken: tuple[Broken, ...]
    certificate: Certificate
    value: float  # of the measure, by arithmetic on the decisions
    unit: str

    @property
    def accepted(self) -> bool:
        """Whether the plan may be used as what it says it is."""
        return not self.broken


def verdict(instance: Instance, plan: Any) -> Verdict:
    """Return the verdict on the saved `plan` (see `plan.saved`) of `instance`."""
    found = routes(instance)
    made, broken = decided(instance, found, plan)
    account, bounds = Account(instance, found, made), implied(instance, found)
    measure = plan.objective.measure
    duals = priced(instance, plan.duals)[0]
    added, unfit = stated_added.added(instance, found, plan)
    certificate = certify(account, bounds, duals, measure, added=added)
    if added == NOTHING and not instance.lots:
        certificate = Basis.of(account, bounds, duals, measure).told(certificate)
    broken = [*stale(instance, plan), *broken, *unfit]
    for rule in rules(account, bounds):
        broken += _broken_rows(instance, account, rule)
    rows = placed(instance, found, added, FLOATS.lift)
    with np.errstate(over="ignore", invalid="ignore"):
        broken += stated_added.broken(account, rows)
        value = float(account.value(measure)) + float(costs(account, rows)[0])
    broken += [*_stated(instance, account, plan, value), *_claims(plan, certificate)]
    unit = {"footprint": "kg CO2e", "mass": "t"}.get(measure, instance.currency)
    return Verdict(tuple(broken), certificate, value, unit)


def stale(instance: Instance, answer: Any, what: str = "plan") -> Iterator[Broken]:
    """Yield that a saved `answer` is of other figures than the instance has, where it is."""
    if answer.instance.figures != instance.figures:
        text = f"the {what} was made for other figures than the instance has now; solve it anew"
        yield Broken("instance", answer.instance.name, 0.0, "", text)


def _broken_rows(instance: Instance, account: Account, rule: Rule) -> list[Broken]:
    """Return the rows of one rule that are broken by more than the tolerance, the worst first."""
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
    axes = {
        "stream": instance.streams.names,
        "treatment": instance.treatments.names,
        "smelter": instance.smelters.names,
        "metal": instance.metals.names,
        "alloy": instance.alloys.names,
        "offer": instance.market.names,
        "region": instance.regions,
        "window": instance.policy.windows,
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


def _stated(instance: Instance, account: Account, plan: Any, value: float) -> Iterator[Broken]:
    """Whatever the plan states beside its decisions must follow from them."""
    by_kind = {kind: float(by_period.sum()) for kind, by_period in account.costs.items()}
    by_kind["total"] = float(account.cost)
    size = max(1.0, sum(abs(by_period).sum() for by_period in account.costs.values()))
    if set(plan.cost) != set(by_kind):
        yield Broken("cost", "cost", 0.0, "", f"the cost must have the kinds {', '.join(by_kind)}")
    for kind in by_kind.keys() & plan.cost.keys():
        yield from _differs("cost", f"cost.{kind}", plan.cost[kind], by_kind[kind], size, instance.currency)
    yield from _differs("objective", "objective.value", plan.objective.value, value, max(size, abs(value)), "")
    emitted, tonnes = float(account.footprint), float(account.tonnes)
    yield from _differs("footprint", "footprint", plan.footprint, emitted, max(1.0, abs(emitted)), "kg CO2e")
    yield from _differs("mass", "tonnes", plan.tonnes, tonnes, max(1.0, tonnes), "t")
    yield from _tables(instance, account, plan)


def _differs(rule: str, path: str, stated: float, true: float, size: float, unit: str) -> Iterator[Broken]:
    off = abs(stated - true)
    if not off <= BROKEN * size:
        text = f"{path} is stated as {stated:.10g}, and its parts give {true:.10g}: {off:.6g} {unit} apart".rstrip()
        yield Broken(rule, path, off, unit, text)


def _tables(instance: Instance, account: Account, plan: Any) -> Iterator[Broken]:
    prices = instance.market.price.value
    spent = route_costs(instance, account.found) * account.decisions.sent
    yield from _sum("shipments.cost", [row.cost for row in plan.shipments], spent, instance.currency)
    paid = prices[:, None, :] * account.decisions.bought
    yield from _sum("purchases.cost", [row.cost for row in plan.purchases], paid, instance.currency)
    metals = {(row.metal, row.period): row for row in plan.metals}
    back, used = account.returned.sum(axis=0), account.decisions.charged.sum(axis=0)
    turnover = instance.metals.opening_stock.value + back.sum(axis=1)
    for e, metal in enumerate(instance.metals.names):
        for t, period in enumerate(instance.periods):
            row = metals.get((metal, period))
            if row is None:
                text = f"metals: the row {metal}, {period} is missing; every metal and period has one"
                yield Broken("metal balance", f"metals.{metal}", 0.0, "kg", text)
                continue
            for name, true in (("returned", back[e, t]), ("used", used[e, t]), ("stock", account.stock[e, t])):
                path = f"metals.{metal}.{name}, {period}"
                yield from _differs("metal balance", path, getattr(row, name), true, max(turnover[e], 1e-3), "kg")
    casts = {(row.alloy, row.period): row for row in plan.casts}
    cast, charge = account.cast, account.charge
    for a, alloy in enumerate(instance.alloys.names):
        for t, period in enumerate(instance.periods):
            row = casts.get((alloy, period))
            for name, true in (("charged", charge[a, t]), ("cast", cast[a, t])):
                stated = getattr(row, name) if row is not None else 0.0
                path = f"casts.{alloy}.{name}, {period}"
                yield from _differs("melt", path, stated, true, max(1e-3, cast[a].sum(), abs(true)), "kg")


def _sum(path: str, stated: list[float], true: Floats, unit: str) -> Iterator[Broken]:
    yield from _differs("cost", path, sum(stated), float(true.sum()), max(1.0, float(abs(true).sum())), unit)


def _claims(plan: Any, certificate: Certificate) -> Iterator[Broken]:
    """What the plan claims must be proven anew from its prices; where it cannot be, the claim falls."""
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
    claimed, proven = claim.lower_bound, certificate.lower_bound
    size = max(1.0, abs(plan.objective.value))
    if not plan.certificate.gap >= certificate.gap - GAP:
        text = f"a gap of {plan.certificate.gap:.3g} is claimed, and the prices prove only one of {certificate.gap:.3g}"
        yield Broken("certificate", "certificate.gap", certificate.gap - plan.certificate.gap, "", text)
    if not claimed <= proven + GAP * size:
        text = f"the lower bound {claimed:.10g} is claimed, and only {proven:.10g} follows from the prices"
        yield Broken("certificate", "certificate.lower_bound", claimed - proven, "", text)
