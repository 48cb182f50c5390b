"""Order of the tables of a plan: details first, costs and shadow prices last, next to the prompt."""

from __future__ import annotations

from medalopt.plan.plan import Plan
from medalopt.report.costs import costs
from medalopt.report.lots import at_the_lots
from medalopt.report.metals import medals, metals, offers
from medalopt.report.plants import smelters, treatments
from medalopt.report.scarce import scarcities
from medalopt.report.section import Section
from medalopt.report.sources import sections_of_sources
from medalopt.report.worth import Worth


def sections(plan: Plan, worth: Worth) -> tuple[Section, ...]:
    """Return all tables of a plan that have rows.

    Args:
        plan: Solved plan.
        worth: Marginal values of its metals.

    Returns:
        The tables; shadow prices only for a plan that is proven optimal.
    """
    made = (
        *sections_of_sources(plan),
        treatments(plan),
        smelters(plan),
        metals(plan, worth),
        offers(plan),
        medals(plan, worth),
        costs(plan),
        *((scarcities(plan, worth),) if plan.certificate.optimal else ()),
        *((at_the_lots(plan),) if plan.lots else ()),
    )
    return tuple(section for section in made if section.rows)
