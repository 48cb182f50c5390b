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

from medalopt.instance.paths import Path, PathError, parse
from medalopt.instance.reader.nodes import Mapping as Tree
from medalopt.instance.reader.nodes import Node, Scalar, Sequence, find
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.grouping import row_names
from medalopt.instance.resolve.network import lines_of, smelters_of
from medalopt.instance.resolve.spread import covers
from medalopt.instance.schema.models import Line, Smelter, Treatment
from medalopt.quantity import Quantity
from medalopt.wording import did_you_mean, shown

_BY_METAL = ("refining_charge", "returned", "deduction")
_AT_ONCE = sorted((Line.model_fields.keys() & Smelter.model_fields.keys()) - {*_BY_METAL})
_OWN = "every line of `terms` has its own"
_NAMED = "every metal has its own"
_UNCOUNTED = "no figure of this device is given per unit"
_CODE = re.compile(r"[A-Z]{3}")
_PIECES = re.compile(r"(?<![A-Za-z_])(?:unit|pcs)(?![A-Za-z_])")
_TEXTS = ("name", "device", "region", "smelter", "bundle", "note", "source")  # columns without numbers

Reasons = Mapping[Path, str]
Rule = Quantity | Mapping[str, Quantity] | None
NONE: Reasons = MappingProxyType({})


def find_ineffective(draft: Draft, changed: Collection[str] | None = None, before: Reasons = NONE) -> Reasons:
    """Find the values of an instance that have no effect.

    Args:
        draft: Parsed instance.
        changed: Sections in which it differs from the instance of `before`; None searches all.
        before: Result for that other instance.

    Returns:
        Reason by path.
    """
    found: dict[Path, str] = {path: one for path, one in before.items() if changed and path[0] not in changed}
    if changed is not None:  # scenarios are applied one at a time
        draft = dataclasses.replace(draft, document=draft.document.model_copy(update={"scenarios": {}}))
    for finder, sections in _FINDERS.items():
        if changed is None or not sections.isdisjoint(changed):
            found |= {path: reason for path, reason in finder(draft) if _is_written(draft, path)}
    return found


def warn_ineffective(draft: Draft, reasons: Reasons) -> None:
    """Warn of each value without effect, except an unused unit mass.

    Args:
        draft: Parsed instance.
        reasons: Reason by path.
    """
    for path, reason in reasons.items():
        if reason != _UNCOUNTED:  # a unit mass may be given for later use
            draft.warn(path, f"has no effect: {reason}")


def reason_of(path: Path, reasons: Reasons) -> str | None:
    """Find the reason why a value and everything below its path have no effect.

    Args:
        path: Path of the value.
        reasons: Reason by path.

    Returns:
        The reason; None if the value has an effect.
    """
    return next((reasons[path[:size]] for size in range(len(path), 0, -1) if path[:size] in reasons), None)


def _is_written(draft: Draft, path: Path) -> bool:
    """Test if the file contains a value that is not null."""
    if path[0] == "streams":
        return True  # taken from its row
    node = find(draft.root, path)
    return node is not None and not (isinstance(node, Scalar) and node.null)


def _charges(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield values of a smelter that every terms line overrides."""
    for name, one in smelters_of(draft).items():
        if one.terms is None:
            continue
        lines = list(one.terms.values())
        reason = _OWN if lines else "`terms` holds no line"
        for field in _AT_ONCE:
            if all(getattr(line, field) is not None for line in lines):
                yield ("smelters", name, field), reason
        for field in _BY_METAL:
            yield from ((path, reason) for path in _overridden(draft, ("smelters", name, field), lines))


def _overridden(draft: Draft, path: Path, lines: list[Line]) -> Iterator[Path]:
    """Yield the metals of a per-metal value of a smelter that every line of `lines` overrides."""
    metals = set(draft.document.metals)
    for line in lines:
        metals &= covers(getattr(line, str(path[-1])), metals)
    node = find(draft.root, path)
    named = set(node.items) - {"default"} if isinstance(node, Tree) else set()
    if not isinstance(node, Tree):
        if metals == set(draft.document.metals):
            yield path
        return
    yield from ((*path, name) for name in sorted(named & metals))
    if not set(draft.document.metals) - named - metals:
        yield (*path, "default")


def _defaults(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield each `default` of a mapping that names every metal."""
    document, metals = draft.document, set(draft.document.metals)
    places: dict[Path, object] = {}
    for section in ("devices", "treatments", "smelters"):
        for name, one in (getattr(document, section) or {}).items():
            for field in ("cv", "recovery", "returned", "refining_charge", "deduction", "lead"):
                places[section, name, field] = getattr(one, field, None)
            for device, other in one.devices.items() if isinstance(one, Treatment) else ():
                places[section, name, "devices", device, "recovery"] = other.recovery
            for line, terms in (getattr(one, "terms", None) or {}).items():
                for field in _BY_METAL:
                    places[section, name, "terms", line, field] = getattr(terms, field)
    for path, value in places.items():
        if isinstance(value, Mapping) and not metals - value.keys():
            yield (*path, "default"), _NAMED


def _treatments(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield treatment values that every accepted device overrides, and overrides for devices not accepted."""
    for name, one in (draft.document.treatments or {}).items():
        taken = set(one.accepts if one.accepts is not None else draft.document.devices)
        for field in ("cost", "to_smelter", "recovery"):
            own = {device for device, other in one.devices.items() if getattr(other, field) is not None}
            if taken and taken <= own:
                yield ("treatments", name, field), "every device it accepts has its own"
        for device in sorted(one.devices.keys() - taken):
            yield ("treatments", name, "devices", device), f"`accepts` does not name `{shown(device)}`"


def _unreturned(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield charges, deductions and leads of metals that the smelter, or its terms line, does not return."""
    scenarios = _returned_in_scenarios(draft)
    for name, one in smelters_of(draft).items():
        path, otherwise = ("smelters", name), scenarios.get(name, set()) | scenarios.get("*", set())
        every: set[str] = set(otherwise)
        for called, line in lines_of(one).items():
            returned = _returned(draft, line.returned, one.returned) | otherwise
            every |= returned
            for field in ("refining_charge", "deduction"):
                at = (*path, "terms", called, field)
                yield from _of_nothing(at, getattr(line, field), returned, draft, "this line")
        for field in ("refining_charge", "deduction", "lead"):
            yield from _of_nothing((*path, field), getattr(one, field), every, draft, "the smelter")


def _returned(draft: Draft, *rules: Rule) -> set[str]:
    """Return the metals with a nonzero return by `rules` of decreasing precedence."""
    found: set[str] = set()
    for rule in reversed(rules):
        own = covers(rule, draft.document.metals)
        by = rule if isinstance(rule, Mapping) else dict.fromkeys(own, rule)
        found -= own
        found |= {metal for metal in own if (figure := by.get(metal, by.get("default"))) and figure.raw}
    return found


def _returned_in_scenarios(draft: Draft) -> dict[str, set[str]]:
    """Return the metals whose return a scenario may change, by smelter; `*` represents all smelters."""
    found: dict[str, set[str]] = {}
    metals = set(draft.document.metals)
    for key in {key for scenario in draft.document.scenarios.values() for key in scenario}:
        try:
            path = parse(key)
        except PathError:
            continue  # reported by `check_document`
        whole = len(path) == 2 or (path[2:3] == ("terms",) and len(path) <= 4)
        if path[0] == "smelters" and len(path) > 1 and ("returned" in path or whole):
            found.setdefault(str(path[1]), set()).update(metals & {str(path[-1])} or metals)
    return found


def _of_nothing(path: Path, rule: Any, returned: set[str], draft: Draft, who: str) -> Iterator[tuple[Path, str]]:
    """Yield nonzero values of a rule by metal for metals that are not `returned`."""
    if not isinstance(rule, Mapping):
        return
    for metal, figure in rule.items():
        if metal in draft.document.metals and metal not in returned and getattr(figure, "raw", figure):
            yield (*path, metal), f"{who} returns no `{shown(metal)}`"


def _unit_masses(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield unit masses of devices without a quantity per piece."""
    document = draft.document
    idle = {
        name
        for name, device in document.devices.items()
        if device.unit_mass is not None and not any(figure.pieces for figure in device.content.values())
    }
    for treatment in (document.treatments or {}).values():
        if treatment.cost.pieces:
            return
        idle -= {name for name, other in treatment.devices.items() if other.cost is not None and other.cost.pieces}
    if not idle or _counts_in_scenarios(draft):
        return
    devices = draft.streams.column(("device",))
    for key, cells in draft.streams.columns.items():
        if key[-1] not in _TEXTS:
            counting = [code for code, text in enumerate(cells.texts) if text and _PIECES.search(text)]
            if counting:
                idle -= {devices.texts[code] for code in np.unique(devices.code[np.isin(cells.code, counting)])}
    for name in sorted(idle):
        yield ("devices", name, "unit_mass"), _UNCOUNTED


def _counts_in_scenarios(draft: Draft) -> bool:
    """Test if a scenario contains a quantity per piece."""
    values = (value for scenario in draft.document.scenarios.values() for value in scenario.values())
    items = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return any(_PIECES.search(item if isinstance(item, str) else getattr(item, "text", "")) for item in items)


def _scrap(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield parameters of process scrap with a zero share."""
    for name, alloy in draft.document.alloys.items():
        if alloy.scrap is not None and not alloy.scrap.share.raw:
            for field in ("returned", "lead", "value"):
                yield ("alloys", name, "scrap", field), "no scrap falls: its `share` is 0"


def _rates(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield exchange rates that no amount uses, and a transport rate without distances."""
    if draft.document.exchange:
        used = set(_codes(draft))
        for code in sorted(draft.document.exchange.keys() - used):
            yield ("exchange", code), f"no amount is given in {code}"
    lanes = draft.lanes
    if lanes is None or not (lanes.column(("distance",)).code > 0).any():
        yield ("transport_rate",), "no lane gives a `distance`"


def _codes(draft: Draft) -> Iterator[str]:
    """Yield each word of three capitals in a value, without names, texts and the currency itself."""
    for name, node in draft.root.items.items():
        if name not in ("currency", "scenarios", "parties", "mixes", "title", "name", "streams", "lanes"):
            yield from _words(node)
    for scenario in draft.document.scenarios.values():
        for value in scenario.values():
            for item in value if isinstance(value, list) else [value]:
                yield from _CODE.findall(item.text) if isinstance(item, Scalar) else ()
    for sheet in (draft.streams, draft.lanes):
        for key, cells in sheet.columns.items() if sheet is not None else ():
            if key[-1] not in _TEXTS:
                for text in cells.texts:
                    yield from _CODE.findall(text) if text else ()


def _words(node: Node) -> Iterator[str]:
    """Yield each word of three capitals below a node."""
    if isinstance(node, Scalar):
        yield from _CODE.findall(node.text)
        return
    for item in node.items.values() if isinstance(node, Tree) else node.items if isinstance(node, Sequence) else ():
        yield from _words(item)


def _parties(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield parties that are no region, smelter or offer."""
    if not draft.document.parties:
        return
    cells = [sheet.column(("region",)) for sheet in (draft.streams, draft.lanes) if sheet is not None]
    known = {text for column in cells for text in column.texts if text}
    known |= {*(draft.document.smelters or {}), *draft.document.market}
    for name in sorted(draft.document.parties.keys() - known):
        yield ("parties", name), f"no region, smelter or offer is called `{shown(name)}`{did_you_mean(name, known)}"


def _credited(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Yield `credited.default` of streams that name every metal."""
    sheet, metals = draft.streams, draft.document.metals
    given = sheet.column(("credited", "default")).code > 0
    if given.any() and metals:
        names = row_names(sheet)
        named = np.all([sheet.column(("credited", metal)).code > 0 for metal in metals], axis=0)
        for row in np.flatnonzero(given & named).tolist():
            yield ("streams", names[row] or "", "credited", "default"), _NAMED


_FINDERS: dict[Callable[[Draft], Iterator[tuple[Path, str]]], frozenset[str]] = {
    _charges: frozenset({"smelters"}),
    _defaults: frozenset({"devices", "treatments", "smelters"}),
    _treatments: frozenset({"treatments"}),
    _unreturned: frozenset({"smelters"}),
    _unit_masses: frozenset({"devices", "treatments", "streams"}),
    _scrap: frozenset({"alloys"}),
    _rates: frozenset({"exchange", "transport_rate", "lanes"}),
    _parties: frozenset({"parties"}),
    _credited: frozenset({"streams"}),
}
"""What finds such values, with the sections in which it finds them."""
