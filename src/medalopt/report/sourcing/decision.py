"""Executive summary of a plan: cost, suppliers, benchmark, binding constraints, risks, orders and verification."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medalopt.analysis.explanation.binding import Binding
from medalopt.analysis.explanation.groups import told
from medalopt.analysis.sensitivity.premium import Premium
from medalopt.analysis.sourcing.findings import Findings
from medalopt.analysis.sourcing.payments import ORDER, payments
from medalopt.analysis.sourcing.rounding import Rounded
from medalopt.analysis.variants import SAME
from medalopt.plan.plan import Plan
from medalopt.report.answer import answer, proof
from medalopt.report.numbers import mass, money, tonnes
from medalopt.report.sensitivity.premium import lines as premium_lines
from medalopt.report.sourcing import risks, rounding
from medalopt.report.sourcing.content import Document
from medalopt.report.worth import Worth
from medalopt.wording import counted, shown

_SOURCES, _BINDING, _OFFERS = 4, 3, 4


def decision(
    plan: Plan, documents: tuple[Document, ...], found: Findings | None, in_loads: Rounded | None
) -> tuple[str, ...]:
    """Summarise the plan for the decision to sign.

    Args:
        plan: Plan to report.
        documents: Orders of the plan.
        found: Analyses around the plan; None leaves out the sentences that need further solves.
        in_loads: Cost of whole loads, for a plan in whole loads.

    Returns:
        The summary, a sentence each; the last states the verification.
    """
    first, *rest = answer(plan, Worth(plan))
    scarce = [line for line in rest if line.startswith("Scarce")]
    lines = [first, *(line for line in rest if line not in scarce)]
    if found is not None:
        lines[1:1] = _buying(plan, found.premium)
    lines += [*_taken(plan), *_bought(plan), *scarce]
    if found is not None:
        lines += [
            *_asked(plan, found, in_loads),
            *_binds(found),
            *(risks.lines(found.risks, plan.instance) if found.risks else ()),
        ]
    lines += [rounding.told(in_loads)] if in_loads else []
    return (*lines, *_drafts(documents), proof(plan))


def _buying(plan: Plan, found: Premium) -> tuple[str, ...]:
    """Return the benchmark of buying all metal, with its cost and footprint, or the reason why it is not available."""
    told = premium_lines(found, plan.instance)
    if found.cost == float("inf"):
        return told
    more, currency = plan.cost - found.cost, plan.instance.currency
    price = f"Benchmark, buying all metal: {money(found.cost, currency)}"
    if abs(more) <= SAME * max(1.0, abs(plan.cost)):
        return (f"{price}, the same.", *told[1:])
    medals = f" ({money(abs(more) / found.medals, currency)} a medal)" if found.medals else ""
    return (f"{price}, {money(abs(more), currency)} {'less' if more > 0 else 'more'}{medals}.", *told[1:])


def _taken(plan: Plan) -> tuple[str, ...]:
    """Describe the largest sources by tonnes, and the feed of each smelter."""
    sent = np.asarray(plan.account.sent)
    groups = {source.name: float(sent[source.streams].sum()) for source in told(plan.instance)}
    listed = _first({name: tons for name, tons in groups.items() if tons > 0}, tonnes, _SOURCES)
    feed = dict(zip(plan.instance.smelters.names, plan.account.feed.sum(axis=1).tolist(), strict=True))
    to = _first({name: tons for name, tons in feed.items() if tons > 0}, tonnes, _SOURCES)
    smelted = f" Smelted: {to}." if to else ""
    return (f"Taken: {listed}.{smelted}",) if listed else ()


def _bought(plan: Plan) -> tuple[str, ...]:
    bought = dict(zip(plan.instance.market.names, plan.account.bought.tolist(), strict=True))
    listed = _first({name: kg for name, kg in bought.items() if kg > 0}, mass, _OFFERS)
    spent = money(float(payments(plan.account).of(ORDER).sum()), plan.instance.currency)
    return (f"Bought for {spent}: {listed}.",) if listed else ()


def _first(amounts: dict[str, float], text: Callable[[float], str], most: int) -> str:
    """List the largest amounts by name, and the sum of the rest."""
    order = sorted(amounts, key=lambda name: (-amounts[name], name))
    told = [f"{shown(name)} {text(amounts[name])}" for name in order[:most]]
    rest = order[most:]
    more = [f"{len(rest)} more {text(sum(amounts[name] for name in rest))}"] if rest else []
    return ", ".join([*told, *more])


def _binds(found: Findings) -> tuple[str, ...]:
    listed = "; ".join(_binding(row, found.base.unit) for row in found.binding[:_BINDING])
    return (f"What binds: {listed}.",) if listed else ("Nothing binds: no figure that is loosened a little saves.",)


def _asked(plan: Plan, found: Findings, in_loads: Rounded | None) -> tuple[str, ...]:
    """Return a note where the analyses refer to the optimal plan without whole lots or loads."""
    if plan.certificate.optimal and in_loads is None:
        return ()
    whole = " without whole loads" if in_loads else " without whole lots" if plan.instance.lots else ""
    best = f"the best plan{whole} ({money(found.base.cost, plan.instance.currency)})"
    return (f"What binds, entry prices, rules and risks are those of {best}.",)


def _binding(row: Binding, unit: str) -> str:
    change = f"1 {row.unit} {'more' if row.step > 0 else 'less'}{' in each period' if row.every_period else ''}"
    return f"{shown(row.what)} ({change} saves {money(row.saves, unit)})"


def _drafts(documents: tuple[Document, ...]) -> tuple[str, ...]:
    if not documents:
        return ()
    drafts = sum(bool(one.missing) for one in documents)
    count = f"{counted(len(documents), 'document')} to sign"
    if not drafts:
        return (f"{count}, all complete.",)
    some = "" if drafts == len(documents) == 1 else "all " if drafts == len(documents) else f"{drafts:,} "
    still, lacks = ("a draft", "its party is") if drafts == 1 else ("drafts", "their parties are")
    return (f"{count}; {some}still {still}, as {lacks} not all known.",)
