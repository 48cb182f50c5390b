"""Read a program from an MPS file, solve it with HiGHS as it comes, and print the optimum: `bare_highs.py FILE`."""

import sys

import highspy

solver = highspy.Highs()
solver.silent()
solver.readModel(sys.argv[1])
solver.run()
if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
    raise SystemExit(f"HiGHS ended with {solver.getModelStatus()}")
print(repr(solver.getInfo().objective_function_value))
