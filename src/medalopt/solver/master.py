"""The compiled part of a program outside its network, shared by scenarios that differ in the network only."""

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

_TOLD = {"name", "title", "annex", "sources", "files", "figures", "warnings"}  # metadata, in no constraint
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
    """Rows, costs and columns outside the network, compiled from `instance` for the objective `measure`."""

    instance: Instance
    measure: str
    families: tuple[links.Link, ...]
    compiled: Compiled
    places: tuple[Place, ...]  # key of each column
    linking: int  # number of linking variables, which are the first columns

    @classmethod
    def of(cls, instance: Instance, found: Routes, measure: str, whole: bool = True) -> Master:
        """Compile the part of an instance outside its network.

        Args:
            instance: Instance.
            found: Routes of the instance.
            measure: Name of the objective.
            whole: Whether all linking variables are declared, as in `list_linking_families`.

        Returns:
            The compiled part.
        """
        with talking_to(io.StringIO()):  # Pyomo logs at length when interrupted
            model = build.master(instance, found, measure, whole)
        families = links.links(instance, found, whole)
        linking = list(links.variables(model, families))
        made = compiled(model, [model.objective.expr, model.cost, model.tonnes], first=linking)
        return cls(instance, measure, families, made, places_of(made.columns), len(linking))

    def like(self, instance: Instance, found: Routes, measure: str) -> Master:
        """Return the compiled part for another instance, `self` if the two differ in network data only.

        Args:
            instance: The other instance.
            found: Its routes.
            measure: Name of the objective.

        Returns:
            `self`, or a newly compiled part.
        """
        if measure == self.measure and self._keys() == _keys_of(links.links(instance, found)):
            sections = [field.name for field in dataclasses.fields(Instance) if field.name not in _TOLD]
            if all(_same(getattr(self.instance, name), getattr(instance, name), name) for name in sections):
                return self
        return Master.of(instance, found, measure)

    def _keys(self) -> list[tuple[links.Key, ...]]:
        return _keys_of(self.families)


def _keys_of(families: tuple[links.Link, ...]) -> list[tuple[links.Key, ...]]:
    """Return the keys of each linking family."""
    return [link.keys for link in families]


def _same(one: Any, other: Any, section: str = "") -> bool:
    """Return whether two parts of an instance are equal, apart from fields that enter the network alone."""
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
    """Return component name and index of each Pyomo variable.

    Args:
        columns: Pyomo variables.

    Returns:
        One key for each variable.
    """
    return tuple((column.parent_component().name, column.index()) for column in columns)  # type: ignore[attr-defined]
