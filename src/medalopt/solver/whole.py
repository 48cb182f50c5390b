"""Mixed-integer programs: whole lots and truckloads.

Branch and bound finds the integer columns; with these fixed, the linear program is solved and verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medalopt.instance.figures import Bools
from medalopt.model.lots import WHOLE
from medalopt.solver.highs import METHODS, attempt, branched
from medalopt.solver.ladder import Task, program, stated
from medalopt.solver.linear import Linear
from medalopt.solver.scaling import scaled
from medalopt.solver.solution import Solution


def answers_in_lots(task: Task, gap: float) -> Iterator[Solution]:
    """Yield solutions by one method after the other, with the integer columns fixed as branch and bound found them.

    Args:
        task: Instance with lots.
        gap: Relative optimality gap at which branch and bound stops.

    Yields:
        Unverified solutions; `stopped` where the time limit ended the search.
    """
    block, linear = program(task)
    whole = must_be_whole(linear)
    ready = scaled(replace(linear, size=np.where(whole, 1.0, linear.size)))  # integer columns stay unscaled
    found = branched(ready, whole, gap, task.budget)
    if not len(found.x):
        yield Solution(found.status, found.method)
        return
    numbers = np.rint(found.x)
    bound = None if found.bound is None else float(np.ldexp(found.bound, -int(ready.cost[0])))
    lower, upper = (np.where(whole, numbers, side) for side in (ready.lower, ready.upper))
    for method in METHODS:
        answer = attempt(replace(ready, lower=lower, upper=upper), method)
        if len(answer.x):
            plan = stated(task, block, linear, ready, answer)
            method = f"{found.method}, then {method}"
            yield replace(plan, status=found.status, method=method, search_bound=bound)


def must_be_whole(linear: Linear) -> Bools:
    """Return which columns must be integer.

    Args:
        linear: Program.

    Returns:
        Mask (N,).
    """
    named = [name in WHOLE for name, _ in linear.places]
    return np.concatenate([np.zeros(linear.network, dtype=bool), np.array(named, dtype=bool)])
