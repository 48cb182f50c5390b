"""Differences between the parameters of instance files, path by path, independent of the units they are written in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from medalopt.instance.paths import ParameterPath, render_path
from medalopt.instance.reader.yaml_nodes import MappingNode, ScalarNode
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.fields_at_path import find_parameter_kind
from medalopt.instance.source_values import SourceValues

IGNORED_SECTIONS = frozenset(
    {"format", "name", "title", "scenarios", "mixes", "parties", "project"}
)  # sections without effect on a plan
DEFINED = "defined"  # value of a section member that another file lacks, in place of all its parameters


@dataclass(frozen=True)
class ParameterDifference:
    """Parameter that is not equal in all files: its spelling in each, None if it is not given or not known."""

    path: str
    values: tuple[str | None, ...]


def find_differences(files: Sequence[SourceValues | None]) -> tuple[ParameterDifference, ...]:
    """Find the parameters in which any file differs from the first.

    Args:
        files: Source values of each file; None if not known. An unknown file has no differences; if the first is
            unknown, there are none at all.

    Returns:
        Differences in the order of the first file.
    """
    first = files[0] if files else None
    if first is None:
        return ()
    base = _collect_parameters(first)
    known = {file: base if file is first else _collect_parameters(file) for file in files if file is not None}
    every = dict.fromkeys(path for values in known.values() for path in values)
    paths = dict.fromkeys(
        path if all(path in values for values in known.values()) else _reduce_to_member(path, known) for path in every
    )
    found = (path for path in paths if any(_is_different(path, first, file, known) for file in known))
    return tuple(
        ParameterDifference(render_path(path), tuple(_format_difference(path, file, first) for file in files))
        for path in found
    )


def _reduce_to_member(path: ParameterPath, known: Iterable[SourceValues]) -> ParameterPath:
    """Return the path, or only its member (a stream, a smelter) if some file has the section but not the member."""
    head = path[:2]
    lacking = (isinstance(file.get_node(path[:1]), MappingNode) and file.get_node(head) is None for file in known)
    return head if len(path) > 2 and any(lacking) else path


def _collect_parameters(file: SourceValues) -> dict[ParameterPath, ScalarNode]:
    """Return all numbers of a file that can change a plan."""
    return {
        path: scalar
        for path, scalar in file.iterate_scalars()
        if path[0] not in IGNORED_SECTIONS and path[-1] != "title"
    }


def _is_different(
    path: ParameterPath,
    first: SourceValues,
    other: SourceValues,
    known: dict[SourceValues, dict[ParameterPath, ScalarNode]],
) -> bool:
    """Return True if the effective values at a path differ; a value given in parts is compared part by part."""
    here, there = (known[file].get(path) or file.find_value(path) for file in (first, other))
    if isinstance(here, ScalarNode) and isinstance(there, ScalarNode):
        return here.text != there.text and _read_exact_value(path, here, first) != _read_exact_value(path, there, other)
    return (here is None) != (there is None) and isinstance(here or there, ScalarNode | MappingNode)


def _read_exact_value(path: ParameterPath, scalar: ScalarNode, file: SourceValues) -> object:
    """Return the exact value of a scalar; its text if it is no number."""
    kind = find_parameter_kind(path)
    exact = file.convert_exact(path, scalar, kind) if kind is not None else None
    return scalar.text if exact is None else exact


def _format_difference(path: ParameterPath, file: SourceValues | None, first: SourceValues) -> str | None:
    """Return the effective value as text; a bare number in the unit of the first file."""
    node = file.find_value(path) if file is not None else None
    if not isinstance(node, ScalarNode):
        return DEFINED if isinstance(node, MappingNode) else None
    base, kind = first.find_value(path), find_parameter_kind(path)
    if (
        file is None
        or kind is None
        or not isinstance(kind.field_type, QuantityField)
        or not isinstance(base, ScalarNode)
    ):
        return node.text
    exact, (unit, factor) = file.convert_exact(path, node, kind), first.get_unit(path, base, kind.field_type)
    if exact is None or node.text.strip().endswith(unit) or not unit:
        return node.text
    return f"{float(exact / factor):.12g} {unit}"


def count_by_section(differences: Sequence[ParameterDifference]) -> Iterator[tuple[str, int]]:
    """Count the differences in each section of the file.

    Args:
        differences: Differences.

    Yields:
        Section and number of differences.
    """
    counts: dict[str, int] = {}
    for difference in differences:
        section = difference.path.partition(".")[0]
        counts[section] = counts.get(section, 0) + 1
    yield from counts.items()
