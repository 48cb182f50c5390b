"""Breakpoints of the price of confidence: from which confidence on a source of metal is used, or no longer used.

Between two plans whose sources differ the confidence is bisected. Each step is one linear program, warm-started, with
the cuts of all steps before: a cut's direction is valid at every quantile. The plans between are not certified.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.confidence import ConfidencePolicy, build_program_routes, measure_confidence
from medalopt.instance.instance import Instance
from medalopt.solver.basis import ProgramBasis
from medalopt.solver.confidence import add_cut_rows
from medalopt.solver.highs import METHODS, solve_by_method
from medalopt.solver.scaling import scale_program
from medalopt.solver.solution import extract_decisions
from medalopt.solver.solve_lp import SolveTask, build_program
from medalopt.tolerances import CUT_TOLERANCE

BREAKPOINT_TOLERANCE = 1e-3  # of a confidence
MAX_PROGRAMS = 24  # solved, shared by the intervals between plans
_MAX_ROUNDS = 8  # of cuts in a step
_USED_SHARE = 1e-6  # of the largest quantity of its kind, above which a source is used

Source = tuple[str, str]  # `stream` or `offer`, and its name


@dataclass(frozen=True)
class Breakpoint:
    """Sources that a plan uses at a confidence of `level`, and not at `below`, or the reverse."""

    below: float
    level: float
    enters: tuple[Source, ...]
    leaves: tuple[Source, ...]


def list_sources(account: PlanAccount) -> frozenset[Source]:
    """List the sources of metal that a plan uses: streams of which devices are smelted, and offers bought.

    Args:
        account: Plan in floats.

    Returns:
        The sources.
    """
    instance, routes = account.instance, account.routes
    smelted = np.where(routes.smelter >= 0, account.decisions.sent.sum(axis=1), 0.0)
    tonnes = np.bincount(routes.stream, smelted, len(instance.streams.names))
    found = set[Source]()
    for kind, names, amounts in (
        ("stream", instance.streams.names, tonnes),
        ("offer", instance.market.names, np.asarray(account.bought)),
    ):
        enough = _USED_SHARE * max(float(np.max(amounts, initial=0.0)), 1.0)
        found |= {(kind, name) for name, amount in zip(names, amounts.tolist(), strict=True) if amount > enough}
    return frozenset(found)


def find_breakpoints(
    instance: Instance, policy: ConfidencePolicy, accounts: Mapping[float, PlanAccount]
) -> tuple[Breakpoint, ...]:
    """Find the confidences at which sources enter or leave, between plans whose sources differ.

    A source that is used between two neighbouring plans alone is not found.

    Args:
        instance: Instance without a promise, and without lots.
        policy: Chance constraints of the instance at some confidence, the same for all.
        accounts: Plans by confidence.

    Returns:
        The breakpoints by rising confidence, within `BREAKPOINT_TOLERANCE` or as near as `MAX_PROGRAMS` allow.
    """
    tracer = _SourceTracer(instance, policy, list(accounts.values()))
    known = {level: list_sources(account) for level, account in accounts.items()}
    changing = [pair for pair in pairwise(sorted(known)) if known[pair[0]] != known[pair[1]]]
    ends: list[tuple[float, float]] = []
    for number, pair in enumerate(changing):  # depth first: neighbouring programs have similar bases
        waiting = [pair]
        while waiting:
            low, high = waiting.pop()
            if known[low] == known[high]:
                continue
            middle, found = (low + high) / 2, None
            if high - low > BREAKPOINT_TOLERANCE and tracer.solved * len(changing) < MAX_PROGRAMS * (number + 1):
                found = tracer.find_sources(middle)
            if found is None:
                ends.append((low, high))
                continue
            known[middle] = found
            waiting += [(middle, high), (low, middle)]
    return tuple(
        Breakpoint(low, high, *(tuple(sorted(known[one] - known[other])) for one, other in ((high, low), (low, high))))
        for low, high in sorted(ends)
    )


class _SourceTracer:
    """Warm-started program of plans at any confidence, with the directions of all cuts found."""

    def __init__(self, instance: Instance, policy: ConfidencePolicy, known: Sequence[PlanAccount]) -> None:
        """Build the program, with the directions of known plans."""
        self._instance, self._policy = instance, policy
        self._routes = build_program_routes(instance)
        task = SolveTask(instance, self._routes, compute_bounds(instance, self._routes), "cost")
        self._network, self._program = build_program(task)
        self._basis: ProgramBasis | None = None
        self.solved = 0
        self._directions: list[tuple[int, Floats]] = []
        for account in known:
            self._add_directions(self._policy, PlanAccount(instance, self._routes, account.decisions), always=True)

    def find_sources(self, level: float) -> frozenset[Source] | None:
        """Find the sources of an optimal plan of a confidence; None where it is not found."""
        quantile = NormalDist().inv_cdf(level)
        rows = tuple(replace(row, level=level, quantile=quantile) for row in self._policy.rows)
        policy = replace(self._policy, rows=rows)
        for _ in range(_MAX_ROUNDS):
            self.solved += 1
            cuts = tuple(policy.build_cut(self._routes, rows[number], one) for number, one in self._directions)
            program = add_cut_rows(self._program, self._instance, self._routes, self._network, cuts)
            ready = scale_program(program)
            start = None if self._basis is None else self._basis.transfer(program)
            result = solve_by_method(ready, METHODS[1], start)
            if result.status != "optimal":
                return None
            self._basis = None if result.basis is None else ProgramBasis(program, result.basis)
            x = ready.unscale_columns(result.x)
            decisions = extract_decisions(self._instance, self._routes, self._network, program, x)
            account = PlanAccount(self._instance, self._routes, decisions)
            if not self._add_directions(policy, account):
                return list_sources(account)
        return None

    def _add_directions(self, policy: ConfidencePolicy, account: PlanAccount, always: bool = False) -> bool:
        """Add the directions of violated chance constraints, or of all, and return whether there are any."""
        slacks = enumerate(measure_confidence(policy, account))
        added = [(n, slack.direction) for n, slack in slacks if always or slack.excess > _LOOSENESS * CUT_TOLERANCE]
        self._directions += added
        return bool(added)


_LOOSENESS = 2**10  # the place of a breakpoint needs no certificate
