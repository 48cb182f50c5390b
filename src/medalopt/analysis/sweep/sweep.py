"""Solve scenarios, on this machine or on a cluster, and report their results in order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from medalopt.analysis import pool
from medalopt.analysis.journal import Answer, Journal
from medalopt.analysis.sweep.scenario import Scenario
from medalopt.analysis.variants import Variants


@dataclass(frozen=True)
class Row:
    """Scenario with its result."""

    scenario: Scenario
    answer: Answer


def sweep(
    variants: Variants,
    scenarios: Sequence[Scenario],
    where: pool.Where,
    journal: Journal | None = None,
    told: pool.Told = pool.quiet,
) -> Iterator[Row]:
    """Solve all scenarios; an invalid or infeasible one has that as its result and does not stop the others.

    Args:
        variants: Base instance.
        scenarios: Scenarios to solve.
        where: Executor: processes of this machine, or a cluster.
        journal: Cache of results.
        told: Progress callback.

    Yields:
        Each scenario with its result in the order given, as soon as all before it are solved.
    """
    asked = [scenario.changes for scenario in scenarios]
    waiting: dict[int, Answer] = {}
    following = 0
    with contextlib.closing(pool.stream(variants, asked, where, journal, told)) as answers:
        for number, answer in answers:
            waiting[number] = answer
            while following in waiting:
                yield Row(scenarios[following], waiting.pop(following))
                following += 1
