from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from medalopt.errors import InputError, UsageError
from medalopt.instance import wildcards
from medalopt.instance.paths import PathError, parse
from medalopt.instance.reader import changes as treechanges
from medalopt.instance.reader import remarks, rowchanges
from medalopt.instance.reader.changes import HERE
from medalopt.instance.reader.faults import Faults
from medalopt.instance.reader.nodes import Mapping as Tree
from medalopt.instance.reader.nodes import Scalar, key_place
from medalopt.instance.resolve import grouping, lanes, streams
from medalopt.instance.resolve.checks import check
from medalopt.instance.resolve.draft import Draft
from medalopt.instance.resolve.ineffective import Reasons, find_ineffective, reason_of
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.validate import model_of, validated
from medalopt.instance.written import Written
from medalopt.wording import shown

_EVERYWHERE = frozenset({"periods", "currency", "exchange"})  # sections on which all others depend
_SHEETS = ("streams", "lanes")
Changes = Mapping[str, str]
Whole = Callable[[Changes], object]


def value_text(value: Any) -> str | None:
    """Format the new value of a scenario as `--set` accepts it.

    Args:
        value: Scalar node, text, or list of them.

    Returns:
        The text; None where the value is neither a scalar nor a list of scalars.
    """
    if isinstance(value, list):
        texts = [value_text(item) for item in value]
        return None if None in texts else f"[{', '.join(text for text in texts if text is not None)}]"
    if isinstance(value, str):
        return value
    return value.text if isinstance(value, Scalar) and not value.null else None


def check_scenarios(draft: Draft, reasons: Reasons, whole: Whole) -> None:
    """Validate all scenarios and record their faults, each with the scenario's name and path.

    Args:
        draft: The parsed instance; faults are added to it.
        reasons: Values of the file itself that have no effect, with the reasons.
        whole: Builds a complete instance with changes and raises InputError where they are invalid; used for changes on
            which all sections depend.
    """
    if not draft.document.scenarios:
        return
    written = Written(draft)

    @lru_cache(maxsize=100_000)
    def expanded(path: str, value: str) -> dict[str, str]:
        return wildcards.expanded(written, path, value)

    known = frozenset(draft.faults.found)
    for name, scenario in draft.document.scenarios.items():
        _check(draft, name, scenario, reasons, expanded, whole, known)


def _check(
    draft: Draft,
    name: str,
    scenario: Mapping[str, Any],
    reasons: Reasons,
    expanded: Callable[[str, str], dict[str, str]],
    whole: Whole,
    known: frozenset[Any],
) -> None:
    """Validate one scenario and record its faults."""
    made: dict[str, dict[str, str]] = {}
    wrong: dict[str, list[str]] = {}  # messages by key of the scenario; '': the scenario as a whole
    for key, value in scenario.items():
        text = value_text(value)
        if text is None or not _begins_well(key):
            continue  # reported by the validation of the file itself
        try:
            made[key] = expanded(key, text)
        except UsageError as error:
            wrong.setdefault(key, []).append(str(error).removeprefix(f"{shown(key)}: "))
    keys = {path: key for key, changes in made.items() for path in changes}
    changes = {path: value for each in made.values() for path, value in each.items()}
    found = Faults()
    idle: Reasons = {}
    try:
        if _EVERYWHERE.isdisjoint(str(parse(path)[0]) for path in changes):
            idle = _tried(draft, changes, reasons, found)
        else:
            whole(changes)
    except InputError as error:
        found.found.extend(error.faults)
    clean = not known
    for fault in found.found:
        if fault.file == HERE.file or (clean and fault not in known):
            key = _key_of(fault.path, keys)
            told = "" if fault.path == key or not fault.path else f"{fault.path}: "
            wrong.setdefault(key, []).append(f"{told}{fault.message}")
    for key, each in made.items():
        why = [reason_of(parse(path), idle) for path in each]
        if each and all(why) and key not in wrong:
            wrong[key] = [f"has no effect: {why[0]}"]
    for key, messages in wrong.items():
        path = ("scenarios", name, key) if key else ("scenarios", name)
        more = f" (and {len(messages) - 1} more of what it names)" if len(set(messages)) > 1 else ""
        draft.faults.add(key_place(draft.root, path), path, messages[0] + more)


def _begins_well(key: str) -> bool:
    """Return whether the path begins with a section of the file."""
    try:
        return str(parse(key)[0]) in Document.model_fields
    except PathError:
        return False


def _key_of(path: str, keys: Mapping[str, str]) -> str:
    """Return the change of a scenario that causes a fault at `path`; '' where there is none."""
    while path and path not in keys:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return keys.get(path, "")


def _tried(draft: Draft, changes: Changes, reasons: Reasons, faults: Faults) -> Reasons:
    """Apply `changes` to the draft, record faults, and return the values that then have no effect."""
    wanted = treechanges.read(changes, faults)
    sections = {str(change.path[0]) for change in wanted}
    calendar = draft.calendar
    root = treechanges.apply(draft.root, wanted, calendar.count if calendar else None, faults)
    inner = frozenset(sections - set(_SHEETS))
    bare = Tree({name: root.items[name] for name in inner if name in root.items}, root.keys, root.place)
    part = validated(remarks.apart(bare, faults)[0], model_of(inner), draft.context, faults)
    document = draft.document.model_copy(update={name: getattr(part, name) for name in inner})
    labels = calendar.labels if calendar else None
    rows, ways = draft.streams, draft.lanes
    if "streams" in sections:
        rows = rowchanges.apply(rows, wanted, grouping.row_names, labels, faults)
    if "lanes" in sections and ways is not None:
        ways = rowchanges.apply(ways, wanted, lanes.row_names, labels, faults)
    changed = dataclasses.replace(draft, root=root, document=document, streams=rows, lanes=ways, faults=faults)
    if "streams" in sections:
        streams.gather(rows, changed)
    if "lanes" in sections and ways is not None:
        lanes.gather(ways, changed)
    check(changed, sections)
    return find_ineffective(changed, sections, reasons)
