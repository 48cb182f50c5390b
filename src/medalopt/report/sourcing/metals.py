"""Metal account: opening stock, returns, purchases, charges, surplus and closing stock by metal and period."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medalopt.analysis.sourcing.metalaccount import MetalAccount, metal_account
from medalopt.analysis.sourcing.spread import Spread
from medalopt.instance.figures import Floats
from medalopt.plan.plan import Plan
from medalopt.report.plants import period_word
from medalopt.report.sourcing.content import Cell, Column, Table

TWICE = 2  # standard deviations
_SAYS = (
    "What was in stock of each metal, what came in, what went out and what stays. "
    "Opening, returned and bought less charged and what is left over is closing."
)
_NOTES = (
    "Low and high are two standard deviations below and above what is planned, by the cv of devices, treatments and "
    "smelters: the relative deviations of assay, recovery and return add up as squares.",
    "Lots apart: each lot (a stream by one way in one {period}) differs by itself. Lots alike: all lots of a device, "
    "of a treatment or of a smelter differ in one way, as they do where the figure itself is wrong. "
    "The truth lies between.",
    "The correlation between the metals of a device does not change these ranges: it makes metals fall short together.",
)


def tables(plan: Plan) -> tuple[Table, ...]:
    """Tabulate the metal account.

    Args:
        plan: Plan to report.

    Returns:
        The table `metal_account` [kg], a row for each metal and period.
    """
    found = metal_account(plan.account)
    listed = np.flatnonzero(found.moved).tolist()
    word = period_word(plan.instance)
    places = decimals(found.at_hand[listed, -1])
    rows = [_row(plan, found, metal, period) for metal in listed for period in range(len(plan.instance.periods))]
    notes = tuple(note.format(period=word) for note in _NOTES) if found.spread else ()
    return (Table("metal_account", "Metal account", _SAYS, _columns(found, word, places), tuple(rows), notes),)


def decimals(kilograms: Iterable[float]) -> int:
    """Choose the decimal places of a column of masses: four significant digits of the smallest, to the gram at most.

    Args:
        kilograms: Masses [kg].

    Returns:
        0 to 3.
    """
    sizes = [size for size in map(float, kilograms) if size > 0]
    return max(0, min(3, 3 - int(np.floor(np.log10(min(sizes)))))) if sizes else 0


def _columns(found: MetalAccount, word: str, places: int) -> tuple[Column, ...]:
    def kg(key: str, title: str, total: bool = False) -> Column:
        return Column(key, title, "kg", places, total)

    bands = (
        kg("returned_low_kg", "Low, lots apart"),
        kg("returned_high_kg", "High, lots apart"),
        kg("returned_low_alike_kg", "Low, lots alike"),
        kg("returned_high_alike_kg", "High, lots alike"),
    )
    return (
        Column("metal", "Metal"),
        Column("period", word.capitalize()),
        kg("opening_kg", "Opening stock"),
        kg("returned_kg", "Returned"),
        *(bands if found.spread else ()),
        kg("bought_kg", "Bought"),
        kg("charged_kg", "Charged"),
        kg("left_kg", "Sold or left over"),
        kg("closing_kg", "Closing stock"),
    )


def _row(plan: Plan, found: MetalAccount, metal: int, period: int) -> tuple[Cell, ...]:
    def at(table: Floats) -> float:
        return float(table[metal, period])

    return (
        plan.instance.metals.titles[metal],
        plan.instance.periods[period],
        at(found.opening),
        at(found.returned),
        *(_band(at(found.returned), found.spread, metal, period) if found.spread else ()),
        at(found.bought),
        at(found.charged),
        at(found.left),
        at(found.closing),
    )


def _band(returned: float, spread: Spread, metal: int, period: int) -> tuple[float, ...]:
    apart, alike = (TWICE * float(table[metal, period]) for table in (spread.apart, spread.alike))
    return (max(0.0, returned - apart), returned + apart, max(0.0, returned - alike), returned + alike)
