"""What prices of quantities come to on decisions: the same sum, whichever of the two it is taken over."""

from __future__ import annotations

import numpy as np
import pytest
from tests.proof.test_extensions_quantities import account

from medalopt.instance.arithmetic import read_floats
from medalopt.proof.extension_rows import price_decisions
from medalopt.proof.extensions import _QUANTITY_FUNCTIONS, evaluate_quantity

LINKING = ("feed", "treated", "returned", "sent_device", "sent_region", "sent_stream", "spend", "network_footprint")
ON_SHIPMENTS = [array for array in LINKING if array != "spend"]


def asked(*arrays: str) -> dict[str, np.ndarray]:
    """Return prices at random of these arrays of quantities."""
    random = np.random.default_rng(3)
    return {array: random.uniform(-1.0, 2.0, evaluate_quantity(account(), array).shape) for array in arrays}


def paid(price: dict[str, np.ndarray]) -> float:
    """Return what all the quantities come to at these prices."""
    return sum(float((each * evaluate_quantity(account(), array)).sum()) for array, each in price.items())


ALONE = [(array,) for array in _QUANTITY_FUNCTIONS]
TOGETHER = [("sent", *LINKING), ("stockpile", "spend"), ("buy", "bought"), tuple(_QUANTITY_FUNCTIONS)]


@pytest.mark.parametrize("arrays", [*ALONE, *TOGETHER], ids=", ".join)
def test_prices_of_quantities_are_prices_of_decisions(arrays: tuple[str, ...]) -> None:
    """At any prices the quantities come to just what the decisions come to, that they are sums of."""
    price = asked(*arrays)
    of = account()
    found = price_decisions(of.instance, of.routes, read_floats, price)
    assert paid(found) == pytest.approx(paid(price), rel=1e-12)


def test_no_decision_pays_that_nothing_is_asked_of() -> None:
    """Prices of shipments are of shipments alone; spending counts what waits as well; purchases stay purchases."""
    of = account()
    for arrays, paying in (
        ((), set()),
        (("feed",), {"sent"}),
        (tuple(ON_SHIPMENTS), {"sent"}),
        (("spend",), {"sent", "stockpile"}),
        (("bought",), {"buy"}),
        (("stock", "cast"), {"stock", "cast"}),
    ):
        assert set(price_decisions(of.instance, of.routes, read_floats, asked(*arrays))) == paying
