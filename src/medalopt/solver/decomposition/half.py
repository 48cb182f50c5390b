"""The linking variables are substituted, q = q0 + D x, so they have neither columns nor rows in the master problem."""

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
    """Constraints on linking and metal variables; the linking variables are the first columns of `program`."""

    program: Compiled
    places: tuple[Place, ...]  # keys of the other columns
    count: int  # number of linking variables
    size: Floats  # (columns - count,) implied bounds of the other columns
    start: Ints  # (count + 1,) first entry of each linking variable in `row` and `value`
    row: Ints
    value: Floats

    @classmethod
    def of(cls, instance: Instance, found: Routes, bounds: Bounds, measure: str) -> Half:
        """Compile the constraints of an instance outside its network.

        Args:
            instance: Instance.
            found: Routes.
            bounds: Implied bounds of the variables.
            measure: Name of the objective.

        Returns:
            The linking program.
        """
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
        """Return A'y restricted to the linking variables.

        Args:
            y (rows,): Duals.

        Returns:
            A'y (linking,).
        """
        each = np.repeat(np.arange(self.count), np.diff(self.start))
        return np.bincount(each, self.value * y[self.row], self.count).astype(np.float64)

    def carried(self, quantities: Entries, width: int) -> Entries:
        """Return the row entries of columns that are given by their linking amounts.

        Args:
            quantities: Entries (linking variable, column, amount).
            width: Number of columns.

        Returns:
            Entries (row, column, value).
        """
        counts = np.diff(self.start)[quantities.row]
        each = np.repeat(np.arange(len(counts)), counts)
        at = np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts) + self.start[quantities.row][each]
        cell, place = np.unique(self.row[at] * width + quantities.column[each], return_inverse=True)
        value = np.bincount(place, self.value[at] * quantities.value[each], len(cell))
        kept = value != 0
        return Entries(cell[kept] // max(width, 1), cell[kept] % max(width, 1), value[kept])

    def costs(self, quantities: Entries, width: int) -> Floats:
        """Return the costs of columns that are given by their linking amounts.

        Args:
            quantities: Entries (linking variable, column, amount).
            width: Number of columns.

        Returns:
            Costs (objectives, width).
        """
        rate = self.program.costs[:, quantities.row] * quantities.value
        return np.array([np.bincount(quantities.column, each, width) for each in rate]).reshape(len(rate), width)

    def with_part(self, instance: Instance, found: Routes, bounds: Bounds, part: Network, fixed: Floats) -> Linear:
        """Return the program of these constraints and a part of the network.

        Args:
            instance: Instance.
            found: Routes.
            bounds: Implied bounds of the variables.
            part: Part of the network.
            fixed (linking,): Linking amounts of everything else.

        Returns:
            The program; `fixed` is subtracted from the right-hand sides.
        """
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
