# %% tags=["remove-cell"]
# Jupyter and VS Code start in the folder of this file: change to the checkout, which holds `instances/`.
import os
from pathlib import Path

os.chdir(next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "instances").is_dir()))

# %% [markdown]
# # A nation of municipalities on a Dask cluster
#
# You plan the supply of a whole nation, and solve scenarios of it on several machines. You need a checkout of medalopt,
# and `pip install 'medalopt[distributed]'`. Here one machine plays all parts, and the nation has 12 municipalities, so
# that each step takes seconds. With `--regions 1621` it is the nation of
# [the measurements](../explanation/scale.md#measurements); the steps are the same.
#
# ## 1. Write the nation
#
# In a terminal, in the folder of the checkout:
#
# ```console
# $ python -m instances.japan1621 --regions 12 nation
# $ medalopt check nation/japan12.yaml
# japan12: no errors found.
#   Supply: 79,653 t offered; 108 streams of 9 device types from 12 regions.
# ```
#
# The municipalities are synthetic; their totals by region, device type and month are those of `tokyo2020.yaml`.
#
# ## 2. Solve it once

# %%
import medalopt

nation = medalopt.load("nation/japan12.yaml")
plan = medalopt.solve(nation)
print(f"{plan.cost / 1e9:.3f} bn {nation.currency}, {plan.status}: {plan.tonnes:,.0f} t taken")

# %% [markdown]
# A nation of more than 50,000 routes times periods is solved by
# [column generation](../explanation/scale.md#column-generation), with the same kind of proof. You need not choose.
#
# ## 3. Start a cluster
#
# In two other terminals, or on other machines with their own address in place of 127.0.0.1:
#
# ```sh
# dask scheduler --host 127.0.0.1 --port 8786
# dask worker tcp://127.0.0.1:8786 --nworkers 2 --nthreads 1
# ```
#
# Every machine needs the same versions of Python, medalopt and Dask. Keep the port inside your own network
# ([security](../how-to/sweep.md#on-a-dask-cluster)).
#
# ## 4. Solve scenarios on it
#
# How much does the silver that is recovered by hand matter? `client.map` sends the function, with the nation, to the
# workers, which read no file; what it returns comes back.

# %%
from distributed import Client


def solve_with(recovery):
    plan = medalopt.solve(nation.with_changes({"treatments.dismantle.recovery.Ag": recovery}))
    return plan.cost, plan.tonnes


recoveries = ["77 %", "80 %", "83 %", "86 %"]
with Client("tcp://127.0.0.1:8786") as client:
    results = client.gather(client.map(solve_with, recoveries))
for recovery, (cost, tonnes) in zip(recoveries, results, strict=True):
    print(f"{recovery}: {cost / 1e9:.3f} bn {nation.currency}, {tonnes:,.0f} t taken")

# %% [markdown]
# Any function of medalopt can be sent in this way.
#
# ## 5. Survive interruptions
#
# For many scenarios use the command. It sends the instance once to each worker, keeps every result in a journal, and
# continues from there when it is run again after an interruption. A worker that is killed costs time only: its
# scenarios are solved by another.
#
# ```console
# $ medalopt sweep nation/japan12.yaml --grid 'treatments.dismantle.recovery.Ag=77..86%/4' \
#     --on dask --scheduler tcp://127.0.0.1:8786 --journal nation.journal -o nation.csv
#   Optimal: 4 of 4 scenarios.
#   Lowest: 1.926 bn JPY (scenario 4).
#   Highest: 2.641 bn JPY (scenario 1).
# ```
#
# ## 6. Compare with one core
#
# ```console
# $ medalopt sweep nation/japan12.yaml --grid 'treatments.dismantle.recovery.Ag=77..86%/4' --jobs 1 -o alone.csv
# ```
#
# `nation.csv` and `alone.csv` are equal to the last byte: the results do not depend on who computed them
# ([why](../how-to/sweep.md#reproducibility-and-interruption)).
#
# Next: [solve many scenarios](../how-to/sweep.md), or [how a nation is solved](../explanation/scale.md).
