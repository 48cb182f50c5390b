"""Cost of each rule, contract and limit."""

from __future__ import annotations

from medalopt.analysis.sourcing.findings import Findings
from medalopt.report.sourcing.content import Cell, Column, Table
from medalopt.report.sourcing.currency import amount
from medalopt.wording import shown

_SAYS = "What each rule costs: the best plan with it less the best plan without it, all others staying."
_WORDS = {
    "recycled floor": "{subject} recycled, at least",
    "least share": "{subject} of all tonnes, at least",
    "greatest share": "{subject} of all tonnes, at most",
    "participation": "{subject} sends of what it offers, at least",
    "footprint cap": "footprint, at most",
    "streams committed": "contract for {subject}, at least",
    "smelters committed": "feed committed to {subject}",
    "smelters limit": "feed of {subject}, at most",
    "market committed": "contract for {subject}, at least",
    "market limit": "{subject} on offer, at most",
}


def tables(found: Findings) -> tuple[Table, ...]:
    """Tabulate the rules with their costs, the highest first.

    Args:
        found: Analyses around the plan.

    Returns:
        The table `rules`.
    """
    columns = (
        Column("rule", "Rule"),
        Column("figure", "Asks for", "", 4),
        Column("unit", "Unit"),
        Column("binds", "Binds"),
        amount("costs", "Costs", found.base.instance.currency, total=False),
        Column("path", "Where it stands", hidden=True),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            _WORDS[rule.kind].format(subject=shown(rule.subject)),
            100 * rule.figure if rule.unit == "%" else rule.figure,
            rule.unit,
            "yes" if rule.binds else "no",
            "not proven" if rule.costs is None else rule.costs,
            rule.path,
        )
        for rule in sorted(found.rules, key=lambda rule: (rule.costs is None, -(rule.costs or 0.0), rule.path))
    ]
    notes = ("They do not add up: without one rule another may take its place.",) if len(rows) > 1 else ()
    return (Table("rules", "Rules and their price", _SAYS, columns, tuple(rows), notes),)
