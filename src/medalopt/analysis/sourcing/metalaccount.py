"""The account of each metal: what was in stock, came in, went out and stays, period by period."""

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
    """Kilograms of each metal and period, (E, T): opening + returned + bought = charged + left + closing.

    What is bought is charged at once, alloy by alloy, or waits with the metal in stock; `left` is sold where the metal
    has a price, else surplus.
    """

    opening: Floats
    returned: Floats
    bought: Floats
    charged: Floats
    left: Floats
    closing: Floats
    owed: Floats  # (E, T) kg in the medals due by the end of the period, at the fineness that is cast
    sold: Bools  # (E,) whether what is left has a price
    spread: Spread | None

    @property
    def at_hand(self) -> Floats:
        """All that came in by the end of each period, the opening stock included, (E, T) kg."""
        return self.opening[:, :1] + (self.returned + self.bought).cumsum(axis=1)

    @property
    def moved(self) -> Bools:
        """Which metals the account knows at all, (E,)."""
        return np.asarray((self.at_hand[:, -1] > 0) | (self.charged.sum(axis=1) > 0))


def metal_account(account: Account) -> MetalAccount:
    """Return the account of every metal of the plan whose `account` it is."""
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
    charge = account.charge.sum(axis=1)
    metal = account.composition.sum(axis=2)  # (A, E)
    share = np.divide(metal, charge[:, None], out=np.zeros_like(metal), where=charge[:, None] > 0)
    return np.asarray(share.T @ owed(account.instance))
