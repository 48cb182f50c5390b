"""What decomposition comes to: the known optimum, and in every round the bound that the certificate finds, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

ROUNDS, CLOSE = 60, 1e-7
WAITING = {"streams.laptop@east.storage.limit": "1000 t"}  # of the first path: no limit that matters


def taken_apart(optima: Mapping[str, Mapping[str, float | None]], paths: tuple[Path, ...]) -> Iterator[str]:
    """Yield what gives an error away where almost nothing is left to the first exact program."""
    import medalopt
    from medalopt.instance.bounds import implied
    from medalopt.instance.routes import routes
    from medalopt.solver.decomposition import answers, lasting, settling
    from medalopt.solver.ladder import Task
    from medalopt.solving import BestPrices, _best_proven

    settling.FEW, lasting.FEW = 1, 1.0  # nearly all is fixed, and what may answer otherwise is priced by itself
    waiting = medalopt.load(paths[0], WAITING)
    asked = [(medalopt.load(path), optima[str(path)]["cost"]) for path in paths]
    for instance, expected in (*asked, (waiting, medalopt.solve(waiting, method="direct").objective)):
        found = routes(instance)
        task = Task(instance, found, implied(instance, found), "cost")
        yield from _bounds(task)
        answer = next(answers.answers(task))
        if not answer.method.startswith("decomposition"):
            yield "another way answers"
        elif answer.decisions is not None:
            plan, _ = _best_proven(task, answer, BestPrices({}, -inf))
            if plan is None or not plan.certificate.optimal:
                yield "certificate"
            elif expected is None or abs(plan.objective - expected) > CLOSE * abs(expected):
                yield "optimum"


def _bounds(task: Any) -> Iterator[str]:
    """Yield where a round's bound is not the certificate's, or the rounds do not come near it."""
    from medalopt.proof.bound import lower_bound
    from medalopt.proof.prices import prices
    from medalopt.solver.decomposition import answers, settling
    from medalopt.solver.decomposition.rounds import rounds
    from medalopt.solver.decomposition.split import Split

    split = Split.of(task)
    master = split.master
    if master.phase_one:
        for state in rounds(master, split.asked, ROUNDS):
            if state.mix.value <= answers.MISSED:
                break
        master.end_phase_one()
    for state in rounds(master, split.asked, ROUNDS):
        answer = split.asked.answer(master.weights(state.y))[0]
        y = prices(task.instance, settling.told(split, state.y, answer, split.own))
        proven = float(lower_bound(task.instance, task.found, task.bounds, y, "cost"))
        if abs(state.bound - proven) > 1e-9 * max(1.0, abs(proven), state.mix.size):
            yield "bound of a round"
        if state.gap < -CLOSE:
            yield "a mix below the bound"
        if state.gap < CLOSE:
            return
    yield "rounds without end"
