"""Scenarios answered one by one, on this machine or on others, and told in their order."""

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
    """A scenario with its answer."""

    scenario: Scenario
    answer: Answer


def sweep(
    variants: Variants,
    scenarios: Sequence[Scenario],
    where: pool.Where,
    journal: Journal | None = None,
    told: pool.Told = pool.quiet,
) -> Iterator[Row]:
    """Yield every scenario with its answer, in the order given, each as soon as it and all before it are answered.

    One that is wrong, or has no plan, or none that can be proven, says so in its answer; the others go on.
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
