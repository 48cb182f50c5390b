"""HiGHS on the whole program, from the plan of the decomposition: `confirm.py INSTANCE`.

What lies between its ends in the plan is basic; HiGHS makes a basis of that, and says in how many iterations of the
simplex method it takes it for optimal. It is told nothing else of how the plan was found.
"""

import sys
import time

import numpy as np

import medalopt
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.solver.highs import load_simplex
from medalopt.solver.program import BASIC, LOWER, UPPER, Basis
from medalopt.solver.scaling import scale_program
from medalopt.solver.solve_lp import SolveTask, build_program, reconstruct_columns, reconstruct_duals

NEAR = 1e-9  # in scaled units, within which a column or row stands at its end


def classify(value: np.ndarray, low: np.ndarray, high: np.ndarray, price: np.ndarray) -> np.ndarray:
    """Return the status of each value between its bounds; at a bound without a price it may be basic, and is."""
    at_low, at_high = value - low <= NEAR, high - value <= NEAR
    priced = np.abs(price) > NEAR
    return np.where(at_low & priced, LOWER, np.where(at_high & priced, UPPER, BASIC)).astype(np.int8)


instance = medalopt.load(sys.argv[1])
plan = medalopt.solve(instance, method="decomposition")
found = build_routes(instance)
block, linear = build_program(SolveTask(instance, found, compute_bounds(instance, found)))
ready = scale_program(linear)
x = np.ldexp(reconstruct_columns(plan.account, block, linear), -ready.column)
y = np.ldexp(reconstruct_duals(plan.duals, linear), ready.cost[0] - ready.row)
session = load_simplex(ready, "the program could not be handed over")
columns = classify(x, ready.lower, ready.upper, ready.costs[0] - ready.transpose_multiply(y))
session.set_basis(Basis(columns, classify(ready.compute_activity(x), ready.row_lower, ready.row_upper, y)))
start = time.perf_counter()
status = session.run()
value = float(linear.costs[0] @ ready.unscale_columns(session.read_solution()[0]))
print(f"{len(linear.lower):,} columns, {len(linear.rows):,} rows: {status}")
print(f"{session.iterations} iterations, {time.perf_counter() - start:.1f} s")
print(f"HiGHS {value!r}, the plan {plan.objective!r}, proven to a gap of {plan.certificate.gap:.1e}")
