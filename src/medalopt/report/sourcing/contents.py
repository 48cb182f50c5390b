"""Procurement report of a plan, assembled from its tables, orders and charts."""

from __future__ import annotations

from medalopt import __version__
from medalopt.analysis.sourcing.findings import Findings
from medalopt.analysis.sourcing.rounding import Rounded
from medalopt.instance.written import Written
from medalopt.plan.plan import Plan
from medalopt.report.sourcing import (
    assumptions,
    award,
    charts_cost,
    charts_flow,
    charts_metal,
    charts_months,
    exposure,
    melting,
    metals,
    papers,
    risks,
    rules,
    spend,
    tracing,
)
from medalopt.report.sourcing.content import Content, Table
from medalopt.report.sourcing.decision import decision
from medalopt.report.sourcing.documents import documents, listed

PICTURES = (
    charts_cost.charts,
    charts_months.charts,
    charts_metal.charts,
    charts_flow.charts,
)  # each from a Plan to its charts


def contents(
    plan: Plan,
    in_loads: Rounded | None = None,
    found: Findings | None = None,
    written: Written | None = None,
    *,
    pictures: bool = True,
) -> Content:
    """Build the procurement report of a plan.

    Args:
        plan: Plan to report.
        in_loads: Cost of whole loads, for a plan in whole loads.
        found: Analyses around the plan (entry prices, rule costs, risks); None leaves them out.
        written: Parameters as the instance file writes them.
        pictures: Include charts.

    Returns:
        The report in reading order; tables without rows are left out.
    """
    orders = documents(plan)
    tables = (
        listed(plan, orders),
        *award.tables(plan, found.entry if found else None),
        *spend.tables(plan),
        *exposure.tables(plan),
        *metals.tables(plan),
        *melting.tables(plan),
        *_around(plan, found),
        *tracing.tables(plan),
        *papers.tables(plan),
        *assumptions.tables(plan.instance, written),
    )
    return Content(
        plan.instance.title or plan.instance.name,
        decision(plan, orders, found, in_loads),
        tuple(table for table in tables if table.rows),
        orders,
        tuple(chart for charts in PICTURES for chart in charts(plan)) if pictures else (),
        foot(plan),
    )


def _around(plan: Plan, found: Findings | None) -> tuple[Table, ...]:
    if found is None:
        return ()
    return (*rules.tables(found), *(risks.tables(found.risks, plan.instance) if found.risks else ()))


def foot(plan: Plan) -> tuple[str, ...]:
    """Return the hash of the instance and the versions of program and solver."""
    return (
        f"Figures of {plan.instance.name}: sha256 {plan.instance.figures}.",
        f"medalopt {__version__}, HiGHS {plan.solver}, {plan.method}.",
    )
