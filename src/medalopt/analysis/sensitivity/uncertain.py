"""What may turn out otherwise than an instance says: its figures, in the groups that move together, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from medalopt.analysis.variants import Variants
from medalopt.instance.paths import Path, render
from medalopt.instance.reader.nodes import Scalar
from medalopt.instance.schema.at import Kind, kind_at
from medalopt.instance.schema.fields import Measure
from medalopt.instance.written import Written

TENTH = 0.1
FEW = 12  # streams or lanes that are moved one by one; of more, those of a device, a region or a smelter move together
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "exchange": ("",),
    "transport_rate": ("",),
    "metals": ("sell", "holding", "opening_stock"),
    "devices": ("content",),
    "streams": ("available", "total", "price", "collection", "committed", "credited", "storage"),
    "treatments": ("cost", "to_smelter", "recovery", "residue_value", "capacity"),
    "smelters": ("treatment_charge", "refining_charge", "returned", "deduction", "capacity", "committed", "limit"),
    "lanes": ("distance", "cost"),
    "market": ("price", "committed", "limit", "recycled"),
    "alloys": ("loss", "scrap", "capacity", "holding"),
    "medals": ("count", "parts", "allowance"),
    "policy": ("recycled", "device_share", "participation", "footprint_cap"),
}
_INSIDE = {"devices": 4, "terms": 4}  # the place of the field, where a treatment tells of devices, a smelter of feeds
_UNCERTAIN = {"devices": "content", "treatments": "recovery", "smelters": "returned", "market": "price"}
_DETAILED = ("content", "scrap", "storage", "recycled", "device_share")


@dataclass(frozen=True)
class Member:
    """One figure of a factor: what stands there, in its canonical unit; all that a list holds moves together."""

    path: Path
    values: tuple[Fraction, ...]
    kind: Kind
    listed: bool

    @property
    def limit(self) -> float | None:
        """What the figure cannot exceed, None where there is no such limit."""
        measure = self.kind.measure
        return measure.high if isinstance(measure, Measure) else None

    def text(self, factor: float) -> str:
        """Return what is to stand there for `factor` times as much, held at the limit."""
        texts = [self._one(value, factor) for value in self.values]
        return f"[{', '.join(texts)}]" if self.listed else texts[0]

    def _one(self, value: Fraction, factor: float) -> str:
        measure = self.kind.measure
        moved = value * Fraction(factor)
        if not isinstance(measure, Measure):
            return str(round(moved))
        if measure.high is not None and (moved >= measure.high if measure.below else moved > measure.high):
            return repr(float(value)) if measure.below else repr(float(measure.high))
        return repr(float(moved))


@dataclass(frozen=True)
class Factor:
    """Figures that move together by one factor: named by `path`, which may hold `*`, and where that names more, `of`.

    `cv` is their relative standard deviation, None where the instance gives none.
    """

    path: Path
    members: tuple[Member, ...]
    cv: float | None = None
    of: str = ""

    @property
    def step(self) -> float:
        """By which part of itself it is moved."""
        return TENTH if self.cv is None else self.cv

    @property
    def figures(self) -> int:
        """How many figures move."""
        return sum(len(member.values) for member in self.members)

    @property
    def may_vary(self) -> bool:
        """Whether it is of the kind for which an instance may give a `cv`."""
        field = _UNCERTAIN.get(str(self.path[0]))
        return field is not None and field == self.path[2]

    def changes(self, factor: float) -> dict[str, str]:
        """Return the changes that make it `factor` times what it is, no share above what it can be."""
        return {render(member.path): member.text(factor) for member in self.members}

    def held(self, factor: float) -> int:
        """Return how many of the figures are held at their limit when it is moved by `factor`."""
        return sum(
            1
            for member in self.members
            for value in member.values
            if member.limit is not None and value * Fraction(factor) > member.limit
        )


def factors(variants: Variants) -> tuple[Factor, ...]:
    """Return every figure of the instance that enters the program, in the groups that move together.

    Compositions, leads, dates and lots are no figures that turn out otherwise, and are not among them.
    """
    written, annex = variants.written, variants.instance.annex
    members = [one for one in _members(written) if _enters(one, variants)]
    many = {name for name in ("streams", "lanes") if _count(members, name) > FEW}
    found: dict[tuple[Path, str], list[Member]] = {}
    for member in members:
        for key in _groups(member.path, written, many):
            found.setdefault(key, []).append(member)
    for path, member in _unwritten(variants):
        found.setdefault((path, ""), [member])
    made = [Factor(path, tuple(group), None, of) for (path, of), group in found.items()]
    return tuple(one for factor in made for one in _with_cv(factor, written, annex))


def _unwritten(variants: Variants) -> Iterator[tuple[Path, Member]]:
    """Yield the recoveries and returns that have a `cv` but are left out of the file: then they are all there is."""
    for section in ("treatments", "smelters"):
        for name in variants.instance.annex.get(f"{section}_cv", {}):
            path: Path = (section, name, _UNCERTAIN[section])
            kind = kind_at(path)
            if kind is not None and kind.default and kind.default.raw:
                yield path, Member(path, (kind.default.exact,), kind, False)


def _count(members: list[Member], section: str) -> int:
    return len({member.path[1] for member in members if member.path[0] == section})


def _members(written: Written) -> Iterator[Member]:
    """Yield every figure of the fields that move, what a list holds as one."""
    found: dict[Path, tuple[list[Fraction], Kind, bool]] = {}
    for path, scalar, kind in written.figures():
        if _field(path) not in _FIELDS.get(str(path[0]), ()) or path[-1] == "lead":
            continue
        listed = isinstance(path[-1], int)
        at = path[:-1] if listed else path
        exact = written.exact(path, scalar, kind)
        if exact is not None:
            found.setdefault(at, ([], kind, listed))[0].append(exact)
    for path, (values, kind, listed) in found.items():
        if any(values):
            yield Member(path, tuple(values), kind, listed)


def _field(path: Path) -> str:
    """Return the field that a path leads to: what stands behind the name of a member of a section."""
    section = path[0]
    if section in ("exchange", "transport_rate"):
        return ""
    place = 1 if section == "policy" else 2
    if len(path) > place and section in ("treatments", "smelters"):
        place = _INSIDE.get(str(path[place]), place)
    return str(path[place]) if len(path) > place else ""


def _enters(member: Member, variants: Variants) -> bool:
    """Whether the measure asked for depends on a figure of this kind at all."""
    measure = member.kind.measure
    return variants.measure == "cost" or not (isinstance(measure, Measure) and "money" in measure.unit)


def _groups(path: Path, written: Written, many: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield each group that a figure belongs to: the path that names it, and which of those it holds."""
    section, field = str(path[0]), _field(path)
    if section in many:
        wanted = ("device", "region") if section == "streams" else ("smelter",)
        for which in wanted:
            node = written.find((*path[:2], which))
            if isinstance(node, Scalar):
                yield (section, "*", *path[2:]), f"{which} {node.text}"
    elif field in _DETAILED or section in ("metals", "policy"):
        yield path, ""
    elif section in ("treatments", "smelters"):
        yield (section, path[1], field), ""
    elif section in ("exchange", "transport_rate"):
        yield path, ""
    else:
        yield (*path[:2], field), ""


def _with_cv(factor: Factor, written: Written, annex: Mapping[str, Any]) -> Iterator[Factor]:
    """Yield the factor with the `cv` of the instance; where that is told metal by metal, one factor for each."""
    path = factor.path
    given = annex.get(f"{path[0]}_cv", {}).get(path[1], {}).get("cv") if factor.may_vary else None
    if not isinstance(given, Mapping):
        yield Factor(path, factor.members, given, factor.of)
    elif path[0] == "devices":
        yield Factor(path, factor.members, given.get(str(path[3]), given.get("default")), factor.of)
    else:
        yield from _by_metal(factor, written, given)


def _by_metal(factor: Factor, written: Written, given: Mapping[str, float]) -> Iterator[Factor]:
    for metal in sorted(str(name) for name in written.root.items["metals"].items):  # type: ignore[union-attr]
        cv = given.get(metal, given.get("default"))
        tables = {member.path if not _named(member.path) else member.path[:-1] for member in factor.members}
        own = tuple(one for table in sorted(tables, key=render) if (one := _of_metal(written, table, metal)))
        if own:
            yield Factor((*factor.path, metal), own, cv)


def _named(path: Path) -> bool:
    """Whether the last part of the path of a recovery or return is a metal."""
    return path[-1] not in ("recovery", "returned")


def _of_metal(written: Written, table: Path, metal: str) -> Member | None:
    path = (*table, metal)
    kind, node = kind_at(path), written.find(path)
    if kind is None or not isinstance(node, Scalar):
        return None
    exact = written.exact(path, node, kind)
    return Member(path, (exact,), kind, False) if exact else None


def correlation(variants: Variants, device: str) -> float:
    """Return the correlation between the assays of a device's metals, 0 where the instance gives none."""
    return float(variants.instance.annex.get("devices_cv", {}).get(device, {}).get("correlation") or 0.0)
