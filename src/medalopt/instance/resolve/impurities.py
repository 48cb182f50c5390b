"""Arrays of impurities: their content in devices, recovery, and the conditions of smelters on the content of a feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import EXACT_ZERO, ExactArray
from medalopt.instance.instance import Impurities
from medalopt.instance.paths import ParameterPath
from medalopt.instance.resolve.broadcast import (
    NameAxis,
    build_column,
    build_grid,
    build_metal_array,
    build_price_array,
    convert_quantity,
    list_figures,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.processing import (
    build_recovery,
    list_smelters,
    list_terms_lines,
    list_treatments,
)
from medalopt.instance.schema.document import Line, PenaltyStep, Smelter
from medalopt.instance.schema.field_types import NO_LIMIT
from medalopt.text import escape_text
from medalopt.units import Quantity

_WHOLE_KG_T = 1000  # content of a tonne in a tonne, which limits nothing


class _LinePenalty(NamedTuple):
    """One penalty of one line of terms."""

    line: int
    element: str
    step: PenaltyStep


def list_penalty_steps(penalty: PenaltyStep | list[PenaltyStep]) -> list[PenaltyStep]:
    """List the penalties of one element.

    Args:
        penalty: One, or a list.

    Returns:
        The penalties.
    """
    return penalty if isinstance(penalty, list) else [penalty]


def list_conditioned_elements(draft: Draft) -> set[str]:
    """List the elements that some smelter refuses, charges or limits.

    Returns:
        Names of metals and impurities.
    """
    named: set[str] = set()
    for smelter in list_smelters(draft).values():
        named |= smelter.refuse.keys() | smelter.penalties.keys() | smelter.limits.keys()
        for line in list_terms_lines(smelter).values():
            named |= (line.refuse or {}).keys() | (line.penalties or {}).keys()
    return named


def build_impurities(draft: Draft, devices: NameAxis, metals: NameAxis, periods: int) -> Impurities:
    """Build the arrays of impurities, and of metals that some smelter refuses, charges or limits.

    Conditions without effect (100 % or more accepted, no charge) are left out.

    Returns:
        Impurities; see `Impurities` for shapes and units.
    """
    stated = draft.document.impurities
    elements = NameAxis.from_names({*stated, *(list_conditioned_elements(draft) & metals.index.keys())})
    own = NameAxis(elements.names, {name: index for name, index in elements.index.items() if name in stated})
    titles = {name: one.title for name, one in draft.document.metals.items()}
    titles |= {name: one.title for name, one in stated.items()}
    smelters = list_smelters(draft).values()
    lines = [(smelter, line) for smelter in smelters for line in list_terms_lines(smelter).values()]
    penalties = list(_list_penalties(lines))
    return Impurities(
        names=elements.names,
        titles=tuple(titles[name] or name for name in elements.names),
        metal=np.array([metals.index.get(name, -1) for name in elements.names], dtype=np.intp),
        assay=_build_assays(draft, own),
        recovery=build_recovery(list_treatments(draft), devices, own),
        refuse=_build_limits([{**smelter.refuse, **(line.refuse or {})} for smelter, line in lines], elements),
        limit=_build_limits([smelter.limits for smelter in smelters], elements),
        penalty_line=np.array([one.line for one in penalties], dtype=np.intp),
        penalty_element=np.array([elements.index[one.element] for one in penalties], dtype=np.intp),
        penalty_above=build_column(one.step.above for one in penalties),
        penalty_per=build_column(one.step.per for one in penalties),
        penalty_charge=build_price_array([one.step.charge for one in penalties], periods),
    )


def _build_assays(draft: Draft, own: NameAxis) -> ExactArray:
    """Return the content of impurities in each device (D, X), kg/t."""
    masses = draft.unit_mass
    rows = [
        (
            EXACT_ZERO,
            {
                own.index[element]: convert_quantity(quantity, masses.get(name))
                for element, quantity in device.content.items()
                if element in own.index
            },
        )
        for name, device in sorted(draft.document.devices.items())
    ]
    return build_grid(rows, len(own))


def _build_limits(rows: list[Mapping[str, Quantity]], elements: NameAxis) -> ExactArray:
    """Return greatest contents (N, X), kg/t; infinite where none is given, or where it is a tonne in a tonne."""
    limiting = [{name: limit for name, limit in row.items() if limit.exact < _WHOLE_KG_T} for row in rows]
    return build_metal_array(limiting, elements, NO_LIMIT)


def _list_penalties(lines: list[tuple[Smelter, Line]]) -> Iterator[_LinePenalty]:
    """Yield the penalties of every line of terms that charge anything; those of a line replace its smelter's."""
    for number, (smelter, line) in enumerate(lines):
        for element, penalty in sorted({**smelter.penalties, **(line.penalties or {})}.items()):
            for step in list_penalty_steps(penalty):
                if any(charge.raw for charge in list_figures(step.charge)) and step.above.exact < _WHOLE_KG_T:
                    yield _LinePenalty(number, element, step)


def check_impurities(draft: Draft) -> None:
    """Log impurities with the symbol of a metal, or called `default`."""
    for name in draft.document.impurities:
        path: ParameterPath = ("impurities", name)
        if name in draft.document.metals:
            message = f"`{escape_text(name)}` is a metal: smelters may refuse, charge and limit it all the same"
            draft.add_fault(path, message, key=True, kind=FaultKind.CONFLICT)
        if name == "default":
            message = "`default` stands for every metal and impurity: give this one another symbol"
            draft.add_fault(path, message, key=True, kind=FaultKind.VALUE)
