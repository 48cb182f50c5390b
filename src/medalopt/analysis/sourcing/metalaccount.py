"""Metal account: opening stock, inflows, outflows and closing stock of each metal by period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medalopt.analysis.sourcing.spread import Spread, spread
from medalopt.instance.decisions import Account
from medalopt.instance.figures import Bools, Floats
from medalopt.instance.needs import is_stocked, owed
from medalopt.plan.rows import ROUNDING


@dataclass(frozen=True, eq=False)
class MetalAccount:
    """Kilograms by metal and period (E, T): opening + returned + bought = charged + left + closing.

    Metal bought is charged at once or stocked; `left` is surplus, sold if the metal has a sale price.
    """

    opening: Floats
    returned: Floats
    bought: Floats
    charged: Floats
    left: Floats
    closing: Floats
    owed: Floats  # (E, T) kg in the medals due by the end of the period, at the composition of the charge
    sold: Bools  # (E,) the surplus has a sale price
    spread: Spread | None

    @property
    def at_hand(self) -> Floats:
        """Cumulated inflow up to each period, including the opening stock, (E, T) kg."""
        return self.opening[:, :1] + (self.returned + self.bought).cumsum(axis=1)

    @property
    def moved(self) -> Bools:
        """Metals (E,) with any inflow or charge."""
        return np.asarray((self.at_hand[:, -1] > 0) | (self.charged.sum(axis=1) > 0))


def metal_account(account: Account) -> MetalAccount:
    """Compute the account of every metal.

    Args:
        account: Accounting of the plan.

    Returns:
        Stocks and flows by metal and period.
    """
    instance = account.instance
    start = instance.metals.opening_stock.value
    returned = account.returned.sum(axis=0)
    turnover = (start + returned.sum(axis=1))[:, None]
    stock = np.where(abs(account.stock) > ROUNDING * turnover, account.stock, 0.0)
    content = instance.market.composition.value
    charged = np.einsum("oat,oe->et", account.decisions.bought, content)
    bought = charged
    if is_stocked(instance).any():
        bought = content.T @ account.purchases
        kept = np.where(abs(account.offer_stock) > ROUNDING * account.bought[:, None], account.offer_stock, 0.0)
        stock = stock + content.T @ kept
    return MetalAccount(
        opening=np.concatenate([start[:, None], stock[:, :-1]], axis=1),
        returned=returned,
        bought=bought,
        charged=account.decisions.charged.sum(axis=0) + charged,
        left=account.decisions.surplus,
        closing=stock,
        owed=_owed(account),
        sold=np.asarray((instance.metals.sell.value > 0).any(axis=1)),
        spread=spread(account),
    )


def _owed(account: Account) -> Floats:
    """Return the metal due in medals, cumulated (E, T) kg, at the average composition of each alloy's charge."""
    charge = account.charge.sum(axis=1)
    metal = account.composition.sum(axis=2)  # (A, E)
    share = np.divide(metal, charge[:, None], out=np.zeros_like(metal), where=charge[:, None] > 0)
    return np.asarray(share.T @ owed(account.instance))
