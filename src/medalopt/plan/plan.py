"""The frozen `Plan`: purchases, shipments, castings and cost of a solution, its certificate and the cost of lots.

Market prices of metals are averaged over the periods in which a plan uses them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from medalopt.instance.accounting import PlanAccount
from medalopt.instance.arrays import Floats
from medalopt.instance.instance import Instance
from medalopt.instance.lots import OFFER_STEPS, compute_marginal_prices, has_lot_constraint
from medalopt.instance.payers import has_payers, restrict_account
from medalopt.instance.smelter_terms import compute_worth_left, leaves_metal, may_leave
from medalopt.instance.uncertainty import DeadlineRisk, compute_risk
from medalopt.plan.tables import (
    OPTIONAL_TABLE_BUILDERS,
    PLAN_TABLES,
    TABLE_BUILDERS,
    ColumnTable,
    PlanColumn,
    build_plan_tables,
)
from medalopt.proof.certificate import Certificate
from medalopt.proof.extension_rows import sum_extension_costs
from medalopt.proof.extensions import NO_EXTENSIONS, ExtensionData
from medalopt.proof.marginal import MarginalValue, compute_marginal_values, tabulate_marginal_values
from medalopt.proof.prices import Duals
from medalopt.text import render_path

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class WholeLots:
    """Cost comparison of a plan in whole lots: objective `value` against that of the best plan `without` them.

    `lower_bound` is the certified bound on all plans, in lots or not. `duals` are those of the linear program with
    the numbers of lots fixed at those of the plan; they prove no bound.
    """

    value: float
    without: float
    lower_bound: float
    duals: Duals

    @property
    def extra(self) -> float:
        """Objective above that of the best plan without lots, in its unit; 0 within rounding."""
        return max(self.value - self.without, 0.0)

    @property
    def above_bound(self) -> float:
        """Objective above the certified bound: an upper limit of the loss due to an incomplete search."""
        return max(self.value - self.lower_bound, 0.0)

    def marginals(self, account: PlanAccount, unit: str) -> tuple[MarginalValue, ...]:
        """Return marginal values at fixed numbers of lots, except of anything ordered in lots or with a minimum order.

        Returns:
            Non-zero marginal values.
        """
        fixed = set(_lot_path_prefixes(account))
        return tuple(
            marginal
            for marginal in compute_marginal_values(account, self.duals, unit)
            if not marginal.path.startswith(tuple(fixed))
        )


def _lot_path_prefixes(account: PlanAccount) -> Iterator[str]:
    """Yield the path prefixes of the streams and offers ordered in lots."""
    instance = account.instance
    for section, part in (("streams", instance.streams), ("market", instance.market)):
        for name, fixed in zip(part.names, has_lot_constraint(part).tolist(), strict=True):
            if fixed:
                yield f"{render_path((section, name))}."


OBJECTIVE_UNITS = {"footprint": "kg CO2e", "mass": "t"}


class _TableFrame:
    """Table of a plan as a data frame; the attribute has the name of the table."""

    def __init__(self, description: str) -> None:
        self.__doc__ = description

    def __set_name__(self, owner: type[Plan], name: str) -> None:
        self._name = name

    def __get__(self, plan: Plan | None, owner: type[Plan]) -> pd.DataFrame:
        return self if plan is None else plan.frames[self._name]


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of `instance` with its certificate; data frames are built on first access.

    Mass of devices in tonnes, of metal in kilograms, money in the instance's currency.
    """

    instance: Instance
    measure: str
    account: PlanAccount
    duals: Duals
    certificate: Certificate
    method: str
    solver: str
    stopped: bool = False  # at a limit, before the required gap was proven
    added: ExtensionData = NO_EXTENSIONS
    lots: WholeLots | None = None  # cost of whole lots, of a plan with them
    stated_prices: ColumnTable | None = None  # marginal values of a saved plan, which holds no duals of supply

    def __repr__(self) -> str:
        return f"<Plan {self.instance.name}: {self.status}, {self.measure} {self.objective:,.6g} {self.unit}>"

    @property
    def status(self) -> str:
        """Status of the plan: `optimal` if proven, else `feasible`."""
        return "optimal" if self.certificate.optimal else "feasible"

    @cached_property
    def objective(self) -> float:
        """Value of the objective in `unit`, added costs included."""
        value = float(self.account.compute_objective(self.measure))
        return value + sum_extension_costs(self.account, self.added) if self.added.costs else value

    @property
    def unit(self) -> str:
        """Unit of the objective: the currency, `kg CO2e` or `t`."""
        return OBJECTIVE_UNITS.get(self.measure, self.instance.currency)

    @cached_property
    def costs(self) -> dict[str, float]:
        """Cost by kind, money, revenue negative; the sum is `cost`."""
        return {kind: float(by_period.sum()) for kind, by_period in self.account.costs.items()}

    @cached_property
    def party_costs(self) -> Mapping[str, Mapping[str, float]]:
        """Cost by party and kind, money, revenue negative; empty where the instance states no payers."""
        if not has_payers(self.instance):
            return {}
        table = self.tables["parties"]
        result: dict[str, dict[str, float]] = {}
        for party, kind, cost in zip(*table.values(), strict=True):
            result.setdefault(party, {})[kind] = cost
        return result

    @cached_property
    def party_totals(self) -> dict[str, float]:
        """Cost by party, money, the largest magnitude first; empty where the instance states no payers."""
        totals = {party: sum(kinds.values()) for party, kinds in self.party_costs.items()}
        return dict(sorted(totals.items(), key=lambda each: -abs(each[1])))

    @property
    def cost(self) -> float:
        """Total cost, money."""
        return sum(self.costs.values())

    @property
    def footprint(self) -> float:
        """Footprint, kg CO2e."""
        return float(self.account.footprint)

    @property
    def tonnes(self) -> float:
        """Devices sent in total, t."""
        return float(self.account.tonnes)

    @cached_property
    def tables(self) -> dict[str, ColumnTable]:
        """Tables of the plan by name, as columns: those of every plan, and those of some instances."""
        return build_plan_tables(self.account)

    @cached_property
    def marginals(self) -> tuple[MarginalValue, ...]:
        """Change of the objective per unit of every binding parameter, by parameter and period."""
        return tuple(MarginalValue(*row) for row in zip(*self.priced.values(), strict=True))

    @cached_property
    def priced(self) -> ColumnTable:
        """Marginal values as columns; as stated in the file if the plan was read from one."""
        return self.stated_prices or tabulate_marginal_values(
            restrict_account(self.account, self.measure)[0], self.duals, self.unit, self.added
        )

    @cached_property
    def marginals_at_lots(self) -> tuple[MarginalValue, ...]:
        """Marginal values with the numbers of lots fixed at those of the plan; empty without whole lots."""
        return self.lots.marginals(self.account, self.unit) if self.lots else ()

    shipments = _TableFrame(
        "Shipments by stream, treatment, smelter (None for a route without one) and period, t and cost."
    )
    stockpiles = _TableFrame("Stock of each stream at the end of each period, t.")
    purchases = _TableFrame("Purchases by offer, alloy and period, kg and cost.")
    offer_stock = _TableFrame(
        "Offers bought into stock, charged from it and left, by period, kg; empty without such offers."
    )
    offer_charges = _TableFrame("Charges from stock by offer, alloy and period, kg; empty without such offers.")
    shortfall = _TableFrame(
        "Medals that are not made, by kind and period due, with their penalty; empty if all must be made."
    )
    feed_content = _TableFrame(
        "Feed and mean content by smelter, period and impurity, with its limit; empty without conditions on feed."
    )
    charges = _TableFrame(
        "Uses of contracts with a minimum lot, a lot charge or a fixed charge; empty without such contracts."
    )
    price_steps = _TableFrame(
        "Steps of the prices of streams and offers in use, with quantity and cost; empty without price steps."
    )
    metals = _TableFrame("Metal account: returned, used, surplus and stock by metal and period, kg.")
    melts = _TableFrame("Charges by alloy, period and metal (or `other`), from stock and offers together, kg.")
    casts = _TableFrame("Charge, recharged process scrap and castings by alloy and period, kg.")
    risk = _TableFrame(
        "Kilograms needed, mean, deviation, quantiles and probability that they suffice, by metal and deadline."
    )
    shadow_prices = _TableFrame(
        "Change of the objective by one unit more of every binding parameter, by path and period."
    )

    @cached_property
    def risks(self) -> tuple[DeadlineRisk, ...]:
        """Risk of each metal and deadline, to first order; empty where nothing returned is uncertain."""
        return compute_risk(self.account)

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """All tables as data frames by name, with units in the column names."""
        import pandas as pd

        tables = {
            name: pd.DataFrame(self.tables.get(name, {})).rename(columns=partial(self._title_column, PLAN_TABLES[name]))
            for name in (*TABLE_BUILDERS, *OPTIONAL_TABLE_BUILDERS)
        }
        cost = pd.DataFrame({"kind": list(self.costs), f"cost [{self.instance.currency}]": list(self.costs.values())})
        return {"cost": cost, **tables, "shadow_prices": pd.DataFrame(self.priced)}

    def _title_column(self, columns: Mapping[str, PlanColumn], name: str) -> str:
        """Return the title of a column with its unit."""
        column = columns[name]
        unit = self.instance.currency if column.unit == "money" else column.unit
        return f"{column.title or name} [{unit}]" if unit else name

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan for `medalopt.read_plan` and `medalopt verify`.

        Args:
            path: NAME.json, or a folder for CSV files.

        Raises:
            UsageError: The name has another ending.
            OutputError: It cannot be written; an existing file is left unchanged.
        """
        from medalopt.results import save_plan

        save_plan(self, Path(path))

    def to_html(self) -> str:
        """Return the report of `medalopt solve` as one HTML page.

        Returns:
            Page that works offline.
        """
        from medalopt.results import render_plan_page

        return render_plan_page(self)

    def _repr_html_(self) -> str:
        """Return headline, cost and first shipments for a notebook."""
        from medalopt.results import render_plan_fragment

        return render_plan_fragment(self)


PURE_METAL_SHARE = 0.5  # share of a metal above which an offer counts as an offer of it


@dataclass(frozen=True)
class MarketPrice:
    """Market price of a metal [per kg]: that of the cheapest offer, or its sales price; `path` is the parameter."""

    path: str
    name: str
    price: float
    offered: bool  # price of an offer, else the sales price


def find_market_price(plan: Plan, metal: int) -> MarketPrice | None:
    """Find the market price of a metal: its cheapest offer, averaged over the periods of its use; else its sales price.

    Args:
        plan: Plan; its use of the metal weights the periods.
        metal: Index of the metal, charged or in surplus.

    Returns:
        The price; None without offer and sale, or for an objective other than cost.
    """
    instance = plan.instance
    if plan.measure != "cost":
        return None
    weights = compute_use_profile(plan, metal)
    content = instance.market.composition.value[:, metal]
    price = compute_marginal_prices(plan.account, OFFER_STEPS) @ weights
    each = np.divide(price, content, out=np.full_like(price, np.inf), where=content > PURE_METAL_SHARE)
    if len(each) and np.isfinite(each.min()):
        offer = int(each.argmin())
        name = instance.market.names[offer]
        return MarketPrice(render_path(("market", name, "price")), name, float(each[offer]), True)
    fetched = float(instance.metals.sell.value[metal] @ weights)
    symbol = instance.metals.names[metal]
    if instance.metals.surplus_to_smelter[metal]:
        paid = float(price_left_metal(plan)[metal] @ weights)
        path = render_path(("metals", symbol, "surplus"))
        return MarketPrice(path, "left with a smelter", paid, False) if paid else None
    return MarketPrice(render_path(("metals", symbol, "sell")), "sold", fetched, False) if fetched else None


def price_left_metal(plan: Plan) -> Floats:
    """Return the most that is lost by calling a kilogram back: the smelter's price, and the refining charge saved.

    Returns:
        Money per kilogram by metal and period (E, T); 0 where none may be left with a smelter.
    """
    instance = plan.instance
    if not leaves_metal(instance):
        return np.zeros(instance.metals.sell.value.shape)
    return np.where(may_leave(instance, plan.account.routes), compute_worth_left(instance), 0.0).max(
        axis=0, initial=0.0
    )


def compute_use_profile(plan: Plan, metal: int) -> Floats:
    """Compute the share of each period in the use of a metal, or else in its surplus.

    Returns:
        (T,) shares that sum to 1; zeros for a metal without use and surplus.
    """
    used = plan.account.composition[:, metal].sum(axis=0)
    spread = used if used.sum() > 0 else (plan.account.decisions.surplus + plan.account.left)[metal]
    total = float(spread.sum())
    return np.asarray(spread / total) if total > 0 else np.zeros_like(spread)
