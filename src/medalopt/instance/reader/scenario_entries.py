"""Entries of the section `scenarios`: new values by path, or `{changes: …, probability: …}`."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from medalopt.errors import FaultKind
from medalopt.instance.reader.errors import FaultLog
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode
from medalopt.instance.schema.field_types import QuantityField
from medalopt.text import escape_text
from medalopt.units import Money, QuantityError

CHANGES, PROBABILITY = "changes", "probability"
ROUNDING = Fraction(1, 1000)  # by which probabilities may miss 100 % together: 33.3 % three times
_MAX_NAMED = 5


@dataclass(frozen=True)
class ScenarioEntry:
    """Changes of one scenario, as a mapping, and its probability as written."""

    changes: MappingNode
    probability: Node | None


def read_scenario_entry(node: MappingNode, path: tuple[str, ...], faults: FaultLog) -> ScenarioEntry:
    """Read one scenario in any of its forms.

    Args:
        node: The entry of the file, without `source` and `note`.
        path: Its path, for messages.
        faults: Log for errors.

    Returns:
        The changes, and the probability if one is given.
    """
    rest = {name: item for name, item in node.items.items() if name not in (CHANGES, PROBABILITY)}
    changes, probability = node.items.get(CHANGES), node.items.get(PROBABILITY)
    if changes is None:
        kept = {name: node.keys[name] for name in rest}
        return ScenarioEntry(node if probability is None else MappingNode(rest, kept, node.place), probability)
    for name in rest:
        faults.add_error(
            node.keys[name],
            (*path, name),
            f"stands beside `{CHANGES}`: write it below `{CHANGES}`; beside that is only `{PROBABILITY}`",
            kind=FaultKind.STRUCTURE,
        )
    if isinstance(changes, ScalarNode) and changes.null:
        changes = MappingNode({}, {}, changes.place)
    if not isinstance(changes, MappingNode):
        faults.add_error(
            changes.place,
            (*path, CHANGES),
            "expected changes, path to value, such as {devices.*.content.Ag: 85 %}",
            kind=FaultKind.STRUCTURE,
        )
        changes = MappingNode({}, {}, node.place)
    return ScenarioEntry(changes, probability)


def separate_probabilities(root: MappingNode, faults: FaultLog) -> tuple[MappingNode, dict[str, float]]:
    """Return the tree with the changes of each scenario alone, and the probabilities.

    Args:
        root: Root of the instance file, without notes.
        faults: Log for errors.

    Returns:
        The tree, and the probability of each scenario that has one; they sum to 1.
    """
    section = root.items.get("scenarios")
    if not isinstance(section, MappingNode):
        return root, {}
    entries: dict[str, Node] = {}
    given: dict[str, Fraction] = {}
    wrong = False
    for name, node in section.items.items():
        if not isinstance(node, MappingNode):
            entries[name] = node
            continue
        entry = read_scenario_entry(node, ("scenarios", name), faults)
        entries[name] = entry.changes
        if entry.probability is not None:
            value = _read_probability(entry.probability, name, faults)
            wrong |= value is None
            given |= {} if value is None else {name: value}
    total = sum(given.values(), Fraction())
    if given and not wrong and abs(total - 1) > ROUNDING:
        listed = ", ".join(f"{escape_text(name)} {_percent(value)}" for name, value in [*given.items()][:_MAX_NAMED])
        more = ", …" if len(given) > _MAX_NAMED else ""
        faults.add_error(
            section.keys[next(iter(given))],
            ("scenarios",),
            f"the probabilities sum to {_percent(total)}, not to 100 %: {listed}{more}",
            kind=FaultKind.VALUE,
        )
    scaled = {name: float(value / total) for name, value in given.items()} if total else {}
    inner = MappingNode(entries, section.keys, section.place)
    return MappingNode({**root.items, "scenarios": inner}, root.keys, root.place), scaled


def _read_probability(node: Node, name: str, faults: FaultLog) -> Fraction | None:
    """Return a probability; None, with an error, where it is none."""
    path = ("scenarios", name, PROBABILITY)
    text = f"expected a probability from 0 to 100 %, such as {PROBABILITY}: 20 %"
    if not isinstance(node, ScalarNode) or node.null or isinstance(node.value, bool):
        faults.add_error(node.place, path, text, kind=FaultKind.VALUE)
        return None
    try:
        return QuantityField(high=1).check(node.value, Money("")).exact
    except QuantityError as error:
        faults.add_error(node.place, path, f"{text}; {error}", kind=FaultKind.VALUE)
        return None


def _percent(share: Fraction) -> str:
    """Return a share in per cent."""
    return f"{float(100 * share):.6g} %"


def list_scenario_items(node: MappingNode) -> list[tuple[str, Node]]:
    """List the changes of a scenario by path, and its probability last.

    Args:
        node: Entry of the file.

    Returns:
        Pairs of path, or `probability`, and value.
    """
    entry = read_scenario_entry(node, (), FaultLog())
    items = [*entry.changes.items.items()]
    return items if entry.probability is None else [*items, (PROBABILITY, entry.probability)]
