"""Time of the optimisation alone, from the instance to the decisions: `optimising.py INSTANCE [PATH=VALUE]`.

Prints the seconds that the decomposition takes, without reading, proof and writing.
"""

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does

import medalopt
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.solver.decomposition.column_generation import solve_by_column_generation
from medalopt.solver.solve_lp import SolveTask

instance = medalopt.load(sys.argv[1], dict(change.split("=", 1) for change in sys.argv[2:]))
found = build_routes(instance)
start = time.perf_counter()
answer = next(iter(solve_by_column_generation(SolveTask(instance, found, compute_bounds(instance, found)), 0.0)))
print(time.perf_counter() - start)
if answer.decisions is None or not answer.method.startswith("decomposition"):
    raise SystemExit(f"the decomposition has no plan, but: {answer.status}, {answer.method}")
