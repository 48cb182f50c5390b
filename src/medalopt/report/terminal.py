"""Report of a solved plan as text: headline, then tables."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.report.answer import answer, proof
from medalopt.report.page import printed
from medalopt.report.screen import Screen, Type
from medalopt.report.sections import sections
from medalopt.report.worth import Worth


def shown_on(screen: Screen, plan: Plan) -> str:
    """Render the report of a plan as text.

    Args:
        screen: Width and style.
        plan: Solved plan.

    Returns:
        The text.
    """
    worth = Worth(plan)
    said: list[tuple[str, Type]] = [(line, "plain") for line in answer(plan, worth)]
    title = plan.instance.title or plan.instance.name
    return printed(screen, title, [*said, (proof(plan), "faint")], sections(plan, worth))
