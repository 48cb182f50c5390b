# %% tags=["remove-cell"]
# Jupyter and VS Code start in the folder of this file: change to the checkout, which holds `instances/`.
import os
from pathlib import Path

os.chdir(next(folder for folder in [Path.cwd(), *Path.cwd().parents] if (folder / "instances").is_dir()))

# %% [markdown]
# # A constraint of your own
#
# Your contract has a clause that no field of the instance format describes. You write it as a function of a few lines,
# see what it costs, and keep it as a file. You need to read Python; you need no knowledge of Pyomo, the modelling
# language in which medalopt states its program, beyond this page.
#
# The clause: smelter `far` accepts at most 3 t of feed in each month.
#
# ## 1. Look at the plan without it

# %%
import medalopt

instance = medalopt.load("instances/tiny.yaml")
plan = medalopt.solve(instance)
print(f"{plan.cost:,.0f} {instance.currency}, {plan.status}")

# %% [markdown]
# ## 2. Write the constraint
#
# An extension is a function with two arguments, the Pyomo model and the instance. It adds constraints on the model's
# variables. `feed[k, t]` is the feed of smelter `k` in period `t`, in tonnes; all names are listed in
# [components of the Pyomo model](../../models/sourcing.md#components-of-the-pyomo-model).

# %%
import pyomo.environ as pyo


def limit_far(model, instance):
    """Limit the feed of `far` to 3 t in each period."""

    def rule(model, period):
        return model.feed["far", period] <= 3

    model.far_by_month = pyo.Constraint(list(instance.periods), rule=rule)


limited = medalopt.solve(instance, extensions=[limit_far])
print(f"{limited.cost:,.0f} {instance.currency}, {limited.status}")
print(f"The clause costs {limited.cost - plan.cost:,.0f} {instance.currency}.")

# %% [markdown]
# `optimal` means verified, as for any plan: the rows of the extension are stored in the plan, and the proof covers
# them.
#
# ## 3. See where the plan changed

# %%
for each in (plan, limited):
    table = each.shipments
    print(table[table["smelter"] == "far"].groupby("period")["taken [t]"].sum().round(2).to_dict())

# %% [markdown]
# These are tonnes of devices before dismantling. The tonne of July returns no metal in time: it is sent only because
# the contract also commits you to 9.6 t of feed at `far`.
#
# ## 4. A constraint that cannot be satisfied
#
# Four months at 2 t would not make up the 9.6 t. How tight may the clause become?


# %%
def limit_far_to(tonnes):
    def extend(model, instance):
        feed = model.feed
        model.far_by_month = pyo.Constraint(list(instance.periods), rule=lambda _, t: feed["far", t] <= tonnes)

    return extend


for tonnes in (3, 2.5, 2):
    try:
        print(tonnes, f"{medalopt.solve(instance, extensions=[limit_far_to(tonnes)]).cost:,.0f}")
    except medalopt.InfeasibleError:
        print(tonnes, "infeasible")

# %% [markdown]
# ## 5. Keep it as a file
#
# On the command line an extension is a file with a function of the name `extend`. Three examples are in
# `models/extensions`; this one limits what each smelter returns to 60 % of the silver:
#
# ```console
# $ medalopt solve instances/tiny.yaml --extend models/extensions/silver_cap.py -o capped.json
# $ medalopt verify capped.json instances/tiny.yaml
# Plan is valid.
# ```
#
# `verify` needs neither the extension nor a solver: the rows that it added are in `capped.json`.
# [silver_cap.py](../../models/extensions/silver_cap.py) is a good start for a file of your own.
#
# Limits of extensions: they may add rows, variables, costs and narrower bounds, and not change what is there
# ([what is proven of them](../explanation/proof.md#rows-of-an-extension)). `explain` takes `--extend` too. A rule that
# every instance may need belongs into the package: [add a constraint family](../how-to/add_a_constraint.md).
#
# Next: [fifty scenarios from Python](scenarios_in_python.md).
