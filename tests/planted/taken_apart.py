"""Check of the decomposition: known optimum, and in every iteration the bound of the certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Any

ROUNDS, CLOSE = 60, 1e-7
WAITING = {"streams.laptop@east.storage.limit": "1000 t"}  # of the first path: no limit that matters


def taken_apart(optima: Mapping[str, Mapping[str, float | None]], paths: tuple[Path, ...]) -> Iterator[str]:
    """Yield errors found if the first exact program has almost no columns."""
    import medalopt
    from medalopt.instance.bounds import compute_bounds
    from medalopt.instance.routes import build_routes
    from medalopt.solve_instance import BestDuals, _select_certified
    from medalopt.solver.decomposition import crossover, subproblems
    from medalopt.solver.decomposition.column_generation import solve_by_column_generation
    from medalopt.solver.solve_lp import SolveTask

    # nearly all cells are fixed, and each cell whose answer may change is priced by itself
    crossover.FIRST_OPEN_CELLS, subproblems.REPRICED_SHARE = 1, 1.0
    waiting = medalopt.load(paths[0], WAITING)
    asked = [(medalopt.load(path), optima[str(path)]["cost"]) for path in paths]
    for instance, expected in (*asked, (waiting, medalopt.solve(waiting, method="direct").objective)):
        found = build_routes(instance)
        task = SolveTask(instance, found, compute_bounds(instance, found), "cost")
        yield from _bounds(task)
        answer = next(solve_by_column_generation(task))
        if not answer.method.startswith("decomposition"):
            yield "another way answers"
        elif answer.decisions is not None:
            plan, _ = _select_certified(task, answer, BestDuals({}, -inf))
            if plan is None or not plan.certificate.optimal:
                yield "certificate"
            elif expected is None or abs(plan.objective - expected) > CLOSE * abs(expected):
                yield "optimum"


def _bounds(task: Any) -> Iterator[str]:
    """Yield where a round's bound is not the certificate's, or the rounds do not come near it."""
    from medalopt.proof.bound import compute_lower_bound
    from medalopt.proof.prices import build_prices
    from medalopt.solver.decomposition.column_generation import generate_columns, recover_duals
    from medalopt.solver.decomposition.master import DecomposedTask
    from medalopt.tolerances import PHASE_ONE_TOLERANCE

    split = DecomposedTask.decompose(task)
    master = split.master
    if master.phase_one:
        for state in generate_columns(master, split.problem, ROUNDS):
            if state.mix.value <= PHASE_ONE_TOLERANCE:
                break
        master.end_phase_one()
    for state in generate_columns(master, split.problem, ROUNDS):
        answer = split.problem.solve(master.compute_prices(state.y))[0]
        y = build_prices(task.instance, recover_duals(split, state.y, answer, split.network))
        proven = float(compute_lower_bound(task.instance, task.routes, task.bounds, y, "cost"))
        if abs(state.bound - proven) > 1e-9 * max(1.0, abs(proven), state.mix.size):
            yield "bound of a round"
        if state.gap < -CLOSE:
            yield "a mix below the bound"
        if state.gap < CLOSE:
            return
    yield "rounds without end"
