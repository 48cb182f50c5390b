"""HiGHS on the whole program, from where the decomposition's plan stands: `confirm.py INSTANCE`.

What lies between its ends in the plan is basic; HiGHS makes a basis of that, and says in how many iterations of the
simplex method it takes it for optimal. It is told nothing else of how the plan was found.
"""

import sys
import time

import highspy
import numpy as np

import medalopt
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.solver.highs import load_simplex
from medalopt.solver.scaling import scale_program
from medalopt.solver.solution import reconstruct_columns, reconstruct_duals
from medalopt.solver.solve_lp import SolveTask, build_program

NEAR = 1e-9  # in scaled units, within which a column or row stands at its end
LOWER, BASIC, UPPER = (
    highspy.HighsBasisStatus.kLower,
    highspy.HighsBasisStatus.kBasic,
    highspy.HighsBasisStatus.kUpper,
)


def standing(value: np.ndarray, low: np.ndarray, high: np.ndarray, price: np.ndarray) -> list[highspy.HighsBasisStatus]:
    """Return where each value stands between its ends; at an end without a price it may be basic, and is."""
    at_low, at_high = value - low <= NEAR, high - value <= NEAR
    priced = np.abs(price) > NEAR
    stands = np.where(at_low & priced, 0, np.where(at_high & priced, 2, 1))
    return [(LOWER, BASIC, UPPER)[each] for each in stands.tolist()]


instance = medalopt.load(sys.argv[1])
plan = medalopt.solve(instance, method="decomposition")
found = build_routes(instance)
block, linear = build_program(SolveTask(instance, found, compute_bounds(instance, found)))
ready = scale_program(linear)
x = np.ldexp(reconstruct_columns(plan.account, block, linear), -ready.column)
y = np.ldexp(reconstruct_duals(plan.duals, linear), ready.cost[0] - ready.row)
solver = load_simplex(ready, "the program could not be handed over")
basis = highspy.HighsBasis()
basis.col_status = standing(x, ready.lower, ready.upper, ready.costs[0] - ready.pulled(y))
basis.row_status = standing(ready.activity(x), ready.row_lower, ready.row_upper, y)
basis.valid = basis.alien = True
solver.setBasis(basis)
start = time.perf_counter()
solver.run()
told = solver.getInfo()
value = float(np.ldexp(told.objective_function_value, -int(ready.cost[0])))
print(f"{len(linear.lower):,} columns, {len(linear.rows):,} rows: {solver.getModelStatus()}")
print(f"{told.simplex_iteration_count} iterations, {time.perf_counter() - start:.1f} s")
print(f"HiGHS {value!r}, the plan {plan.objective!r}, proven to a gap of {plan.certificate.gap:.1e}")
