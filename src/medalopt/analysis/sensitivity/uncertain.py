"""Uncertain parameters of an instance, grouped by those that vary together, with their coefficients of variation."""

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
FEW = 12  # streams or lanes varied one by one; more are grouped by device, region or smelter
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
_INSIDE = {"devices": 4, "terms": 4}  # position of the field in paths inside `devices` of a treatment or `terms`
_UNCERTAIN = {"devices": "content", "treatments": "recovery", "smelters": "returned", "market": "price"}
_DETAILED = ("content", "scrap", "storage", "recycled", "device_share")


@dataclass(frozen=True)
class Member:
    """One parameter of a group, with values in canonical units; the entries of a list vary together."""

    path: Path
    values: tuple[Fraction, ...]
    kind: Kind
    listed: bool

    @property
    def limit(self) -> float | None:
        """Upper limit of the parameter, None if there is none."""
        measure = self.kind.measure
        return measure.high if isinstance(measure, Measure) else None

    def text(self, factor: float) -> str:
        """Format the scaled value as it is written in the file.

        Args:
            factor: Factor on the value, capped at the upper limit.

        Returns:
            The text of the number, or of the list.
        """
        texts = [self._one(value, factor) for value in self.values]
        return f"[{', '.join(texts)}]" if self.listed else texts[0]

    def _one(self, value: Fraction, factor: float) -> str:
        """Return the text of one scaled value."""
        measure = self.kind.measure
        moved = value * Fraction(factor)
        if not isinstance(measure, Measure):
            return str(round(moved))
        if measure.high is not None and (moved >= measure.high if measure.below else moved > measure.high):
            return repr(float(value)) if measure.below else repr(float(measure.high))
        return repr(float(moved))


@dataclass(frozen=True)
class Factor:
    """Parameters scaled by one common factor, named by `path`, which may contain `*`, restricted by `of` if given.

    `cv` is their coefficient of variation (relative standard deviation), None if the instance gives none.
    """

    path: Path
    members: tuple[Member, ...]
    cv: float | None = None
    of: str = ""

    @property
    def step(self) -> float:
        """Relative step of the variation: the coefficient of variation, or 0.1."""
        return TENTH if self.cv is None else self.cv

    @property
    def figures(self) -> int:
        """Number of parameters in the group."""
        return sum(len(member.values) for member in self.members)

    @property
    def may_vary(self) -> bool:
        """True if an instance may give a coefficient of variation for this kind of parameter."""
        field = _UNCERTAIN.get(str(self.path[0]))
        return field is not None and field == self.path[2]

    def changes(self, factor: float) -> dict[str, str]:
        """Return the changes that scale the group.

        Args:
            factor: Factor on all values, each capped at its upper limit.

        Returns:
            New text by path.
        """
        return {render(member.path): member.text(factor) for member in self.members}

    def held(self, factor: float) -> int:
        """Count the parameters that are capped.

        Args:
            factor: Factor on all values.

        Returns:
            Number of values whose scaled value exceeds the upper limit.
        """
        return sum(
            1
            for member in self.members
            for value in member.values
            if member.limit is not None and value * Fraction(factor) > member.limit
        )


def factors(variants: Variants) -> tuple[Factor, ...]:
    """Find all parameter groups that affect the objective or the constraints.

    Compositions, lead times, dates and lots are not varied.

    Args:
        variants: Scenarios of the instance.

    Returns:
        The groups in the order of the file.
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
    """Yield recoveries and returns that have a coefficient of variation but only their default value."""
    for section in ("treatments", "smelters"):
        for name in variants.instance.annex.get(f"{section}_cv", {}):
            path: Path = (section, name, _UNCERTAIN[section])
            kind = kind_at(path)
            if kind is not None and kind.default and kind.default.raw:
                yield path, Member(path, (kind.default.exact,), kind, False)


def _count(members: list[Member], section: str) -> int:
    """Return the number of distinct names of a section."""
    return len({member.path[1] for member in members if member.path[0] == section})


def _members(written: Written) -> Iterator[Member]:
    """Yield every parameter of the varied fields, a list as one member."""
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
    """Return the field name in a path, after the name of the section's member."""
    section = path[0]
    if section in ("exchange", "transport_rate"):
        return ""
    place = 1 if section == "policy" else 2
    if len(path) > place and section in ("treatments", "smelters"):
        place = _INSIDE.get(str(path[place]), place)
    return str(path[place]) if len(path) > place else ""


def _enters(member: Member, variants: Variants) -> bool:
    """Return True if the objective depends on parameters of this unit: money only matters for cost."""
    measure = member.kind.measure
    return variants.measure == "cost" or not (isinstance(measure, Measure) and "money" in measure.unit)


def _groups(path: Path, written: Written, many: set[str]) -> Iterator[tuple[Path, str]]:
    """Yield the key of each group of a parameter: path with `*`, and restriction to a device, region or smelter."""
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
    """Yield the group with its coefficient of variation, one group per metal if that is given by metal."""
    path = factor.path
    given = annex.get(f"{path[0]}_cv", {}).get(path[1], {}).get("cv") if factor.may_vary else None
    if not isinstance(given, Mapping):
        yield Factor(path, factor.members, given, factor.of)
    elif path[0] == "devices":
        yield Factor(path, factor.members, given.get(str(path[3]), given.get("default")), factor.of)
    else:
        yield from _by_metal(factor, written, given)


def _by_metal(factor: Factor, written: Written, given: Mapping[str, float]) -> Iterator[Factor]:
    """Yield one group for each metal."""
    for metal in sorted(str(name) for name in written.root.items["metals"].items):  # type: ignore[union-attr]
        cv = given.get(metal, given.get("default"))
        tables = {member.path if not _named(member.path) else member.path[:-1] for member in factor.members}
        own = tuple(one for table in sorted(tables, key=render) if (one := _of_metal(written, table, metal)))
        if own:
            yield Factor((*factor.path, metal), own, cv)


def _named(path: Path) -> bool:
    """Return True if the path of a recovery or return ends in a metal."""
    return path[-1] not in ("recovery", "returned")


def _of_metal(written: Written, table: Path, metal: str) -> Member | None:
    """Return the entry of one metal in a table, if the file has it."""
    path = (*table, metal)
    kind, node = kind_at(path), written.find(path)
    if kind is None or not isinstance(node, Scalar):
        return None
    exact = written.exact(path, node, kind)
    return Member(path, (exact,), kind, False) if exact else None


def correlation(variants: Variants, device: str) -> float:
    """Return the correlation between the assays of a device's metals.

    Args:
        variants: Scenarios of the instance.
        device: Name of the device.

    Returns:
        Correlation coefficient, 0 if the instance gives none.
    """
    return float(variants.instance.annex.get("devices_cv", {}).get(device, {}).get("correlation") or 0.0)
