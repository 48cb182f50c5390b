"""Write an instance as text: YAML, with long lists of streams and lanes as CSV tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import yaml

from medalopt.instance.reader.files import Location
from medalopt.instance.reader.rows import PER_PERIOD_FIELDS
from medalopt.instance.reader.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, convert_to_plain
from medalopt.instance.resolve.parsed_document import Calendar

MAX_INLINE_ENTRIES = 40  # most entries of an inline list; more become a table
_get_value = attrgetter("value")  # of a scalar: only plain ones become numbers
_HEADER = "# Written by `medalopt import`.\n"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """YAML writer that quotes text wherever YAML 1.2, too, would read it as another type."""


def _represent_text(dumper: Any, text: str) -> Any:
    """Represent text in YAML, in quotes where it would be read as another type."""
    taken = ScalarNode(text, True, Location("")).value
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if isinstance(taken, str) else "'")


_Dumper.add_representer(str, _represent_text)


def render_instance_files(root: MappingNode, calendar: Calendar | None, stem: str) -> dict[str, str]:
    """Render the files of an instance.

    Args:
        root: Root node.
        calendar: The planning periods; None where they cannot be read.
        stem: Name of the instance file without its suffix.

    Returns:
        Text by relative path: `STEM.yaml`, and its tables below `STEM/`.
    """
    result: dict[str, str] = {}
    sections: dict[str, Any] = {}
    for name, node in root.items.items():
        if name in ("streams", "lanes") and isinstance(node, MappingNode):
            remarks = {
                key: convert_to_plain(node.items[key], _get_value) for key in ("source", "note") if key in node.items
            }
            entries = [item for key, item in node.items.items() if key not in remarks]
            table = _render_table(entries, calendar) if len(entries) > MAX_INLINE_ENTRIES or remarks else None
            if table is not None:
                result[f"{stem}/{name}.csv"] = table
                sections[name] = {"table": f"{stem}/{name}.csv", **remarks}
            else:
                sections[name] = [convert_to_plain(entry, _get_value) for entry in entries]
        else:
            sections[name] = convert_to_plain(node, _get_value)
    parts = [_dump_section({name: part}) for name, part in sections.items()]
    return {
        f"{stem}.yaml": _HEADER + "".join(f"\n{part}" if part.count("\n") > 1 else part for part in parts),
        **result,
    }


def _dump_section(section: dict[str, Any]) -> str:
    """Return a section as YAML, on one line where it contains scalars only."""
    nested = any(isinstance(part, dict | list) for part in section.values())
    style = None if nested else False
    return str(
        yaml.dump(section, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120, default_flow_style=style)
    )


def _render_table(entries: Iterable[Node], calendar: Calendar | None) -> str | None:
    """Return the entries as CSV, a row per period where supply or price varies; None where a table cannot hold them."""
    rows: list[dict[str, str]] = []
    for entry in entries:
        assert isinstance(entry, MappingNode), "a row of a sheet is a mapping"
        own = _flatten_entry(entry)
        lists = {name: one.items for name, one in entry.items.items() if isinstance(one, SequenceNode)}
        lists.pop("source", None)
        if own is None:
            return None
        if lists and calendar is not None:
            rows += [
                {**own, "period": label, **{name: _get_text(items[t]) for name, items in lists.items()}}
                for t, label in enumerate(calendar.labels)
            ]
        else:
            rows.append(own)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def _flatten_entry(entry: MappingNode) -> dict[str, str] | None:
    """Return the cells of an entry by column; None where it has nested values that a table cannot hold."""
    result: dict[str, str] = {}
    for name, node in entry.items.items():
        if isinstance(node, MappingNode):
            if not node.items:
                return None
            for inner, item in node.items.items():
                if not isinstance(item, ScalarNode) or inner in ("source", "note"):
                    return None
                result[f"{name}_{inner}"] = _get_text(item)
        elif isinstance(node, ScalarNode):
            result[name] = _get_text(node)
        elif name == "source":
            result[name] = "\n".join(map(_get_text, node.items))
        elif name not in PER_PERIOD_FIELDS:
            return None
    return result


def _get_text(node: Node) -> str:
    """Return the text of a scalar; '' for other nodes."""
    return node.text if isinstance(node, ScalarNode) else ""
