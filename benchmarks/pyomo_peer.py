"""The whole program as a Pyomo model, solved with HiGHS as it comes, and the optimum: `pyomo_peer.py INSTANCE`."""

import sys

import pyomo.environ as pyo

import medalopt

model = medalopt.build(medalopt.load(sys.argv[1]))
answer = pyo.SolverFactory("appsi_highs").solve(model)
if answer.solver.termination_condition != pyo.TerminationCondition.optimal:
    raise SystemExit(f"HiGHS ended with {answer.solver.termination_condition}")
print(repr(pyo.value(model.objective)))
