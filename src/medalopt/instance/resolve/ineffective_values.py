"""Values without effect: overridden wherever they would apply, or without anything to apply to.

Each is a warning if the file contains it, and an error if a scenario or `--set` does.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from medalopt.errors import FaultKind
from medalopt.instance.reader.files import pause_garbage_collection
from medalopt.instance.reader.rows import CellColumn
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, find_node
from medalopt.instance.resolve.broadcast import Figure, find_covered_metals, list_figures
from medalopt.instance.resolve.checks import collect_addressees
from medalopt.instance.resolve.parsed_document import Draft
from medalopt.instance.resolve.row_validation import name_stream_rows
from medalopt.instance.resolve.smelters import list_conditioned_elements, list_smelters, list_terms_lines
from medalopt.instance.schema.document import SURPLUS_TITLES, Line, Smelter, Treatment, TreatmentFraction
from medalopt.text import ParameterPath, PathError, escape_text, parse_path, suggest_name

_METAL_FIELDS = ("refining_charge", "returned", "deduction", "pays")
_ELEMENT_FIELDS = ("refuse", "penalties")
_LINE_FIELDS = sorted((Line.model_fields.keys() & Smelter.model_fields.keys()) - {*_METAL_FIELDS, *_ELEMENT_FIELDS})
_EVERY_LINE = "every line of `terms` has its own"
_EVERY_METAL = "every metal has its own"
_NOT_PER_UNIT = "no parameter of this device is given per unit"
_CURRENCY_CODE = re.compile(r"[A-Z]{3}")
_PIECE_UNIT = re.compile(r"(?<![A-Za-z_])(?:unit|pcs)(?![A-Za-z_])")
_TEXT_COLUMNS = ("name", "device", "region", "smelter", "bundle", "payer", "note", "source")  # columns without numbers

Reasons = Mapping[ParameterPath, str]
_MetalRule = Figure | Mapping[str, Figure] | None
NO_REASONS: Reasons = MappingProxyType({})


@pause_garbage_collection()
def find_ineffective(draft: Draft, changed: Collection[str] | None = None, before: Reasons = NO_REASONS) -> Reasons:
    """Find the values of an instance that have no effect.

    Args:
        draft: Parsed instance.
        changed: Sections in which it differs from the instance of `before`; None searches all.
        before: Result for that other instance.

    Returns:
        Reason by path.
    """
    result: dict[ParameterPath, str] = {path: one for path, one in before.items() if changed and path[0] not in changed}
    if changed is not None:  # scenarios are applied one at a time
        draft = dataclasses.replace(draft, document=draft.document.model_copy(update={"scenarios": {}}))
    for finder, sections in _FINDERS.items():
        if changed is None or not sections.isdisjoint(changed):
            result |= {path: reason for path, reason in finder(draft) if _is_written(draft, path)}
    return result


def warn_ineffective(draft: Draft, reasons: Reasons) -> None:
    """Warn of each value without effect, except an unused unit mass.

    Args:
        draft: Parsed instance.
        reasons: Reason by path.
    """
    for path, reason in reasons.items():
        if reason != _NOT_PER_UNIT:  # a unit mass may be given for later use
            draft.add_warning(path, f"has no effect: {reason}", kind=FaultKind.NO_EFFECT)


def find_reason(path: ParameterPath, reasons: Reasons) -> str | None:
    """Find the reason why a value and everything below its path have no effect.

    Args:
        path: Path of the value.
        reasons: Reason by path.

    Returns:
        The reason; None if the value has an effect.
    """
    return next((reasons[path[:size]] for size in range(len(path), 0, -1) if path[:size] in reasons), None)


def _is_written(draft: Draft, path: ParameterPath) -> bool:
    """Test if the file contains a value that is not null."""
    if path[0] == "streams":
        return True  # taken from its row
    node = find_node(draft.root, path)
    return node is not None and not (isinstance(node, ScalarNode) and node.null)


def _find_overridden_terms(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield values of a smelter that every terms line overrides."""
    for name, smelter in list_smelters(draft).items():
        if smelter.terms is None:
            continue
        lines = list(smelter.terms.values())
        reason = _EVERY_LINE if lines else "`terms` has no lines"
        for field in _LINE_FIELDS:
            if all(getattr(line, field) is not None for line in lines):
                yield ("smelters", name, field), reason
        for field in _ELEMENT_FIELDS:  # the entries of a line replace those of the smelter, element by element
            own = [set(getattr(line, field) or ()) for line in lines]
            for element in sorted(set(getattr(smelter, field)).intersection(*own)):
                yield ("smelters", name, field, element), reason
        for field in _METAL_FIELDS:
            yield from ((path, reason) for path in _find_overridden_metals(draft, ("smelters", name, field), lines))


def _find_overridden_metals(draft: Draft, path: ParameterPath, lines: list[Line]) -> Iterator[ParameterPath]:
    """Yield the metals of a per-metal value of a smelter that every line of `lines` overrides."""
    metals = set(draft.document.metals)
    for line in lines:
        metals &= find_covered_metals(getattr(line, str(path[-1])), metals)
    node = find_node(draft.root, path)
    named = set(node.items) - {"default"} if isinstance(node, MappingNode) else set()
    if not isinstance(node, MappingNode):
        if metals == set(draft.document.metals):
            yield path
        return
    yield from ((*path, name) for name in sorted(named & metals))
    if not set(draft.document.metals) - named - metals:
        yield (*path, "default")


def _find_idle_impurities(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield impurities that no smelter refuses, charges or limits."""
    for name in sorted(draft.document.impurities.keys() - list_conditioned_elements(draft)):
        yield ("impurities", name), "no smelter names it in `refuse`, `penalties` or `limits`"


def _find_unused_defaults(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield each `default` of a mapping that names every metal."""
    document, metals = draft.document, set(draft.document.metals)
    places: dict[ParameterPath, object] = {}
    for section in ("devices", "treatments", "smelters"):
        for name, one in (getattr(document, section) or {}).items():
            for field in ("cv", "recovery", "returned", "refining_charge", "deduction", "lead"):
                places[section, name, field] = getattr(one, field, None)
            for device, other in one.devices.items() if isinstance(one, Treatment) else ():
                places[section, name, "devices", device, "recovery"] = other.recovery
            for line, terms in (getattr(one, "terms", None) or {}).items():
                for field in _METAL_FIELDS:
                    places[section, name, "terms", line, field] = getattr(terms, field)
    for path, value in places.items():
        every = metals | draft.document.impurities.keys() if path[-1] == "recovery" else metals
        if isinstance(value, Mapping) and not every - value.keys():
            yield (*path, "default"), _EVERY_METAL


def _find_unused_treatment_values(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield treatment values that every accepted device overrides, and overrides for devices not accepted."""
    for name, treatment in (draft.document.treatments or {}).items():
        taken = set(treatment.accepts if treatment.accepts is not None else draft.document.devices)
        for field in ("cost", "to_smelter", "recovery", "fractions"):
            devices = {device for device, other in treatment.devices.items() if getattr(other, field) is not None}
            if field in ("to_smelter", "recovery"):
                devices |= {device for device, other in treatment.devices.items() if other.fractions}
            if taken and taken <= devices:
                yield ("treatments", name, field), "every device it accepts has its own"
        yield from _find_unused_recoveries(name, treatment)
        for device in sorted(treatment.devices.keys() - taken):
            yield ("treatments", name, "devices", device), f"`accepts` does not name `{escape_text(device)}`"


def _find_unused_recoveries(name: str, treatment: Treatment) -> Iterator[tuple[ParameterPath, str]]:
    """Yield recoveries into fractions that are sold."""
    places: list[tuple[ParameterPath, Mapping[str, TreatmentFraction]]] = [
        (("treatments", name, "fractions"), treatment.fractions or {})
    ]
    for device, other in treatment.devices.items():
        places.append((("treatments", name, "devices", device, "fractions"), other.fractions or {}))
    for path, fractions in places:
        for fraction, part in fractions.items():
            if part.sold is not None:
                yield (*path, fraction, "recovery"), "the fraction is sold, and goes to no smelter"


def _find_unreturned_metals(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield charges, deductions, prices and leads of metals that the smelter or line of terms does not return.

    Also titles to surplus of metals that no smelter returns.
    """
    scenarios, anywhere = _list_returned_in_scenarios(draft), set[str]()
    for name, smelter in list_smelters(draft).items():
        path, otherwise = ("smelters", name), scenarios.get(name, set()) | scenarios.get("*", set())
        every: set[str] = set(otherwise)
        for called, line in list_terms_lines(smelter).items():
            returned = _list_returned_metals(draft, line.returned, smelter.returned) | otherwise
            every |= returned
            for field in ("refining_charge", "deduction", "pays"):
                at = (*path, "terms", called, field)
                yield from _find_values_of_unreturned(at, getattr(line, field), returned, draft, "this line")
        for field in ("refining_charge", "deduction", "pays", "lead"):
            yield from _find_values_of_unreturned((*path, field), getattr(smelter, field), every, draft, "the smelter")
        anywhere |= every
    for name, metal in draft.document.metals.items():
        if metal.surplus == SURPLUS_TITLES[1] and name not in anywhere:
            yield ("metals", name, "surplus"), f"no smelter returns `{escape_text(name)}`"


def _list_returned_metals(draft: Draft, *rules: _MetalRule) -> set[str]:
    """Return the metals with a nonzero return by `rules` of decreasing precedence."""
    result: set[str] = set()
    for rule in reversed(rules):
        covered = find_covered_metals(rule, draft.document.metals)
        by = rule if isinstance(rule, Mapping) else dict.fromkeys(covered, rule)
        result -= covered
        result |= {metal for metal in covered if _is_nonzero(by.get(metal, by.get("default")))}
    return result


def _list_returned_in_scenarios(draft: Draft) -> dict[str, set[str]]:
    """Return the metals whose return a scenario may change, by smelter; `*` represents all smelters."""
    result: dict[str, set[str]] = {}
    metals = set(draft.document.metals)
    for key in {key for scenario in draft.document.scenarios.values() for key in scenario}:
        try:
            path = parse_path(key)
        except PathError:
            continue  # reported by `check_document`
        whole = len(path) == 2 or (path[2:3] == ("terms",) and len(path) <= 4)
        if path[0] == "smelters" and len(path) > 1 and ("returned" in path or whole):
            result.setdefault(str(path[1]), set()).update(metals & {str(path[-1])} or metals)
    return result


def _find_values_of_unreturned(
    path: ParameterPath, rule: Any, returned: set[str], draft: Draft, who: str
) -> Iterator[tuple[ParameterPath, str]]:
    """Yield nonzero values of a rule by metal for metals that are not `returned`, and a default for these alone."""
    if not isinstance(rule, Mapping):
        return
    for metal, figure in rule.items():
        if metal in draft.document.metals and metal not in returned and _is_nonzero(figure):
            yield (*path, metal), f"{who} returns no `{escape_text(metal)}`"
    rest = draft.document.metals.keys() - rule.keys()
    default = rule.get("default")
    if rest and not rest & returned and _is_nonzero(default):
        yield (*path, "default"), f"{who} returns none of the other metals"


def _is_nonzero(figure: Figure | int | None) -> bool:
    """Test if a value, or that of some period, is not 0; a lead time is a whole number."""
    return bool(figure) if isinstance(figure, int) else any(quantity.raw for quantity in list_figures(figure))


def _find_unused_unit_masses(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield unit masses of devices without a quantity per piece."""
    document = draft.document
    idle = {
        name
        for name, device in document.devices.items()
        if device.unit_mass is not None and not any(quantity.pieces for quantity in device.content.values())
    }
    for treatment in (document.treatments or {}).values():
        if any(cost.pieces for cost in list_figures(treatment.cost)):
            return
        idle -= {name for name, other in treatment.devices.items() if any(c.pieces for c in list_figures(other.cost))}
    if not idle or _has_piece_scenario(draft):
        return
    devices = draft.streams.get_column(("device",))
    for key, cells in draft.streams.columns.items():
        if key[-1] not in _TEXT_COLUMNS and _PIECE_UNIT.search(_join_texts(cells)):
            counting = [code for code, text in enumerate(cells.texts) if text and _PIECE_UNIT.search(text)]
            idle -= {devices.texts[code] for code in np.unique(devices.code[np.isin(cells.code, counting)])}
    for name in sorted(idle):
        yield ("devices", name, "unit_mass"), _NOT_PER_UNIT


def _has_piece_scenario(draft: Draft) -> bool:
    """Test if a scenario contains a quantity per piece."""
    values = (value for scenario in draft.document.scenarios.values() for value in scenario.values())
    items = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return any(_PIECE_UNIT.search(item if isinstance(item, str) else getattr(item, "text", "")) for item in items)


def _find_unused_scrap(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield parameters of process scrap with a zero share."""
    for name, alloy in draft.document.alloys.items():
        if alloy.scrap is not None and not alloy.scrap.share.raw:
            for field in ("returned", "lead", "value"):
                yield ("alloys", name, "scrap", field), "there is no process scrap: its `share` is 0"


def _find_unused_reserves(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield safety stocks in a horizon of one period, and those of metals that no alloy may hold."""
    document = draft.document
    wanted = {metal for alloy in document.alloys.values() for metal in alloy.composition}
    anything = any(alloy.others is not None for alloy in document.alloys.values())
    for name, metal in document.metals.items():
        if metal.reserve and document.periods.count == 1:
            yield ("metals", name, "reserve"), "the horizon has one period"
        elif metal.reserve and name not in wanted and not anything:
            yield ("metals", name, "reserve"), f"no alloy is charged with `{escape_text(name)}`"


def _find_unused_rates(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield exchange rates that no amount uses, and a transport rate without distances."""
    if draft.document.exchange:
        used = set(_find_currency_codes(draft))
        for code in sorted(draft.document.exchange.keys() - used):
            yield ("exchange", code), f"no amount is given in {code}"
    lanes = draft.lanes
    if lanes is None or not (lanes.get_column(("distance",)).code > 0).any():
        yield ("transport_rate",), "no lane gives a `distance`"


_SECTIONS_WITHOUT_AMOUNTS = (
    *("currency", "scenarios", "parties", "project", "payers", "mixes", "title", "name"),
    *("streams", "lanes"),  # searched by column
)


def _find_currency_codes(draft: Draft) -> Iterator[str]:
    """Yield each word of three capitals in a value, without names, texts and the currency itself."""
    for name, node in draft.root.items.items():
        if name not in _SECTIONS_WITHOUT_AMOUNTS:
            yield from _find_codes_in_node(node)
    for scenario in draft.document.scenarios.values():
        for value in scenario.values():
            for item in value if isinstance(value, list) else [value]:
                yield from _CURRENCY_CODE.findall(item.text) if isinstance(item, ScalarNode) else ()
    for sheet in (draft.streams, draft.lanes):
        for key, cells in sheet.columns.items() if sheet is not None else ():
            if key[-1] not in _TEXT_COLUMNS:
                yield from _CURRENCY_CODE.findall(_join_texts(cells))


def _join_texts(cells: CellColumn) -> str:
    """Return the distinct texts of a column in lines: one search of all is quicker than one of each."""
    return "\n".join(filter(None, cells.texts))


def _find_codes_in_node(node: Node) -> Iterator[str]:
    """Yield each word of three capitals below a node."""
    if isinstance(node, ScalarNode):
        yield from _CURRENCY_CODE.findall(node.text)
        return
    for item in (
        node.items.values() if isinstance(node, MappingNode) else node.items if isinstance(node, SequenceNode) else ()
    ):
        yield from _find_codes_in_node(item)


def _find_unknown_parties(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield parties without a role that are no region, smelter, offer or material sold."""
    parties = draft.document.parties
    known = set().union(*collect_addressees(draft).values()) if parties else set()
    for name in sorted(name for name in parties.keys() - known if parties[name].role is None):
        yield (
            ("parties", name),
            f"no region, smelter, offer or material sold is called `{escape_text(name)}`"
            f"{suggest_name(name, known) or '; give the party a `role`'}",
        )


def _find_unused_credited(draft: Draft) -> Iterator[tuple[ParameterPath, str]]:
    """Yield `credited.default` of streams that name every metal."""
    sheet, metals = draft.streams, draft.document.metals
    stated = sheet.get_column(("credited", "default")).code > 0
    if stated.any() and metals:
        names = name_stream_rows(sheet)
        named = np.all([sheet.get_column(("credited", metal)).code > 0 for metal in metals], axis=0)
        for row in np.flatnonzero(stated & named).tolist():
            yield ("streams", names[row] or "", "credited", "default"), _EVERY_METAL


_FINDERS: dict[Callable[[Draft], Iterator[tuple[ParameterPath, str]]], frozenset[str]] = {
    _find_overridden_terms: frozenset({"smelters"}),
    _find_unused_defaults: frozenset({"devices", "treatments", "smelters"}),
    _find_unused_treatment_values: frozenset({"treatments"}),
    _find_unreturned_metals: frozenset({"smelters", "metals"}),
    _find_idle_impurities: frozenset({"impurities", "smelters"}),
    _find_unused_unit_masses: frozenset({"devices", "treatments", "streams"}),
    _find_unused_scrap: frozenset({"alloys"}),
    _find_unused_reserves: frozenset({"metals", "alloys", "periods"}),
    _find_unused_rates: frozenset({"exchange", "transport_rate", "lanes"}),
    _find_unknown_parties: frozenset({"parties"}),
    _find_unused_credited: frozenset({"streams"}),
}
"""Finders of ineffective values, with the sections that each one searches."""
