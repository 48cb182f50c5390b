r"""The program on the linking quantities, compiled from Pyomo; and a program of it and a part of the network.

The linking quantities are put in for what they are, $q=q_0+Dx$: they have neither columns nor rows there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.bounds import Bounds
from medalopt.instance.figures import Floats, Ints
from medalopt.instance.instance import Instance
from medalopt.instance.routes import Routes
from medalopt.model.network import Entries, Network
from medalopt.solver.assemble import supply_rows
from medalopt.solver.compile import Compiled
from medalopt.solver.linear import Linear, Place
from medalopt.solver.master import Master
from medalopt.solver.sizes import network_sizes, quantity_sizes


@dataclass(frozen=True, eq=False)
class Half:
    """Rows on linking quantities and on what is done with metal: `program` has the columns of the former first."""

    program: Compiled
    places: tuple[Place, ...]  # of the other columns
    count: int  # linking quantities
    size: Floats  # (columns - count,) of the others, their implied bounds
    start: Ints  # (count + 1,) where the entries of each linking quantity begin in `row` and `value`
    row: Ints
    value: Floats

    @classmethod
    def of(cls, instance: Instance, found: Routes, bounds: Bounds, measure: str) -> Half:
        """Return the half of `instance` that is no network."""
        master = Master.of(instance, found, measure, whole=False)
        program, count = master.compiled, master.linking
        places = master.places[count:]
        size = quantity_sizes(instance, bounds, places)
        entries = program.entries
        order = np.flatnonzero(entries.column < count)
        order = order[np.argsort(entries.column[order], kind="stable")]
        start = np.searchsorted(entries.column[order], np.arange(count + 1))
        return cls(program, places, count, size, start, entries.row[order], entries.value[order])

    def pulled(self, y: Floats) -> Floats:
        """Return the duals `y` of the rows carried to the linking quantities, (linking,)."""
        each = np.repeat(np.arange(self.count), np.diff(self.start))
        return np.bincount(each, self.value * y[self.row], self.count).astype(np.float64)

    def carried(self, quantities: Entries, width: int) -> Entries:
        """Return the rows' entries for columns, `width` in all, that `quantities` tells the linking quantities of."""
        counts = np.diff(self.start)[quantities.row]
        each = np.repeat(np.arange(len(counts)), counts)
        at = np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts) + self.start[quantities.row][each]
        cell, place = np.unique(self.row[at] * width + quantities.column[each], return_inverse=True)
        value = np.bincount(place, self.value[at] * quantities.value[each], len(cell))
        kept = value != 0
        return Entries(cell[kept] // max(width, 1), cell[kept] % max(width, 1), value[kept])

    def costs(self, quantities: Entries, width: int) -> Floats:
        """Return what such columns cost by each objective, (objectives, width)."""
        rate = self.program.costs[:, quantities.row] * quantities.value
        return np.array([np.bincount(quantities.column, each, width) for each in rate]).reshape(len(rate), width)

    def with_part(self, instance: Instance, found: Routes, bounds: Bounds, part: Network, fixed: Floats) -> Linear:
        """Return the program of this half and of `part`, what all else comes to being `fixed`, (linking,)."""
        half, width, height = self.program, len(part.upper), len(part.supply_stream)
        own = half.entries.column >= self.count
        carried = self.carried(part.defining, width)
        shift = np.bincount(self.row, self.value * np.repeat(fixed, np.diff(self.start)), len(half.rows))
        return Linear(
            network=width,
            places=self.places,
            lower=np.concatenate([np.zeros(width), half.lower[self.count :]]),
            upper=np.concatenate([part.upper, half.upper[self.count :]]),
            size=np.concatenate([network_sizes(found, part, bounds), self.size]),
            costs=np.concatenate([self.costs(part.defining, width), half.costs[:, self.count :]], axis=1),
            rows=(*supply_rows(instance, part), *half.rows),
            row_lower=np.concatenate([np.where(part.supply_bundled, 0.0, -np.inf), half.row_lower - shift]),
            row_upper=np.concatenate([part.supply_upper, half.row_upper - shift]),
            entries=Entries(
                np.concatenate([part.supply.row, height + carried.row, height + half.entries.row[own]]),
                np.concatenate([part.supply.column, carried.column, half.entries.column[own] - self.count + width]),
                np.concatenate([part.supply.value, carried.value, half.entries.value[own]]),
            ),
            given={},
        )
