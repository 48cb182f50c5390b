# %% tags=["remove-cell"]
# Jupyter and VS Code start in the folder of this file: change to the checkout, which holds `instances/`.
import os
from pathlib import Path

os.chdir(next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "instances").is_dir()))

# %% [markdown]
# # Fifty scenarios from Python
#
# You solve fifty variants of one instance, put the results in one table, and look at one of the plans in detail.
#
# ## 1. Load an instance, change a parameter

# %%
import medalopt

instance = medalopt.load("instances/tiny.yaml")
more_gold = instance.with_changes({"medals.gold.count": 39, "streams.*.available": "110 %"})
print(f"{medalopt.solve(instance).cost:,.0f} {instance.currency}")
print(f"{medalopt.solve(more_gold).cost:,.0f} {instance.currency}")

# %% [markdown]
# `with_changes` maps paths to values, as `--set` does, and returns a new instance; `instance` and its file are
# unchanged.
#
# ## 2. Solve fifty

# %%
import pandas as pd

plans = {}
for number in range(50):
    limit = 2 + number / 50
    plans[limit] = medalopt.solve(instance.with_changes({"smelters.near.limit": f"{limit} t"}))

table = pd.DataFrame([{"limit_t": limit, "cost_jpy": p.cost, "devices_t": p.tonnes} for limit, p in plans.items()])
print(table.iloc[[0, 25, 49]].round(2).to_string(index=False))

# %% [markdown]
# `solve` starts each changed instance from the optimal basis of the unchanged one. Every plan is verified. Where no
# plan exists `solve` raises `medalopt.InfeasibleError`; each of these fifty has one.
#
# ## 3. Look at two of them
#
# Each is a whole plan: `shipments`, `purchases` and `metals` are pandas tables. Which devices go to which smelter at
# the tightest limit, and at the loosest?

# %%
for limit in (2.0, 2.98):
    taken = plans[limit].shipments.groupby(["stream", "smelter"])["taken [t]"].sum()
    print(taken.unstack().round(1).to_string())

# %% [markdown]
# At the tightest limit one tonne of phones of the east goes to `far` instead of `near`, and no kettles are taken.
#
# ## 4. Or let `sweep` do it
#
# With names, all cores (`jobs`), and infeasible scenarios as a status instead of an exception:

# %%
scenarios = {f"limit {tonnes} t": {"smelters.near.limit": f"{tonnes} t"} for tonnes in (2, 2.5, 3)}
scenarios["far too many"] = {"medals.gold.count": 900}
swept = medalopt.sweep(instance, scenarios).frame
print(swept[["scenario", "status", "objective [JPY]"]].round(0).to_string(index=False))

# %% [markdown]
# Without Python the same fifty are one command:
#
# ```console
# $ medalopt sweep instances/tiny.yaml --grid 'smelters.near.limit=2..2.98 t/50' --jobs 1 -o scenarios.csv
# ```
#
# `sweep` of the command line gives status and objective of each scenario; the loop gives whole plans
# ([many scenarios](../how-to/sweep.md)).
#
# Next: [a nation of municipalities on a Dask cluster](nation.md).
