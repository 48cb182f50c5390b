"""Load an instance: read file and tables, apply changes, validate, cross-check, assemble the frozen `Instance`."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from medalopt.errors import Fault, InputError
from medalopt.instance.instance import Instance, Source, same
from medalopt.instance.paths import parse
from medalopt.instance.reader import entries, files, limits, remarks, tables, yamltext
from medalopt.instance.reader.changes import HERE, Change
from medalopt.instance.reader.changes import apply as change_tree
from medalopt.instance.reader.changes import read as read_changes
from medalopt.instance.reader.encodings import CODECS, decode_table, decode_yaml
from medalopt.instance.reader.faults import ENOUGH, Faults, Place
from medalopt.instance.reader.nodes import Mapping as Tree
from medalopt.instance.reader.nodes import Scalar, Sequence, find, plain
from medalopt.instance.reader.rowchanges import apply as change_rows
from medalopt.instance.reader.sheet import Sheet
from medalopt.instance.resolve import grouping, lanes, streams
from medalopt.instance.resolve.annex import sources as remarks_of
from medalopt.instance.resolve.assemble import assemble, regions_of
from medalopt.instance.resolve.cells import fields
from medalopt.instance.resolve.checks import check, check_pools, check_sizes, check_storable_offers
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.ineffective import find_ineffective, reason_of, warn_ineffective
from medalopt.instance.resolve.money import money
from medalopt.instance.resolve.network import WHOLE
from medalopt.instance.resolve.odd import warn
from medalopt.instance.resolve.periods import Calendar
from medalopt.instance.scenariocheck import check_scenarios
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.fields import Context
from medalopt.instance.schema.models import Lane, Periods, Stream
from medalopt.instance.schema.validate import node_names, validated
from medalopt.instance.written import Written
from medalopt.wording import did_you_mean, listed, shown

Changes = Mapping[str, str]
NONE: Changes = MappingProxyType({})
MOST_COMPARED = 20  # most changes for which each is tested without the others
_MODELS = {"streams": Stream, "lanes": Lane}


def load(path: str | os.PathLike[str], changes: Changes = NONE) -> Instance:
    """Load an instance file.

    Args:
        path: Path of the YAML file.
        changes: New values by parameter path, applied to this instance alone.

    Returns:
        The instance.

    Raises:
        InputError: With every fault of the file, its tables and the changes.
    """
    return opened(path).with_effective_changes(changes)


def opened(path: str | os.PathLike[str]) -> Opened:
    """Read an instance file once, for any number of instances.

    Args:
        path: Path of the YAML file.

    Returns:
        The parsed file.

    Raises:
        InputError: The file cannot be read or is no mapping.
    """
    faults = Faults()
    digests: dict[str, str] = {}
    root = _tree(Path(path), os.fspath(path), digests, faults)
    if root is None or len(faults.found) > ENOUGH:
        faults.settle()
    assert root is not None, "a file that cannot be read is a fault"
    return Opened(Path(path), root, digests, tuple(faults.found), tuple(faults.odd))


@dataclass(frozen=True, eq=False)
class Opened:
    """A parsed instance file; instances are built from it with changes. Tables are read on first use."""

    path: Path
    root: Tree
    digests: Mapping[str, str]  # of the file itself
    found: tuple[Fault, ...]  # faults of its text
    odd: tuple[Fault, ...] = ()  # warnings on its text
    # with digests and warnings
    tables: dict[tuple[Path, str], tuple[Sheet, str, tuple[Fault, ...]]] = field(default_factory=dict)

    def with_changes(self, changes: Changes = NONE) -> Instance:
        """Build the instance with changes applied.

        Args:
            changes: New values by parameter path.

        Returns:
            The instance.

        Raises:
            InputError: With every fault.
        """
        return self._made(changes, effective=False)

    def with_effective_changes(self, changes: Changes = NONE, *, scenarios: bool = False) -> Instance:
        """Build the instance with changes applied, each of which must have an effect.

        Args:
            changes: New values by parameter path.
            scenarios: Validate each scenario of the file too.

        Returns:
            The instance.

        Raises:
            InputError: With every fault, including changes without effect.
        """
        instance = self._made(changes, effective=True, scenarios=scenarios)
        faults = Faults()
        for path in changes if len(changes) <= MOST_COMPARED else ():
            others = {one: value for one, value in changes.items() if one != path}
            if not self._matters(instance, path, changes, others):
                faults.add(HERE, parse(path), "has no effect: the instance is the same with and without this change")
        faults.settle()
        return instance

    def _matters(self, instance: Instance, path: str, changes: Changes, others: Changes) -> bool:
        """Return whether the change at `path` alters the instance, or restates the value in effect."""
        try:
            return not same(instance, self.with_changes(others)) or (
                self.written(changes).value(parse(path)) == self.written(others).value(parse(path))
            )
        except InputError:
            return True  # without the change the instance is invalid

    def _made(self, changes: Changes, *, effective: bool, scenarios: bool = False) -> Instance:
        """Build the instance; with `effective`, changes to values that have no effect are faults."""
        faults = Faults(list(self.found), list(self.odd))
        digests = dict(self.digests)
        wanted = read_changes(changes, faults)
        draft, notes = _draft(self, wanted, digests, faults)
        supply = streams.gather(draft.streams, draft)
        ways = lanes.gather(draft.lanes, draft) if draft.lanes else None
        check_sizes(draft, len(supply.groups.names), len(regions_of(draft, supply, ways)))
        check(draft)
        idle = find_ineffective(draft)
        if scenarios:
            check_scenarios(draft, idle, lambda more: self.with_changes({**changes, **more}))
        for change in wanted if effective else ():
            if reason := reason_of(change.path, idle):
                faults.add(HERE, change.path, f"has no effect: {reason}")
        faults.settle()
        instance = assemble(draft, supply, ways)
        check_pools(draft, instance)
        check_storable_offers(draft, instance)
        warn(draft, instance, supply, ways)
        warn_ineffective(draft, idle)
        faults.settle()
        everywhere = [*notes, *remarks_of(supply), *remarks_of(ways)]
        sources = tuple(sorted(everywhere, key=lambda source: source.path))
        return dataclasses.replace(
            instance, sources=sources, files=dict(sorted(digests.items())), warnings=faults.warnings()
        )

    def written(self, changes: Changes = NONE) -> Written:
        """Return the values that a valid file states, with changes applied.

        Args:
            changes: New values by parameter path.

        Returns:
            The values by path.
        """
        faults = Faults()
        return Written(_draft(self, read_changes(changes, faults), {}, faults)[0])


def _tree(path: Path, name: str, digests: dict[str, str], faults: Faults) -> Tree | None:
    """Parse the file to a mapping node; return None, and record faults, where this fails."""
    data = files.read(path, name, limits.MAX_INSTANCE_BYTES, lambda message: faults.add(Place(name), (), message))
    text = decode_yaml(data, faults) if data else None
    if data is None or text is None:
        return None
    digests[path.name] = data.sha256
    root = yamltext.parse(text, name, faults)
    if root is not None and not isinstance(root, Tree):
        faults.add(root.place, (), "an instance is a mapping that begins with `format: medalopt/1`")
    return root if isinstance(root, Tree) else None


def _draft(
    file: Opened, wanted: list[Change], digests: dict[str, str], faults: Faults
) -> tuple[Draft, tuple[Source, ...]]:
    """Return all valid parts of the file with the changes `wanted`, and the notes of its mappings."""
    root = file.root
    before = calendar_of(root)
    root = change_tree(root, wanted, before.count if before else None, faults)
    root, notes = remarks.apart(_without_null_sections(root, faults), faults)
    calendar = calendar_of(root)
    context = Context(money(root, faults), _period_count(root), _names(root))
    labels = calendar.labels if calendar else None
    places = (
        labels or ("?",) * (context.periods or 0) or None
    )  # labels, or placeholders where only the number of periods is known
    streams_sheet = _sheet("streams", root, file, places, digests, faults) or Sheet.empty("streams")
    streams_sheet = change_rows(streams_sheet, wanted, grouping.row_names, labels, faults)
    lanes_sheet = _sheet("lanes", root, file, labels, digests, faults)
    lanes_sheet = change_rows(lanes_sheet or Sheet.empty("lanes"), wanted, lanes.row_names, labels, faults)
    document = validated(root, Document, context, faults)
    ways = lanes_sheet if "lanes" in root.items else None
    return Draft(root, document, context, calendar, streams_sheet, ways, faults), notes


def _without_null_sections(root: Tree, faults: Faults) -> Tree:
    """Return the tree without sections given as null, which are faults; a required section becomes an empty mapping."""
    sections = Document.mappings() | _MODELS.keys()
    items = dict(root.items)
    for name, item in root.items.items():
        if name in sections and isinstance(item, Scalar) and item.null:
            del items[name]
            if Document.model_fields[name].is_required():
                items[name] = Tree({}, {}, item.place)
            else:
                faults.add(root.keys[name], (name,), "this section is empty: fill it or delete its name")
    return Tree(items, root.keys, root.place)


def calendar_of(root: Tree) -> Calendar | None:
    """Read the planning periods.

    Args:
        root: Root node of an instance file.

    Returns:
        The calendar; None where the periods are invalid, which validation reports.
    """
    node = find(root, ("periods",))
    try:
        return Calendar.of(Periods.model_validate(plain(node) if node else {}))
    except ValidationError:
        return None


def _period_count(root: Tree) -> int | None:
    """Return the number of periods, even where other period fields are invalid; None where it cannot be read."""
    node = find(root, ("periods",))
    count = {"count": node.items["count"]} if isinstance(node, Tree) and "count" in node.items else {}
    try:
        return Periods.model_validate(count).count if node is None or isinstance(node, Tree) else None
    except ValidationError:
        return None


def _names(root: Tree) -> dict[str, frozenset[str]]:
    """Return the names that the file defines, by kind; kinds whose section is invalid are omitted."""
    kinds = {kind: f"{kind}s" for kind in ("metal", "device", "treatment", "smelter", "alloy")}
    names = {kind: found for kind, section in kinds.items() if (found := node_names(root, section)) is not None}
    return names if "treatments" in root.items else {**names, "treatment": frozenset({WHOLE})}


def _sheet(
    name: str, root: Tree, file: Opened, labels: tuple[str, ...] | None, digests: dict[str, str], faults: Faults
) -> Sheet | None:
    """Return the rows of a section given as a list or a table; None where it is absent or cannot be read."""
    node = root.items.get(name)
    if node is None:
        return None
    if isinstance(node, Sequence):
        return entries.sheet_of(name, node, labels, faults)
    table = find(node, ("table",))
    if not isinstance(table, Scalar) or not isinstance(node, Tree) or node.items.keys() - {"table", "encoding"}:
        faults.add(node.place, (name,), "expected a list, or {table: FILE.csv} for rows in a table beside the instance")
        return None
    return _table(name, table, _encoding(name, node, faults), file, digests, faults)


def _encoding(section: str, node: Tree, faults: Faults) -> str | None:
    """Return the encoding stated for a table; None where there is none, or an unknown one (a fault)."""
    stated = node.items.get("encoding")
    if stated is None or (isinstance(stated, Scalar) and stated.text in CODECS):
        return stated.text if isinstance(stated, Scalar) else None
    near = did_you_mean(stated.text, CODECS) if isinstance(stated, Scalar) else ""
    message = f"no encoding of a table; those known are {listed(CODECS, 30)}{near}"
    faults.add(stated.place, (section, "encoding"), message)
    return None


def _table(
    name: str, node: Scalar, encoding: str | None, file: Opened, digests: dict[str, str], faults: Faults
) -> Sheet | None:
    """Return the rows of a CSV table, read once per file; its digest and warnings are recorded."""
    target = tables.locate(file.path.parent, node, (name, "table"), faults)
    shown_as = os.fspath(file.path.parent / node.text)

    def report(message: str) -> None:
        faults.add(node.place, (name, "table"), f"`{shown(node.text)}` {message}")

    if target is None:
        return None
    if (target, name) not in file.tables:
        data = files.read(target, shown_as, limits.MAX_TABLE_BYTES, report)
        if data is None:
            return None
        known = ["_".join(key) for key in fields(_MODELS[name]) if key[-1] not in ("*", "{}")]
        columns = [*known, "source", "note", *(["period"] if name == "streams" else [])]
        own = Faults()
        text = decode_table(data, encoding, own)
        sheet = tables.sheet_of(name, data.name, text, columns, own) if text is not None else None
        if sheet is None or own.found:
            digests[node.text] = data.sha256
            faults.extend(own)
            return sheet
        file.tables[target, name] = sheet, data.sha256, tuple(own.odd)
    sheet, digests[node.text], odd = file.tables[target, name]
    faults.odd.extend(odd)
    return sheet
