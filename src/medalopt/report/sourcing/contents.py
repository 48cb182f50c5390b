"""The sourcing plan gathered from its parts, in the order in which one reads them."""

from __future__ import annotations

from medalopt import __version__
from medalopt.analysis.sourcing.rounding import Rounded
from medalopt.plan.plan import Plan
from medalopt.report.answer import answer, proof
from medalopt.report.sourcing import (
    award,
    charts_cost,
    charts_flow,
    charts_metal,
    charts_months,
    melting,
    metals,
    papers,
    rounding,
    spend,
    tracing,
)
from medalopt.report.sourcing.content import Content
from medalopt.report.sourcing.documents import documents, listed
from medalopt.report.worth import Worth

PARTS = (
    award.tables,
    spend.tables,
    metals.tables,
    melting.tables,
    tracing.tables,
    papers.tables,
)  # each Plan -> tables
PICTURES = (charts_cost.charts, charts_months.charts, charts_metal.charts, charts_flow.charts)  # each Plan -> charts


def contents(plan: Plan, in_loads: Rounded | None = None) -> Content:
    """Return all that the sourcing plan says of `plan`."""
    orders = documents(plan)
    parts = (table for part in PARTS for table in part(plan))
    return Content(
        plan.instance.title or plan.instance.name,
        (*answer(plan, Worth(plan)), *((rounding.told(in_loads),) if in_loads else ())),
        tuple(table for table in (listed(plan, orders), *parts) if table.rows),
        orders,
        tuple(chart for pictures in PICTURES for chart in pictures(plan)),
        foot(plan),
    )


def foot(plan: Plan) -> tuple[str, ...]:
    """Return the certificate in a line, and from which figures and versions the plan was made."""
    return (
        proof(plan),
        f"Figures of {plan.instance.name}: sha256 {plan.instance.figures}.",
        f"medalopt {__version__}, HiGHS {plan.solver}, {plan.method}.",
    )
