"""The names of rows and columns in the Pyomo model and in MathProg, brought to one form."""

from __future__ import annotations

from collections.abc import Iterable

import pyomo.core as pyo

from medalopt.export.mathprog import build_axes
from medalopt.instance.instance import Instance
from medalopt.instance.smelter_terms import list_terms_names
from medalopt.linear_program import format_component_name, percent_encode

WITH_PERIOD = frozenset(
    "ship leave stockpile take feed treated returned spend stock charge buy surplus cast recharge scrap "  # noqa: SIM905
    "define_feed define_treated define_returned define_spend supply bundle_supply feed_capacity treatment_capacity "
    "cast_capacity balance reserve melt fineness_low fineness_high others demand process_scrap "
    "offer_storage charge_limit acquire offer_stock offer_balance cast_stock define_cast_stock "
    "shipped define_shipped lots ordered whole_lots least_order most_order "
    "offer_lots offer_ordered offer_whole_lots offer_least_order offer_most_order "
    "fractions withheld withheld_least withheld_most withheld_all "
    "left left_most returned_line define_returned_line impurity define_impurity impurity_limit "
    "line_feed define_line_feed line_used line_least line_most".split()
)

OF_TERMS = frozenset(
    "withheld withheld_least withheld_most withheld_all left left_most returned_line define_returned_line "  # noqa: SIM905
    "line_feed define_line_feed line_used line_least line_most".split()
)


def of_pyomo(model: pyo.ConcreteModel, kind: type) -> frozenset[str]:
    """Return the names of all active constraints or variables."""
    return frozenset(_pyomo_name(part) for part in model.component_data_objects(kind, active=True))


def of_mathprog(names: Iterable[str], instance: Instance) -> frozenset[str]:
    """Return names of `sourcing.mod` with the labels of periods for their numbers."""
    return frozenset(_with_label(name, instance) for name in names)


def _pyomo_name(part: object) -> str:
    index = part.index()  # type: ignore[attr-defined]
    component = part.parent_component().local_name  # type: ignore[attr-defined]
    if index is None:
        return format_component_name(component)
    return format_component_name(component, *(index if isinstance(index, tuple) else (index,)))


def _with_label(name: str, instance: Instance) -> str:
    component, _, index = name.rstrip("]").partition("[")
    if component not in WITH_PERIOD:
        return name
    *others, period = index.split(",")
    if component in OF_TERMS:  # a line of terms is called by its path in the model
        symbols = [symbol.strip("'") for symbol in build_axes(instance).terms]
        lines = dict(zip(symbols, list_terms_names(instance), strict=True))
        others[0] = percent_encode(lines[others[0]])
    return f"{component}[{','.join([*others, instance.periods[int(period) - 1]])}]"
