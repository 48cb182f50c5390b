"""The optimisation by itself, from the instance in memory to the decisions: `optimising.py INSTANCE [PATH=VALUE]`.

Prints the seconds that the decomposition takes, without reading, proof and writing.
"""

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does

import medalopt
from medalopt.instance.bounds import implied
from medalopt.instance.routes import routes
from medalopt.solver.decomposition.answers import answers
from medalopt.solver.ladder import Task

instance = medalopt.load(sys.argv[1], dict(change.split("=", 1) for change in sys.argv[2:]))
found = routes(instance)
start = time.perf_counter()
answer = next(iter(answers(Task(instance, found, implied(instance, found)), 0.0)))
print(time.perf_counter() - start)
if answer.decisions is None or not answer.method.startswith("decomposition"):
    raise SystemExit(f"the decomposition has no plan, but: {answer.status}, {answer.method}")
