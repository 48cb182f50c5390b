"""What differs between the figures of two instance files, path by path, in whatever units they are written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from medalopt.instance.paths import Path, render
from medalopt.instance.reader.nodes import Mapping, Scalar
from medalopt.instance.schema.at import kind_at
from medalopt.instance.schema.fields import Measure
from medalopt.instance.written import Written

APART = frozenset({"format", "name", "title", "scenarios", "mixes", "parties"})  # they change no plan
DEFINED = "defined"  # told of a member of a section that another file lacks, instead of all its figures


@dataclass(frozen=True)
class Difference:
    """A figure that is not the same everywhere: as it is written in each, None where it is left out or not known."""

    path: str
    values: tuple[str | None, ...]


def differences(files: Sequence[Written | None]) -> tuple[Difference, ...]:
    """Return the figures in which any of `files` differs from the first, in the order of the first.

    A file that is not known (None) differs in nothing; where the first is not known, nothing can be told.
    """
    first = files[0] if files else None
    if first is None:
        return ()
    base = _figures(first)
    known = {file: base if file is first else _figures(file) for file in files if file is not None}
    every = dict.fromkeys(path for figures in known.values() for path in figures)
    paths = dict.fromkeys(
        path if all(path in figures for figures in known.values()) else _member(path, known) for path in every
    )
    found = (path for path in paths if any(_differs(path, first, file, known) for file in known))
    return tuple(Difference(render(path), tuple(_told(path, file, first) for file in files)) for path in found)


def _member(path: Path, known: Iterable[Written]) -> Path:
    """Return `path`, or only its member (a stream, a smelter) where some file has the section and no such member."""
    head = path[:2]
    lacking = (isinstance(file.at(path[:1]), Mapping) and file.at(head) is None for file in known)
    return head if len(path) > 2 and any(lacking) else path


def _figures(file: Written) -> dict[Path, Scalar]:
    return {path: scalar for path, scalar in file.scalars() if path[0] not in APART and path[-1] != "title"}


def _differs(path: Path, first: Written, other: Written, known: dict[Written, dict[Path, Scalar]]) -> bool:
    """Whether what counts at `path` is another figure; what one writes in parts is looked at part by part."""
    here, there = (known[file].get(path) or file.find(path) for file in (first, other))
    if isinstance(here, Scalar) and isinstance(there, Scalar):
        return here.text != there.text and _exact(path, here, first) != _exact(path, there, other)
    return (here is None) != (there is None) and isinstance(here or there, Scalar | Mapping)


def _exact(path: Path, scalar: Scalar, file: Written) -> object:
    kind = kind_at(path)
    exact = file.exact(path, scalar, kind) if kind is not None else None
    return scalar.text if exact is None else exact


def _told(path: Path, file: Written | None, first: Written) -> str | None:
    """Return what counts at `path` as it is written; a bare number in the unit that the first file writes there."""
    node = file.find(path) if file is not None else None
    if not isinstance(node, Scalar):
        return DEFINED if isinstance(node, Mapping) else None
    base, kind = first.find(path), kind_at(path)
    if file is None or kind is None or not isinstance(kind.measure, Measure) or not isinstance(base, Scalar):
        return node.text
    exact, (unit, factor) = file.exact(path, node, kind), first.unit(path, base, kind.measure)
    if exact is None or node.text.strip().endswith(unit) or not unit:
        return node.text
    return f"{float(exact / factor):.12g} {unit}"


def count_by_section(found: Sequence[Difference]) -> Iterator[tuple[str, int]]:
    """Yield how many figures differ in each section of the file."""
    counts: dict[str, int] = {}
    for one in found:
        section = one.path.partition(".")[0]
        counts[section] = counts.get(section, 0) + 1
    yield from counts.items()
