"""Impurities of a plan: mean content of each smelter's feed by period, limits and penalties, and the terms on them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arithmetic import read_floats
from medalopt.instance.arrays import Floats
from medalopt.instance.impurities import compute_penalties
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.document import CellValue, ReportColumn, ReportTable
from medalopt.report.numbers import format_number

_DESCRIPTION = (
    "Mean content of all feed of a smelter in a period, its limit, and the penalties paid, which are part of the "
    "smelter treatment charges."
)


def _compute_route_penalties(account: PlanAccount) -> Floats:
    """Compute the penalties on every route by element, (J, X, 1 or T) money/t of devices."""
    routes = account.routes
    rates = compute_penalties(account.instance, read_floats, routes.line, routes.impurity, routes.to_smelter)
    return np.asarray(rates)


def build_impurity_table(plan: Plan) -> ReportTable:
    """Return the table of impurities by smelter and period, of feed that contains any.

    Returns:
        The table; no rows where no smelter puts conditions on its feed.
    """
    account, instance = plan.account, plan.instance
    columns = (
        ReportColumn("smelter", "smelter"),
        ReportColumn("period", "period"),
        ReportColumn("impurity", "impurity"),
        ReportColumn("feed_t", "feed", "t", style="even"),
        ReportColumn("content_kg_per_t", "mean content", "kg/t", 3),
        ReportColumn("limit_kg_per_t", "limit", "kg/t", 3, optional=True),
        ReportColumn("penalty", "penalty", instance.currency, style="money", total=True),
    )
    rows = tuple(_list_rows(account)) if instance.impurities.has_effect else ()
    return ReportTable("impurities", "Impurities", _DESCRIPTION, columns, rows)


def _list_rows(account: PlanAccount) -> Iterator[tuple[CellValue, ...]]:
    """Yield the rows: smelters, periods and elements with content in the feed."""
    instance, routes = account.instance, account.routes
    impurities, held, feed = instance.impurities, account.impurity, account.feed
    rates = _compute_route_penalties(account)
    for k, smelter in enumerate(instance.smelters.names):
        members = np.flatnonzero(routes.smelter == k)
        paid = (rates[members] * account.decisions.sent[members][:, None, :]).sum(axis=0)  # (X, T)
        for t, x in np.argwhere(held[k].T > 0).tolist():
            limit = float(impurities.limit.value[k, x])
            yield (
                smelter,
                instance.periods[t],
                impurities.titles[x],
                float(feed[k, t]),
                float(held[k, x, t] / feed[k, t]),
                limit if np.isfinite(limit) else None,
                float(paid[x, t]),
            )


def describe_acceptance(instance: Instance, smelter: int, lines: list[int]) -> tuple[str, ...]:
    """Describe the impurity limits and penalties of a smelter, for the instruction to it.

    Args:
        instance: Instance.
        smelter: Index of the smelter.
        lines: Its lines of terms that the instruction is about.

    Returns:
        Sentences; none without conditions.
    """
    impurities = instance.impurities
    sentences: dict[str, None] = {}
    for line in lines:
        of = f" ({instance.terms.names[line]})" if instance.terms.names[line] else ""
        for x in np.flatnonzero(np.isfinite(impurities.refuse.raw[line])).tolist():
            limit = format_number(float(impurities.refuse.value[line, x]))
            sentences[f"Feed with more than {limit} kg/t of {impurities.titles[x]} is not accepted{of}."] = None
        for n in np.flatnonzero(impurities.penalty_line == line).tolist():
            above, per = (
                format_number(float(part.value[n])) for part in (impurities.penalty_above, impurities.penalty_per)
            )
            charges = dict.fromkeys(map(format_number, impurities.penalty_charge.value[n].tolist()))
            charge = " to ".join(charges) if len(charges) < 3 else "the charge of its period in"
            title = impurities.titles[impurities.penalty_element[n]]
            text = f"Penalty on {title} above {above} kg/t: {charge} {instance.currency} per dry tonne of feed for each"
            sentences[f"{text} {per} kg/t, pro rata{of}."] = None
    for x in np.flatnonzero(np.isfinite(impurities.limit.raw[smelter])).tolist():
        limit = format_number(float(impurities.limit.value[smelter, x]))
        sentences[f"Mean content of all feed of a period: at most {limit} kg/t of {impurities.titles[x]}."] = None
    return tuple(sentences)
