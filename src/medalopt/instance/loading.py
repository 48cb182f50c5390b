"""Load an instance: read file and tables, apply changes, validate, cross-check, assemble the frozen `Instance`.

An instance knows its origin, the file with all changes made to it, and so can be built with further ones.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from medalopt.errors import Fault, FaultKind, InputError, UsageError
from medalopt.instance.instance import Instance, is_same_instance
from medalopt.instance.reader.csv_reader import build_csv_sheet, resolve_table_path
from medalopt.instance.reader.files import (
    CODECS,
    MAX_WORDED_FAULTS,
    SAVE_AS_UTF8,
    FaultLog,
    Location,
    decode_table,
    decode_utf8,
    pause_garbage_collection,
    read_file,
)
from medalopt.instance.reader.limits import MAX_INSTANCE_BYTES, MAX_TABLE_BYTES
from medalopt.instance.reader.overrides import (
    OVERRIDE_LOCATION,
    apply_row_overrides,
    apply_tree_overrides,
    parse_overrides,
)
from medalopt.instance.reader.rows import InputSheet, build_list_sheet
from medalopt.instance.reader.yaml_nodes import (
    MappingNode,
    ScalarNode,
    SequenceNode,
    SourceNote,
    convert_to_plain,
    find_node,
    parse_yaml,
    split_notes,
)
from medalopt.instance.resolve.assemble import assemble_instance, collect_regions, collect_sources
from medalopt.instance.resolve.checks import (
    check_array_sizes,
    check_certainty,
    check_document,
    check_firm,
    check_minimum_lots,
    check_pooled_lots,
    check_storable_offers,
)
from medalopt.instance.resolve.ineffective_values import find_ineffective, find_reason, warn_ineffective
from medalopt.instance.resolve.parsed_document import Calendar, Draft, read_money, separate_probabilities
from medalopt.instance.resolve.row_validation import list_columns, name_stream_rows
from medalopt.instance.resolve.scenarios import check_scenarios, warn_of_scenarios
from medalopt.instance.resolve.streams import name_lane_rows, read_lane_rows, read_stream_rows
from medalopt.instance.resolve.treatments import WHOLE_TREATMENT
from medalopt.instance.resolve.warnings import add_warnings
from medalopt.instance.scenario import Change, Operation, ParameterChanges, resolve_change, spare_firm
from medalopt.instance.schema.document import Document, Lane, Periods, Stream
from medalopt.instance.schema.field_types import ELEMENT, ValidationContext
from medalopt.instance.schema.validation import list_defined_names, validate_tree
from medalopt.instance.source_values import SourceValues
from medalopt.text import escape_text, has_wildcard, join_names, parse_path, suggest_name

NO_CHANGES: ParameterChanges = MappingProxyType({})
MAX_COMPARED_CHANGES = 20  # most changes for which each is tested without the others
NO_EFFECT, _SAME_INSTANCE = "has no effect", "the instance is the same with and without this change"
_TABLE_MODELS = {"streams": Stream, "lanes": Lane}


def load(path: str | os.PathLike[str], changes: ParameterChanges = NO_CHANGES) -> Instance:
    """Load an instance file.

    Args:
        path: Path of the YAML file.
        changes: Value by parameter path, as `--set` takes them, applied to this instance alone.

    Returns:
        The instance.

    Raises:
        InputError: With every fault of the file, its tables and the changes.
    """
    file = open_instance(path)
    return _set_origin(file.with_effective_changes(changes), InstanceOrigin(file.set_changes(changes)))


def open_instance(path: str | os.PathLike[str]) -> InstanceFile:
    """Read an instance file once, for any number of instances.

    Returns:
        The parsed file.

    Raises:
        InputError: The file cannot be read or is no mapping.
    """
    faults = FaultLog()
    digests: dict[str, str] = {}
    root = _parse_root(Path(path), os.fspath(path), digests, faults)
    if root is None or len(faults.errors) > MAX_WORDED_FAULTS:
        faults.raise_errors()
    assert root is not None, "a file that cannot be read is a fault"
    return InstanceFile(Path(path), root, digests, tuple(faults.errors), tuple(faults.warnings))


@dataclass(frozen=True, eq=False)
class InstanceFile:
    """A parsed instance file; instances are built from it with changes. Tables are read on first use."""

    path: Path
    root: MappingNode
    digests: Mapping[str, str]  # of the file itself
    faults: tuple[Fault, ...]  # faults of its text
    warnings: tuple[Fault, ...] = ()  # warnings on its text
    # with digests and warnings
    tables: dict[tuple[Path, str], tuple[InputSheet, str, tuple[Fault, ...]]] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)  # new values already set, by path without `*`
    firm: tuple[str, ...] = ()  # paths that further changes must not change

    def set_changes(self, changes: ParameterChanges) -> InstanceFile:
        """Set changes once and for all: further ones refer to the values after them.

        Returns:
            The file with these changes.

        Raises:
            InputError: A change cannot be applied.
        """
        faults = FaultLog()
        result = self._resolve(changes, faults)
        faults.raise_errors()
        return dataclasses.replace(self, changes=self._merge(result))

    def protect_firm(self) -> InstanceFile:
        """Protect the firm parameters of the file: further changes are those of scenarios and variations.

        Returns:
            The file; a change that names a firm parameter is then a fault, and one with `*` leaves it out.
        """
        if "firm" not in self.root.items and not any(path.startswith("firm") for path in self.changes):
            return self
        node = self._values.get_node(("firm",))
        items = node.items if isinstance(node, SequenceNode) else ()
        return dataclasses.replace(self, firm=tuple(item.text for item in items if isinstance(item, ScalarNode)))

    def with_changes(self, changes: ParameterChanges = NO_CHANGES) -> Instance:
        """Build the instance with changes applied.

        Returns:
            The instance.

        Raises:
            InputError: With every fault.
        """
        return self._build_instance(changes)

    def with_effective_changes(
        self,
        changes: ParameterChanges = NO_CHANGES,
        *,
        scenarios: bool = False,
        warn: bool = False,
        unchanged: Instance | None = None,
    ) -> Instance:
        """Build the instance with changes applied, each of which must have an effect.

        Args:
            changes: Value by parameter path.
            scenarios: Validate each scenario of the file too.
            warn: Build each validated scenario as well, to record its warnings.
            unchanged: The instance without `changes`, if it is there already.

        Returns:
            The instance.

        Raises:
            InputError: With every fault, including changes without effect.
        """
        instance = self._build_instance(changes, effective=True, scenarios=scenarios, warn=warn)
        faults = FaultLog()
        if unchanged is not None and len(changes) == 1 and not is_same_instance(instance, unchanged):
            return instance
        for path in changes if len(changes) <= MAX_COMPARED_CHANGES else ():
            if self.has_effect(changes, path, instance) is False:
                faults.add_error(OVERRIDE_LOCATION, path, f"{NO_EFFECT}: {_SAME_INSTANCE}", kind=FaultKind.NO_EFFECT)
        faults.raise_errors()
        return instance

    def has_effect(self, changes: ParameterChanges, path: str, instance: Instance | None = None) -> bool | None:
        """Test whether one of several changes alters the instance.

        Args:
            changes: Value by parameter path.
            path: Path of the change to test.
            instance: The instance with all `changes`, if it is there already.

        Returns:
            True or False; None where the change restates the values in effect, or where one of the two instances is
            invalid.
        """
        others = {one: value for one, value in changes.items() if one != path}
        try:
            instance = instance or self._build_instance(changes, effective=True)
            if not is_same_instance(instance, self.with_changes(others)):
                return True
        except InputError as error:
            return False if find_ineffective_paths(error) & {escape_text(path)} else None
        after, before = self.read_source_values(changes), self.read_source_values(others)
        named = map(parse_path, self._resolve({path: changes[path]}, FaultLog()))
        return (
            None if all(after.get_comparable_value(one) == before.get_comparable_value(one) for one in named) else False
        )

    def read_source_values(self, changes: ParameterChanges = NO_CHANGES) -> SourceValues:
        """Return the values that a valid file states, with changes applied.

        Args:
            changes: Value by parameter path.

        Returns:
            The values by path.
        """
        return self.set_changes(changes)._values if changes else self._values

    @cached_property
    def _values(self) -> SourceValues:
        return SourceValues(_parse_draft(self, self.changes, {}, FaultLog())[0])

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields alone, without `_values`."""
        return {name: value for name, value in self.__dict__.items() if name != "_values"}

    def _build_instance(
        self, changes: ParameterChanges, *, effective: bool = False, scenarios: bool = False, warn: bool = False
    ) -> Instance:
        """Build the instance; with `effective`, changes to values that have no effect are faults."""
        faults = FaultLog(list(self.faults), list(self.warnings))
        digests = dict(self.digests)
        draft, notes = _parse_draft(self, self._merge(self._resolve(changes, faults)), digests, faults)
        supply = read_stream_rows(draft.streams, draft)
        lanes = read_lane_rows(draft.lanes, draft) if draft.lanes else None
        check_array_sizes(draft, len(supply.groups.names), len(collect_regions(draft, supply, lanes)))
        check_document(draft)
        idle = find_ineffective(draft)
        check_firm(draft)
        if scenarios:
            check_scenarios(draft, idle, lambda more: self.set_changes(changes).with_changes(more))
        for path in changes if effective else ():
            named = parse_overrides(self._resolve({path: changes[path]}, FaultLog()), FaultLog())
            reasons = [find_reason(override.path, idle) for override in named]
            if reasons and all(reasons):
                faults.add_error(OVERRIDE_LOCATION, path, f"{NO_EFFECT}: {reasons[0]}", kind=FaultKind.NO_EFFECT)
        faults.raise_errors()
        instance = assemble_instance(draft, supply, lanes)
        check_pooled_lots(draft, instance)
        check_minimum_lots(draft, instance)
        check_storable_offers(draft, instance)
        check_certainty(draft, instance)
        add_warnings(draft, instance, supply, lanes)
        warn_ineffective(draft, idle)
        faults.raise_errors()
        everywhere = [*notes, *collect_sources(supply), *collect_sources(lanes)]
        sources = tuple(sorted(everywhere, key=lambda source: source.path))
        instance = dataclasses.replace(
            instance, sources=sources, files=dict(sorted(digests.items())), warnings=faults.list_warnings()
        )
        if scenarios and warn:
            warn_of_scenarios(draft, instance, self.set_changes(changes).protect_firm().with_changes)
            instance = dataclasses.replace(instance, warnings=faults.list_warnings())
        return instance

    def _merge(self, changes: Mapping[str, str]) -> dict[str, str]:
        """Return the changes already set, and then `changes`."""
        return {**{path: value for path, value in self.changes.items() if path not in changes}, **changes}

    def _resolve(self, changes: ParameterChanges, faults: FaultLog) -> dict[str, str]:
        """Return the new value of each path that `changes` name; one that cannot be resolved is a fault.

        Rates and masses that are set with them are set first, as values may be written in such a unit.
        """
        result: dict[str, str] = {}
        each = [Change.build(path, value) for path, value in changes.items()]
        plain = {
            one.path: one.value for one in each if one.operation is Operation.REPLACE and not has_wildcard(one.path)
        }
        if len(plain) == len(each) and not self.firm:
            return plain
        units = {path: value for path, value in plain.items() if path.startswith("exchange") or "unit_mass" in path}
        source_values = (dataclasses.replace(self, changes=self._merge(units)) if units else self)._values
        for change in each:
            try:
                result.update(spare_firm(change, resolve_change(source_values, change), self.firm))
            except UsageError as error:
                message = str(error).removeprefix(f"{escape_text(change.path)}: ")
                faults.add_error(OVERRIDE_LOCATION, change.path, message, kind=FaultKind.CHANGE)
        return result


def find_ineffective_paths(error: InputError) -> set[str]:
    """Find the changes that are refused for having no effect.

    Args:
        error: Error of a file with changes.

    Returns:
        Their paths.
    """
    return {fault.path for fault in error.faults if fault.message.startswith(NO_EFFECT)}


@pause_garbage_collection()
def _parse_root(path: Path, name: str, digests: dict[str, str], faults: FaultLog) -> MappingNode | None:
    """Parse the file to a mapping node; return None, and record faults, where this fails."""
    data = read_file(
        path,
        name,
        MAX_INSTANCE_BYTES,
        lambda message: faults.add_error(Location(name), (), message, kind=FaultKind.FILE),
    )
    text = decode_utf8(data, SAVE_AS_UTF8, faults) if data else None
    if data is None or text is None:
        return None
    digests[path.name] = data.sha256
    root = parse_yaml(text, name, faults)
    if root is not None and not isinstance(root, MappingNode):
        faults.add_error(
            root.place, (), "an instance is a mapping that begins with `format: medalopt/1`", kind=FaultKind.STRUCTURE
        )
    return root if isinstance(root, MappingNode) else None


@pause_garbage_collection()
def _parse_draft(
    file: InstanceFile, changes: Mapping[str, str], digests: dict[str, str], faults: FaultLog
) -> tuple[Draft, tuple[SourceNote, ...]]:
    """Return all valid parts of the file with new values by path, and the notes of its mappings."""
    root, overrides = file.root, parse_overrides(changes, faults)
    if overrides:
        before = read_calendar(root)
        root = apply_tree_overrides(root, overrides, before.count if before else None, faults)
    root, notes = split_notes(_drop_null_sections(root, faults), faults)
    root, probabilities = separate_probabilities(root, faults)
    calendar = read_calendar(root)
    context = ValidationContext(read_money(root, faults), _read_period_count(root), _collect_names(root))
    labels = calendar.labels if calendar else None
    places = (
        labels or ("?",) * (context.periods or 0) or None
    )  # labels, or placeholders where only the number of periods is known
    streams = _read_section_rows("streams", root, file, places, digests, faults) or InputSheet.build_empty("streams")
    lanes = _read_section_rows("lanes", root, file, labels, digests, faults) or InputSheet.build_empty("lanes")
    if overrides:
        streams = apply_row_overrides(streams, overrides, name_stream_rows, labels, faults)
        lanes = apply_row_overrides(lanes, overrides, name_lane_rows, labels, faults)
    document = validate_tree(root, Document, context, faults)
    sheet = lanes if "lanes" in root.items else None
    return Draft(root, document, context, calendar, streams, sheet, faults, probabilities), notes


def _drop_null_sections(root: MappingNode, faults: FaultLog) -> MappingNode:
    """Return the tree without sections given as null, which are faults; a required section becomes an empty mapping."""
    sections = Document.mappings() | _TABLE_MODELS.keys()
    items = dict(root.items)
    for name, item in root.items.items():
        if name in sections and isinstance(item, ScalarNode) and item.null:
            del items[name]
            if Document.model_fields[name].is_required():
                items[name] = MappingNode({}, {}, item.place)
            else:
                faults.add_error(
                    root.keys[name],
                    (name,),
                    "this section is empty: fill it or delete its name",
                    kind=FaultKind.MISSING,
                )
    return MappingNode(items, root.keys, root.place)


def read_calendar(root: MappingNode) -> Calendar | None:
    """Read the planning periods.

    Args:
        root: Root node of an instance file.

    Returns:
        The calendar; None where the periods are invalid, which validation reports.
    """
    node = find_node(root, ("periods",))
    try:
        return Calendar.build(Periods.model_validate(convert_to_plain(node) if node else {}))
    except ValidationError:
        return None


def _read_period_count(root: MappingNode) -> int | None:
    """Return the number of periods, even where other period fields are invalid; None where it cannot be read."""
    node = find_node(root, ("periods",))
    count = {"count": node.items["count"]} if isinstance(node, MappingNode) and "count" in node.items else {}
    try:
        return Periods.model_validate(count).count if node is None or isinstance(node, MappingNode) else None
    except ValidationError:
        return None


def _collect_names(root: MappingNode) -> dict[str, frozenset[str]]:
    """Return the names that the file defines, by kind; kinds whose section is invalid are omitted."""
    kinds = {kind: f"{kind}s" for kind in ("metal", "device", "treatment", "smelter", "alloy")}
    names = {kind: found for kind, section in kinds.items() if (found := list_defined_names(root, section)) is not None}
    impurities = list_defined_names(root, "impurities") if "impurities" in root.items else frozenset[str]()
    if "metal" in names and impurities is not None:
        names[ELEMENT] = names["metal"] | impurities
    offers = list_defined_names(root, "market") if "market" in root.items else frozenset[str]()
    if offers is not None:
        names["offer"] = offers
    return names if "treatments" in root.items else {**names, "treatment": frozenset({WHOLE_TREATMENT})}


def _read_section_rows(
    name: str,
    root: MappingNode,
    file: InstanceFile,
    labels: tuple[str, ...] | None,
    digests: dict[str, str],
    faults: FaultLog,
) -> InputSheet | None:
    """Return the rows of a section given as a list or a table; None where it is absent or cannot be read."""
    node = root.items.get(name)
    if node is None:
        return None
    if isinstance(node, SequenceNode):
        return build_list_sheet(name, node, labels, faults)
    table = find_node(node, ("table",))
    if (
        not isinstance(table, ScalarNode)
        or not isinstance(node, MappingNode)
        or node.items.keys() - {"table", "encoding"}
    ):
        faults.add_error(
            node.place,
            (name,),
            "expected a list, or {table: FILE.csv} for rows in a table beside the instance",
            kind=FaultKind.STRUCTURE,
        )
        return None
    return _read_table(name, table, _read_encoding(name, node, faults), file, digests, faults)


def _read_encoding(section: str, node: MappingNode, faults: FaultLog) -> str | None:
    """Return the encoding stated for a table; None where there is none, or an unknown one (a fault)."""
    stated = node.items.get("encoding")
    if stated is None or (isinstance(stated, ScalarNode) and stated.text in CODECS):
        return stated.text if isinstance(stated, ScalarNode) else None
    suggestion = suggest_name(stated.text, CODECS) if isinstance(stated, ScalarNode) else ""
    message = f"no encoding of a table; those known are {join_names(CODECS, 30)}{suggestion}"
    faults.add_error(stated.place, (section, "encoding"), message, kind=FaultKind.ENCODING)
    return None


def _read_table(
    name: str, node: ScalarNode, encoding: str | None, file: InstanceFile, digests: dict[str, str], faults: FaultLog
) -> InputSheet | None:
    """Return the rows of a CSV table, read once per file; its digest and warnings are recorded."""
    target = resolve_table_path(file.path.parent, node, (name, "table"), faults)
    shown_as = os.fspath(file.path.parent / node.text)

    def report(message: str) -> None:
        """Record an error of the table at the place where the instance names it."""
        faults.add_error(node.place, (name, "table"), f"`{escape_text(node.text)}` {message}", kind=FaultKind.FILE)

    if target is None:
        return None
    if (target, name) not in file.tables:
        data = read_file(target, shown_as, MAX_TABLE_BYTES, report)
        if data is None:
            return None
        known = ["_".join(key) for key in list_columns(_TABLE_MODELS[name]) if key[-1] not in ("*", "{}")]
        columns = [*known, "source", "note", *(["period"] if name == "streams" else [])]
        own = FaultLog()
        text = decode_table(data, encoding, own)
        sheet = build_csv_sheet(name, data.name, text, columns, own) if text is not None else None
        if sheet is None or own.errors:
            digests[node.text] = data.sha256
            faults.extend(own)
            return sheet
        file.tables[target, name] = sheet, data.sha256, tuple(own.warnings)
    sheet, digests[node.text], warnings = file.tables[target, name]
    faults.warnings.extend(warnings)
    return sheet


@dataclass(frozen=True, eq=False)
class InstanceOrigin:
    """File of an instance with all changes made to it.

    Attributes:
        file: Parsed file, with its changes.
        base: Instance as loaded, whose optimal basis starts the solves of changed ones; None: this is it.
    """

    file: InstanceFile
    base: Instance | None = None


def _set_origin(instance: Instance, origin: InstanceOrigin) -> Instance:
    """Attach the origin to a new instance; `dataclasses.replace` does not copy it: one edited by hand has none."""
    object.__setattr__(instance, "origin", origin)
    return instance


def change_instance(instance: Instance, changes: ParameterChanges) -> Instance:
    """Build the instance with further changes from its file.

    Args:
        instance: Instance from a file, with or without changes.
        changes: Values by path, see `Change.build`.

    Returns:
        A new instance with its own digest.

    Raises:
        InputError: With every fault of the changes; also where one has no effect.
        UsageError: The instance was edited in memory.
    """
    origin = instance.origin
    if origin is None:
        raise UsageError(f"{instance.name}: was edited in memory; make changes to the instance that `load` returned")
    changed = origin.file.with_effective_changes(changes, unchanged=instance)
    return _set_origin(changed, InstanceOrigin(origin.file.set_changes(changes), origin.base or instance))
