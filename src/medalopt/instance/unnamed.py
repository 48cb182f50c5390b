from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction

import numpy as np

from medalopt.instance.instance import Instance
from medalopt.instance.needs import is_barred, unnamed_matter
from medalopt.instance.paths import render
from medalopt.wording import listed, shown

_DIGITS = 10


def barred_offers(instance: Instance, alloy: int) -> list[int]:
    """Find the offers that only their unnamed matter excludes from an alloy.

    Args:
        instance: The instance.
        alloy: Index of the alloy.

    Returns:
        Indices of the offers, the purest first.
    """
    rest = unnamed_matter(instance)
    return sorted(np.flatnonzero(is_barred(instance)[:, alloy]).tolist(), key=lambda offer: float(rest[offer]))


def explain_barred(instance: Instance, alloy: int, offers: Sequence[int]) -> str:
    """Explain the exclusion of offers from an alloy without `others`, with the remedy.

    Args:
        instance: The instance.
        alloy: Index of the alloy.
        offers: Indices of the offers, the purest first; at least one.

    Returns:
        One sentence.
    """
    alloys, market = instance.alloys, instance.market
    name, least = shown(alloys.names[alloy]), unnamed_matter(instance)[offers[0]]
    path = render(("alloys", alloys.names[alloy], "others"))
    hold, more = ("holds", "") if len(offers) == 1 else ("hold", " or more")
    text = (
        f"{listed(market.names[o] for o in offers)} {hold} unnamed matter ({_per_cent(least)}{more}), which may not "
        f"be in `{name}`; give `{path}: {_per_cent(least)}` or more, or name all that the offer holds"
    )
    if alloys.low.exact()[alloy].sum() > 1 - least:
        text += f", and let the least shares of `{name}` leave room for it"
    return text


def _per_cent(share: Fraction) -> str:
    """Return an exact share rounded up to ten digits, such as `0.01 %`."""
    value = Context(prec=_DIGITS, rounding=ROUND_CEILING).divide(Decimal(share.numerator * 100), share.denominator)
    return f"{value.normalize():f} %"
