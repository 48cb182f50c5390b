"""The whole program as arrays, handed to HiGHS as it comes, and the optimum: `arrays_peer.py INSTANCE`."""

import sys

import highspy
import numpy as np

import medalopt
from medalopt.instance.bounds import compute_bounds
from medalopt.instance.routes import build_routes
from medalopt.solver.solve_lp import SolveTask, build_program

instance = medalopt.load(sys.argv[1])
found = build_routes(instance)
linear = build_program(SolveTask(instance, found, compute_bounds(instance, found)))[1]
order = np.lexsort((linear.entries.row, linear.entries.column))
start = np.searchsorted(linear.entries.column[order], np.arange(len(linear.lower)))
solver = highspy.Highs()
solver.silent()
solver.passModel(
    *(len(linear.lower), len(linear.rows), len(order), int(highspy.MatrixFormat.kColwise)),
    *(int(highspy.ObjSense.kMinimize), 0.0, linear.costs[0], linear.lower, linear.upper),
    *(linear.row_lower, linear.row_upper, start.astype(np.int32), linear.entries.row[order].astype(np.int32)),
    *(linear.entries.value[order], np.zeros(len(linear.lower), dtype=np.int32)),
)
solver.run()
if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
    raise SystemExit(f"HiGHS ended with {solver.getModelStatus()}")
print(repr(solver.getInfo().objective_function_value))
