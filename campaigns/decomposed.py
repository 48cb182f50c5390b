"""Random instances, and they at legal extremes, solved whole and by decomposition: the same optimum, or no plan."""

from __future__ import annotations

import sys
from collections import Counter

from tests.instances_at_random.extreme import push_to_extremes
from tests.instances_at_random.figures import RandomStream
from tests.laws import pool
from tests.random_instances import Case, as_text, document

import medalopt
from campaigns.running import Found, campaign
from medalopt import Instance, Plan
from medalopt.errors import NoPlanError
from medalopt.solver.decomposition import crossover

NEAR = 1e-8  # of cost and tonnes, where the measure leaves a tie


def trial(seed: int) -> Found:
    """Solve instance number `seed`, and its extremes, directly and by decomposition, for each objective."""
    crossover.FIRST_OPEN_CELLS = 1
    found = Found()
    for name, files in ((f"{seed}", pool.files(seed)), (f"{seed} at extremes", extreme(seed))):
        instance = pool.read(files)
        for measure in pool.MEASURES:
            whole = pool.solved(instance, measure)
            taken = _decomposed(instance, measure)
            found += _compared(f"{name}, {measure}", whole, taken)
    return found


def extreme(seed: int) -> Case:
    """Return instance number `seed` with streams without a route, without supply, and other legal extremes."""
    instance = document(seed)
    push_to_extremes(RandomStream(f"{seed}/extremes"), instance)
    return Case({"instance.yaml": as_text(instance)})


def _decomposed(instance: Instance, measure: str) -> Plan | None:
    try:
        return medalopt.solve(instance, measure, method="decomposition")
    except NoPlanError:
        return None


def _compared(name: str, whole: Plan | None, taken: Plan | None) -> Found:
    if whole is None or taken is None:
        same = whole is None and taken is None
        return Found(Counter({"no plan": same}), () if same else (f"{name}: a plan one way, and none the other",))
    off = abs(whole.objective - taken.objective)
    wrong = [f"{name}: {off:.3g} apart"] if not off <= pool.slack(whole, taken) else []
    wrong += [f"{name}: proven to {taken.certificate.gap:.3g} only"] if not taken.certificate.optimal else []
    same = all(
        abs(one - other) <= NEAR * max(1.0, abs(one))
        for one, other in ((whole.cost, taken.cost), (whole.tonnes, taken.tonnes))
    )
    by_itself = taken.method.startswith("decomposition")
    seen = {"the same optimum": not wrong, "cost and tonnes too": same, "by the direct way in the end": not by_itself}
    return Found(Counter({what: int(yes) for what, yes in seen.items()}), tuple(wrong))


if __name__ == "__main__":
    sys.exit(campaign("decomposed", trial, 1_000, sys.argv[1:]))
