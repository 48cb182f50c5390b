"""Arrays of smelters, their terms, and their conditions on the impurities of a feed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.arrays import Bools, ExactArray, ExactNumber, Ints
from medalopt.instance.instance import Impurities, Smelters, SmelterTerms
from medalopt.instance.resolve.broadcast import (
    NameAxis,
    build_by_period,
    build_column,
    build_columns,
    build_grid,
    build_metal_array,
    build_period_array,
    build_period_arrays,
    build_price_array,
    list_figures,
    mask_names,
    resolve_cascade,
    select_figure,
)
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.treatments import (
    TreatmentEntry,
    build_assays,
    build_feed_mask,
    build_recovery,
    list_treatment_entries,
    list_treatments,
)
from medalopt.instance.schema.document import SURPLUS_TITLES, Line, PenaltyStep, Smelter
from medalopt.instance.schema.field_types import NO_LIMIT, ZERO_QUANTITY
from medalopt.text import ParameterPath, escape_text
from medalopt.units import Quantity

_POOLED = "pooled"
_MAX_CONFLICTS = 20  # conflicting pairs of lines reported per smelter


def leaves_surplus(draft: Draft) -> bool:
    """Return whether surplus of any metal is left with the smelters.

    Args:
        draft: Parsed instance.

    Returns:
        True for at least one metal.
    """
    return any(metal.surplus == SURPLUS_TITLES[1] for metal in draft.document.metals.values())


def list_smelters(draft: Draft) -> dict[str, Smelter]:
    """List the smelters by name in canonical order.

    Args:
        draft: Parsed instance.

    Returns:
        Smelters (K) by name.
    """
    return dict(sorted((draft.document.smelters or {}).items()))


def list_terms_lines(smelter: Smelter) -> dict[str, Line]:
    """List the terms lines of a smelter; one named '' if it has no `terms`.

    Args:
        smelter: Section of the smelter.

    Returns:
        Terms lines by name, in canonical order.
    """
    return {"": Line()} if smelter.terms is None else dict(sorted(smelter.terms.items()))


def match_terms(
    smelter: Smelter, feeds: Bools, devices: NameAxis, entries: dict[str, TreatmentEntry]
) -> tuple[Ints, dict[tuple[int, int], tuple[int, int]]]:
    """Match each feed to the terms line of a smelter.

    Args:
        smelter: Section of the smelter.
        feeds: Mask of feeds (D, H), regardless of the smelter.
        devices: Axis of devices (D).
        entries: Treatments and fractions (H) by name.

    Returns:
        Index of the terms line of each feed (D, H), -1 if the smelter does not accept it; and up to `_MAX_CONFLICTS`
        pairs of lines that match the same feed, each with the first such feed (d, h).
    """
    taken = (feeds & mask_names(smelter.accepts, devices)[:, None]).ravel()
    line = np.full(taken.shape, -1, dtype=np.intp)
    twice: dict[tuple[int, int], tuple[int, int]] = {}
    treatments = NameAxis.from_ordered_names(entries)
    split = any(entry.parent for entry in entries.values())
    for position, terms in enumerate(list_terms_lines(smelter).values()):
        d = _find_indices(terms.devices, devices)
        h = _find_feeds(terms, entries) if split else _find_indices(terms.treatments, treatments)
        cells = (d[:, None] * len(treatments) + h).ravel()
        cells = cells[taken[cells]]
        before = line[cells]
        clash = before >= 0
        if clash.any():
            first = int(clash.argmax())
            one, two = divmod(int(cells[first]), len(treatments))
            twice[int(before[first]), position] = one, two
            if len(twice) >= _MAX_CONFLICTS:
                break
            cells = cells[~clash]
        line[cells] = position
    return line.reshape(feeds.shape), twice


def _find_indices(names: list[str] | None, axis: NameAxis) -> Ints:
    """Return the sorted, distinct indices of names on an axis; None for all."""
    if names is None:
        return np.arange(len(axis))
    return np.array(sorted({axis.index[name] for name in names if name in axis.index}), dtype=np.intp)


def _find_feeds(terms: Line, entries: dict[str, TreatmentEntry]) -> Ints:
    """Return the indices of the treatments and fractions that a line of terms names; a treatment includes its own."""
    named = None if terms.treatments is None else set(terms.treatments)
    fractions = None if terms.fractions is None else set(terms.fractions)
    found = [
        h
        for h, (name, entry) in enumerate(entries.items())
        if (named is None or (entry.parent or name) in named) and (fractions is None or entry.fraction in fractions)
    ]
    return np.array(found, dtype=np.intp)


def build_smelters(draft: Draft, devices: NameAxis, metals: NameAxis, periods: int) -> Smelters:
    """Build the arrays of the smelters.

    Returns:
        Smelters, with the terms line of each feed (K, D, H); see `Smelters` for shapes and units.
    """
    listed = list_smelters(draft)
    return Smelters(
        names=tuple(listed),
        **build_period_arrays(listed.values(), periods, "capacity"),
        **build_columns(listed.values(), "committed", "limit", "footprint", "fixed_charge"),
        lead=_build_leads(listed, metals),
        line=_build_line_index(draft, devices),
    )


def _build_leads(listed: dict[str, Smelter], metals: NameAxis) -> Ints:
    """Return the lead time of each metal at each smelter (K, E) [periods]."""
    found = np.zeros((len(listed), len(metals)), dtype=np.intp)
    for row, smelter in zip(found, listed.values(), strict=True):
        rule = smelter.lead if isinstance(smelter.lead, dict) else {"default": smelter.lead}
        row[:] = rule.get("default", 0)
        for metal, lead in rule.items():
            if metal in metals.index:
                row[metals.index[metal]] = lead
    return found


def _build_line_index(draft: Draft, devices: NameAxis) -> Ints:
    """Return the index of the terms line of each feed at each smelter (K, D, H), -1 if it is not accepted."""
    treatments = list_treatment_entries(draft)
    listed = list_smelters(draft)
    found = np.full((len(listed), len(devices), len(treatments)), -1, dtype=np.intp)
    start, result = 0, build_feed_mask(treatments, devices)
    for own, smelter in zip(found, listed.values(), strict=True):
        line, _ = match_terms(smelter, result, devices, treatments)
        own[:] = np.where(line >= 0, line + start, -1)
        start += len(list_terms_lines(smelter))
    return found


def build_terms(draft: Draft, metals: NameAxis, periods: int) -> SmelterTerms:
    """Build the arrays of all terms lines; a missing value is that of the smelter, metal by metal.

    Returns:
        Terms (L lines); see `SmelterTerms` for shapes and units.
    """
    triples = [
        (k, smelter, name, line)
        for k, smelter in enumerate(list_smelters(draft).values())
        for name, line in list_terms_lines(smelter).items()
    ]

    lines = [(smelter, line) for _, smelter, _, line in triples]

    def list_values(field: str) -> list[Any]:
        """Return the value of every line, or that of its smelter where it has none."""
        own = ((getattr(line, field), getattr(smelter, field)) for smelter, line in lines)
        return [general if value is None else value for value, general in own]

    return SmelterTerms(
        names=tuple(name for _, _, name, _ in triples),
        smelter=np.array([k for k, *_ in triples], dtype=np.intp),
        treatment_charge=build_price_array(list_values("treatment_charge"), periods),
        refining_charge=_build_refining_charges(lines, metals, periods),
        returned=_resolve_lines(lines, "returned", metals),
        deduction=_resolve_lines(lines, "deduction", metals),
        pays=_build_prices_paid(
            [smelter.pays | line.pays for smelter, line in lines if leaves_surplus(draft)], metals, periods
        ),
        pooled=np.array([lot == _POOLED for lot in list_values("settlement_lot")], dtype=np.bool_),
        minimum_lot=build_column(list_values("minimum_lot")),
        lot_charge=build_column(list_values("lot_charge")),
    )


def _resolve_lines(
    lines: list[tuple[Smelter, Line]], field: str, metals: NameAxis, period: int | None = None
) -> ExactArray:
    """Resolve a field of all lines by metal, (L, E): that of the line, else of the smelter, else 0; in a period."""
    above: dict[int, tuple[ExactNumber, dict[int, ExactNumber]]] = {}  # of lines without a rule of their own

    def select(rule: Any) -> Any:
        """Return a rule in the period."""
        if period is None or rule is None:
            return rule
        if isinstance(rule, dict):
            return {metal: select_figure(value, period) for metal, value in rule.items()}
        return select_figure(rule, period)

    def resolve(smelter: Smelter, line: Line) -> tuple[ExactNumber, dict[int, ExactNumber]]:
        """Return the number of most metals, and the exceptions."""
        own = select(getattr(line, field))
        if own is None and id(smelter) in above:
            return above[id(smelter)]
        result = resolve_cascade(own, select(getattr(smelter, field)), metals=metals, missing=ZERO_QUANTITY)
        return above.setdefault(id(smelter), result) if own is None else result

    return build_grid((resolve(*pair) for pair in lines), len(metals))


def _build_refining_charges(lines: list[tuple[Smelter, Line]], metals: NameAxis, periods: int) -> ExactArray:
    """Return the refining charge by terms line, metal and period of credit (L, E, 1 or T)."""
    rules = [rule for pair in lines for one in pair if (rule := one.refining_charge) is not None]
    values = [value for rule in rules for value in (rule.values() if isinstance(rule, dict) else [rule])]
    return build_by_period(values, periods, lambda t: _resolve_lines(lines, "refining_charge", metals, t))


def _build_prices_paid(rules: list[dict[str, Quantity | list[Quantity]]], metals: NameAxis, periods: int) -> ExactArray:
    """Return the price of metal left with the smelter by terms line, metal and period (L or 0, E, T)."""
    figures = (rule.get(metal, ZERO_QUANTITY) for rule in rules for metal in metals.names)
    flat = build_period_array(figures, periods)
    shape = (len(rules), len(metals), periods)
    return ExactArray(flat.raw.reshape(shape), flat.unit.reshape(shape), flat.factors)


_WHOLE_KG_T = 1000  # content of a tonne in a tonne, which limits nothing


class _LinePenalty(NamedTuple):
    """One penalty of one line of terms."""

    line: int
    element: str
    step: PenaltyStep


def list_conditioned_elements(draft: Draft) -> set[str]:
    """List the elements that some smelter refuses, charges or limits.

    Args:
        draft: Parsed instance.

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
        assay=build_assays(draft, own),
        recovery=build_recovery(list_treatments(draft), devices, own),
        refuse=_build_limits([{**smelter.refuse, **(line.refuse or {})} for smelter, line in lines], elements),
        limit=_build_limits([smelter.limits for smelter in smelters], elements),
        penalty_line=np.array([one.line for one in penalties], dtype=np.intp),
        penalty_element=np.array([elements.index[one.element] for one in penalties], dtype=np.intp),
        **{
            f"penalty_{name}": one
            for name, one in build_columns((one.step for one in penalties), "above", "per").items()
        },
        penalty_charge=build_price_array([one.step.charge for one in penalties], periods),
    )


def _build_limits(rows: list[Mapping[str, Quantity]], elements: NameAxis) -> ExactArray:
    """Return greatest contents (N, X), kg/t; infinite where none is given, or where it is a tonne in a tonne."""
    limiting = [{name: limit for name, limit in row.items() if limit.exact < _WHOLE_KG_T} for row in rows]
    return build_metal_array(limiting, elements, NO_LIMIT)


def _list_penalties(lines: list[tuple[Smelter, Line]]) -> Iterator[_LinePenalty]:
    """Yield the penalties of every line of terms that charge anything; those of a line replace its smelter's."""
    for number, (smelter, line) in enumerate(lines):
        for element, penalty in sorted({**smelter.penalties, **(line.penalties or {})}.items()):
            for step in penalty if isinstance(penalty, list) else [penalty]:
                if any(charge.raw for charge in list_figures(step.charge)) and step.above.exact < _WHOLE_KG_T:
                    yield _LinePenalty(number, element, step)


def check_impurities(draft: Draft) -> None:
    """Log impurities with the symbol of a metal, or called `default`.

    Args:
        draft: Parsed instance.
    """
    for name in draft.document.impurities:
        path: ParameterPath = ("impurities", name)
        if name in draft.document.metals:
            message = f"`{escape_text(name)}` is a metal: smelters may refuse, charge and limit it all the same"
            draft.add_fault(path, message, key=True, kind=FaultKind.CONFLICT)
        if name == "default":
            message = "`default` stands for every metal and impurity: give this one another symbol"
            draft.add_fault(path, message, key=True, kind=FaultKind.VALUE)
