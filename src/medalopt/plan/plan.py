"""The frozen `Plan`: what to take from whom, when, by which way, and what it costs, under business names."""

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
    """One plan of `instance`, with its certificate. Frames are built when first asked for.

    Mass of devices in tonnes, of metal in kilograms, money in the instance's currency.
    """

    instance: Instance
    measure: str
    account: Account
    duals: Duals
    certificate: Certificate
    method: str
    solver: str
    stopped: bool = False  # at a limit, before what was asked for had been proven
    added: Added = NOTHING
    lots: WholeLots | None = None  # of a plan in whole lots: what they cost

    @property
    def status(self) -> str:
        """`optimal` where that is proven, else `feasible`."""
        return "optimal" if self.certificate.optimal else "feasible"

    @cached_property
    def objective(self) -> float:
        """The value of what was made least, added costs included, in `unit`."""
        value = float(self.account.value(self.measure))
        return value + dearer(self.account, self.added) if self.added.costs else value

    @property
    def unit(self) -> str:
        """The unit of the objective: the currency, `kg CO2e` or `t`."""
        return UNITS.get(self.measure, self.instance.currency)

    @cached_property
    def costs(self) -> dict[str, float]:
        """The cost by kind, money; what is earned is negative. They add up to `cost`."""
        return {kind: float(by_period.sum()) for kind, by_period in self.account.costs.items()}

    @property
    def cost(self) -> float:
        """The cost of the plan, money."""
        return sum(self.costs.values())

    @property
    def footprint(self) -> float:
        """The footprint of the plan, kg CO2e."""
        return float(self.account.footprint)

    @property
    def tonnes(self) -> float:
        """Devices sent in all, t."""
        return float(self.account.tonnes)

    @cached_property
    def tables(self) -> dict[str, Rows]:
        """The plan's tables by columns: shipments, stockpiles, purchases, metals, melts, casts, stock and pools."""
        return rows.tables(self.account)

    @cached_property
    def marginals(self) -> tuple[Marginal, ...]:
        """What one unit more of each scarce figure changes the objective by."""
        return tuple(Marginal(*row) for row in zip(*self.priced.values(), strict=True))

    @cached_property
    def priced(self) -> Rows:
        """The same as columns."""
        return table(self.account, self.duals, self.unit, self.added)

    @cached_property
    def marginals_at_lots(self) -> tuple[Marginal, ...]:
        """The same at the numbers of lots that the plan has chosen; nothing where there are no lots."""
        return self.lots.marginals(self.account, self.unit) if self.lots else ()

    @cached_property
    def shipments(self) -> pd.DataFrame:
        """Stream, device, region, treatment, smelter (none: leaves the project), period, tonnes and cost."""
        return self._frame("shipments")

    @cached_property
    def stockpiles(self) -> pd.DataFrame:
        """Stream, period and tonnes that wait at its end."""
        return self._frame("stockpiles")

    @cached_property
    def purchases(self) -> pd.DataFrame:
        """Offer, alloy, period, kg and cost."""
        return self._frame("purchases")

    @cached_property
    def offer_stock(self) -> pd.DataFrame:
        """Offer and period: bought into stock, charged from it and left, kg, and cost; nothing without stock."""
        return self._frame("offer_stock")

    @cached_property
    def offer_charges(self) -> pd.DataFrame:
        """Offer, alloy, period and kg charged from stock; none without stock."""
        return self._frame("offer_charges")

    @cached_property
    def metals(self) -> pd.DataFrame:
        """Metal and period: returned, used, surplus and stock at the end, kg."""
        return self._frame("metals")

    @cached_property
    def melts(self) -> pd.DataFrame:
        """Alloy, period, metal (or `other`) and kg charged, from stock and offers together."""
        return self._frame("melts")

    @cached_property
    def casts(self) -> pd.DataFrame:
        """Alloy and period: charged, process scrap charged again, cast, kg."""
        return self._frame("casts")

    @cached_property
    def prices(self) -> pd.DataFrame:
        """Path, period, value, unit and meaning of every marginal value that is not nothing."""
        import pandas as pd

        return pd.DataFrame(self.priced)

    def _frame(self, name: str) -> pd.DataFrame:
        import pandas as pd

        return pd.DataFrame(self.tables.get(name, {}))
