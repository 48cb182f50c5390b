"""Each crossover program starts from the basis of the previous one, transferred by column and row."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from medalopt.instance.routes import Routes
from medalopt.model.network import Network
from medalopt.solver.decomposition.streams import Answer
from medalopt.solver.linear import Linear
from medalopt.solver.standing import begun

_BASIC, _LOWER, _UPPER = (
    highspy.HighsBasisStatus.kBasic,
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kUpper,
)


@dataclass(frozen=True, eq=False)
class Stand:
    """Simplex `basis` on `linear`, whose network is `block`."""

    block: Network
    linear: Linear
    basis: Any

    def onward(self, block: Network, linear: Linear, found: Routes, answer: Answer) -> Any:
        """Transfer the basis to the next program.

        New cells start as in `answer`: a shipment that is sent is basic, and its supply row is at its upper bound.

        Args:
            block: Network block of the next program.
            linear: The next program.
            found: Routes.
            answer: Subproblem solution.

        Returns:
            A HiGHS basis.
        """
        fresh = np.ones(answer.sent.shape, dtype=bool)
        fresh[self.block.supply_stream, self.block.supply_period] = False
        sends = fresh & (answer.sent > 0)
        stream = found.stream[block.route]
        goes = sends[stream, block.period] & (answer.by[stream, block.period] == block.route)
        full = np.zeros(len(linear.lower), dtype=bool)
        full[: len(goes)] = goes
        spent = np.zeros(len(linear.rows), dtype=bool)
        spent[: len(block.supply_stream)] = sends[block.supply_stream, block.supply_period]
        columns = dict(zip(_columns(self.block, self.linear), self.basis.col_status, strict=False))
        rows = dict(zip(self.linear.rows, self.basis.row_status, strict=False))
        named = zip(_columns(block, linear), full.tolist(), strict=True)
        return begun(
            [columns.get(name, _BASIC if by else _LOWER) for name, by in named],
            [rows.get(name, _UPPER if by else _BASIC) for name, by in zip(linear.rows, spent.tolist(), strict=True)],
        )


def _columns(block: Network, linear: Linear) -> list[Hashable]:
    """Return a key for each column."""
    pairs = (
        (block.route, block.period),
        (block.stock_stream, block.stock_period),
        (block.take_bundle, block.take_period),
    )
    of_network = [
        (kind, *each)
        for kind, (one, period) in enumerate(pairs)
        for each in zip(one.tolist(), period.tolist(), strict=True)
    ]
    return [*of_network, *linear.places]
