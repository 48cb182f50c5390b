r"""What is spent in one period, on the network and on purchases, stays within a budget.

$$c_t+\sum_op_{ot}b^+_{ot}\le B\qquad\text{for every period }t$$

Unit of both sides: money, in the currency of the instance. Holding, sales and the worth of process scrap are not
counted. `BUDGET` is an example: set your own.

    medalopt solve INSTANCE --extend models/extensions/monthly_budget.py
"""

import pyomo.environ as pyo

from medalopt import Instance

BUDGET = 1_200_000.0


def extend(model: pyo.ConcreteModel, instance: Instance) -> None:
    """Add `monthly_budget[t]`; its dual is what one unit of money more in that period would change the objective by."""
    place = {offer: row for row, offer in enumerate(instance.market.names)}
    month = {period: column for column, period in enumerate(instance.periods)}
    price = instance.market.price.value
    purchases = {t: [] for t in instance.periods}
    stocked = model.component("acquire") or {}  # offers that are bought into stock
    for o, t in stocked:
        purchases[t].append(price[place[o], month[t]] * stocked[o, t])
    for o, a, t in model.buy:
        if (o, t) not in stocked:
            purchases[t].append(price[place[o], month[t]] * model.buy[o, a, t])

    def rule(m: pyo.ConcreteModel, t: str) -> tuple[None, object, float]:
        return (None, m.spend[t] + sum(purchases[t]), BUDGET)

    model.monthly_budget = pyo.Constraint(list(instance.periods), rule=rule)
