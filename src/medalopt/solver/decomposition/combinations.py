"""Combinations: a route that takes devices with one branch of each of its fractions, which pricing treats as one route.

A fraction chooses its smelter without regard to the others, so that the best combination has the best branch of each
fraction, and every flow on branches is a sum of combinations. Without fractions a combination is a route.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.routes import Routes

MAX_COMBINATIONS = 4_000_000  # above which an instance is solved by the complete model


@dataclass(frozen=True, eq=False)
class RouteCombinations:
    """C combinations of the routes of an instance, by stream."""

    stream: Ints  # (C,) ascending
    member: Ints  # (C, M) the route that takes devices and its branches, -1 for none

    @classmethod
    def build(cls, routes: Routes) -> RouteCombinations:
        """Build the combinations of all routes.

        Args:
            routes: Routes of an instance.

        Returns:
            The combinations, in the order of the routes that take devices.
        """
        if routes.parent is None:
            return cls(routes.stream, np.arange(len(routes))[:, None])
        member = np.flatnonzero(routes.treats)[:, None]
        groups = routes.fraction_groups
        rank = np.arange(len(groups.parent)) - np.searchsorted(groups.parent, groups.parent)
        branches = routes.branches[np.argsort(groups.group[routes.branches], kind="stable")]
        first = np.searchsorted(groups.group[branches], np.arange(len(groups.parent) + 1))
        for number in range(int(rank.max(initial=-1)) + 1):
            own = np.full(len(routes), -1, dtype=np.intp)  # the fraction of this rank of each route
            own[groups.parent[rank == number]] = np.flatnonzero(rank == number)
            group = own[member[:, 0]]
            choices = np.where(group >= 0, first[group + 1] - first[group], 1)
            each = np.repeat(np.arange(len(member)), choices)
            place = np.arange(len(each)) - np.repeat(np.cumsum(choices) - choices, choices)
            chosen = branches[np.minimum(first[group[each]] + place, len(branches) - 1)]
            member = np.column_stack([member[each], np.where(group[each] >= 0, chosen, -1)])
        return cls(routes.stream[member[:, 0]], member)

    def sum_over_members(self, values: Floats) -> Floats:
        """Return sums of values over the routes of each combination.

        Args:
            values (J, ...): Value of each route.

        Returns:
            Sums (C, ...).
        """
        if self.member.shape[1] == 1:
            return values[self.member[:, 0]]
        padded = np.concatenate([values, np.zeros_like(values[:1])])
        return np.asarray(padded[self.member].sum(axis=1))


def count_combinations(routes: Routes) -> int:
    """Count the combinations of routes without building them.

    Args:
        routes: Routes of an instance.

    Returns:
        Their number.
    """
    if routes.parent is None:
        return len(routes)
    groups = routes.fraction_groups
    choices = np.ones(len(routes))
    np.multiply.at(choices, groups.parent, np.bincount(groups.group[routes.branches], minlength=len(groups.parent)))
    return int(min(choices[routes.treats].sum(), 1e18))
