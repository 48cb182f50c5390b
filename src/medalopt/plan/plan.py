"""The frozen `Plan`: purchases, shipments, castings and cost of a solution, with its certificate."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from medalopt.instance.decisions import Account
from medalopt.instance.instance import Instance
from medalopt.plan import rows
from medalopt.plan.rows import Rows
from medalopt.plan.whole_lots import WholeLots
from medalopt.proof.added import NOTHING, Added
from medalopt.proof.certificate import Certificate
from medalopt.proof.marginal import Marginal, table
from medalopt.proof.prices import Duals
from medalopt.proof.subject import dearer

if TYPE_CHECKING:
    import pandas as pd

UNITS = {"footprint": "kg CO2e", "mass": "t"}


@dataclass(frozen=True, eq=False)
class Plan:
    """A plan of `instance` with its certificate; data frames are built on first access.

    Mass of devices in tonnes, of metal in kilograms, money in the instance's currency.
    """

    instance: Instance
    measure: str
    account: Account
    duals: Duals
    certificate: Certificate
    method: str
    solver: str
    stopped: bool = False  # at a limit, before the required gap was proven
    added: Added = NOTHING
    lots: WholeLots | None = None  # cost of whole lots, of a plan with them

    @property
    def status(self) -> str:
        """`optimal` if proven, else `feasible`."""
        return "optimal" if self.certificate.optimal else "feasible"

    @cached_property
    def objective(self) -> float:
        """Value of the objective, added costs included, in `unit`."""
        value = float(self.account.value(self.measure))
        return value + dearer(self.account, self.added) if self.added.costs else value

    @property
    def unit(self) -> str:
        """Unit of the objective: the currency, `kg CO2e` or `t`."""
        return UNITS.get(self.measure, self.instance.currency)

    @cached_property
    def costs(self) -> dict[str, float]:
        """Cost by kind (money), revenue negative; the sum is `cost`."""
        return {kind: float(by_period.sum()) for kind, by_period in self.account.costs.items()}

    @property
    def cost(self) -> float:
        """Total cost (money)."""
        return sum(self.costs.values())

    @property
    def footprint(self) -> float:
        """Footprint (kg CO2e)."""
        return float(self.account.footprint)

    @property
    def tonnes(self) -> float:
        """Devices sent in total (t)."""
        return float(self.account.tonnes)

    @cached_property
    def tables(self) -> dict[str, Rows]:
        """Columns by table: shipments, stockpiles, purchases, metals, melts, casts, offers in stock and pooled lots."""
        return rows.tables(self.account)

    @cached_property
    def marginals(self) -> tuple[Marginal, ...]:
        """Marginal values of all binding parameters: change of the objective per unit."""
        return tuple(Marginal(*row) for row in zip(*self.priced.values(), strict=True))

    @cached_property
    def priced(self) -> Rows:
        """The marginal values as columns."""
        return table(self.account, self.duals, self.unit, self.added)

    @cached_property
    def marginals_at_lots(self) -> tuple[Marginal, ...]:
        """Marginal values with the numbers of lots fixed at those of the plan; empty without whole lots."""
        return self.lots.marginals(self.account, self.unit) if self.lots else ()

    @cached_property
    def shipments(self) -> pd.DataFrame:
        """Stream, device, region, treatment, smelter (None for a route without a smelter), period, tonnes and cost."""
        return self._frame("shipments")

    @cached_property
    def stockpiles(self) -> pd.DataFrame:
        """Stream, period and tonnes in stock at its end."""
        return self._frame("stockpiles")

    @cached_property
    def purchases(self) -> pd.DataFrame:
        """Offer, alloy, period, kg and cost."""
        return self._frame("purchases")

    @cached_property
    def offer_stock(self) -> pd.DataFrame:
        """Offer and period: kg bought into stock, charged from it and left, and cost; empty without such offers."""
        return self._frame("offer_stock")

    @cached_property
    def offer_charges(self) -> pd.DataFrame:
        """Offer, alloy, period and kg charged from stock; empty without such offers."""
        return self._frame("offer_charges")

    @cached_property
    def metals(self) -> pd.DataFrame:
        """Metal and period: kg returned, used, in surplus and in stock at the end."""
        return self._frame("metals")

    @cached_property
    def melts(self) -> pd.DataFrame:
        """Alloy, period, metal (or `other`) and kg charged, from stock and offers together."""
        return self._frame("melts")

    @cached_property
    def casts(self) -> pd.DataFrame:
        """Alloy and period: kg charged, process scrap recharged and cast."""
        return self._frame("casts")

    @cached_property
    def prices(self) -> pd.DataFrame:
        """Path, period, value, unit and meaning of every non-zero marginal value."""
        import pandas as pd

        return pd.DataFrame(self.priced)

    def _frame(self, name: str) -> pd.DataFrame:
        """Return a table as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.tables.get(name, {}))
