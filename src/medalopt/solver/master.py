"""What Pyomo compiles of a program: all but its network. Variants in which the network alone differs share it."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from medalopt.instance.figures import Figures
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model import build, links
from medalopt.model.talk import talking_to
from medalopt.solver.compile import Compiled, compiled
from medalopt.solver.linear import Place

_TOLD = {"name", "title", "annex", "sources", "files", "figures", "warnings"}  # in no rule
_OF_NETWORK: Mapping[str, frozenset[str]] = {
    "devices": frozenset({"assay", "unit_mass"}),
    "streams": frozenset({"price", "collection", "credited", "storage_limit", "storage_cost", "footprint"}),
    "treatments": frozenset({"cost", "to_smelter", "recovery", "residue_value", "footprint"}),
    "smelters": frozenset({"footprint"}),
    "terms": frozenset({"treatment_charge", "refining_charge", "returned", "deduction"}),
    "lanes": frozenset({"cost", "footprint"}),
}


@dataclass(frozen=True, eq=False)
class Master:
    """The rows, costs and columns beside the network, compiled of `instance` for `measure`."""

    instance: Instance
    measure: str
    families: tuple[links.Link, ...]
    compiled: Compiled
    places: tuple[Place, ...]  # of its columns
    linking: int  # columns that the network defines, which come first

    @classmethod
    def of(cls, instance: Instance, found: Routes, measure: str, whole: bool = True) -> Master:
        """Compile it; `whole` as in `links`."""
        with talking_to(io.StringIO()):  # of an interruption Pyomo tells much
            model = build.master(instance, found, measure, whole)
        families = links.links(instance, found, whole)
        linking = list(links.variables(model, families))
        made = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=linking)
        return cls(instance, measure, families, made, places_of(made.columns), len(linking))

    def like(self, instance: Instance, found: Routes, measure: str) -> Master:
        """Return that of another instance: the same one where they differ in their networks alone."""
        if measure == self.measure and self._keys() == _keys_of(links.links(instance, found)):
            sections = [field.name for field in dataclasses.fields(Instance) if field.name not in _TOLD]
            if all(_same(getattr(self.instance, name), getattr(instance, name), name) for name in sections):
                return self
        return Master.of(instance, found, measure)

    def _keys(self) -> list[tuple[links.Key, ...]]:
        return _keys_of(self.families)


def _keys_of(families: tuple[links.Link, ...]) -> list[tuple[links.Key, ...]]:
    return [link.keys for link in families]


def _same(one: Any, other: Any, section: str = "") -> bool:
    """Whether two parts of an instance are the same, but for what the network alone is made of."""
    if one is other:
        return True
    if isinstance(one, Figures):
        alike = np.array_equal(one.raw, other.raw) and np.array_equal(one.unit, other.unit)
        return alike and one.factors == other.factors
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if dataclasses.is_dataclass(one):
        names = {field.name for field in dataclasses.fields(one)} - _OF_NETWORK.get(section, frozenset())
        return all(_same(getattr(one, name), getattr(other, name)) for name in names)
    return bool(one == other)


def places_of(columns: tuple[object, ...]) -> tuple[Place, ...]:
    """Return component and index of each of these variables of Pyomo."""
    return tuple((column.parent_component().name, column.index()) for column in columns)  # type: ignore[attr-defined]
