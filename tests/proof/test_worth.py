"""What prices of quantities come to on decisions: the same sum, whichever of the two it is taken over."""

from __future__ import annotations

import numpy as np
import pytest
from tests.proof.test_quantities import account

from medalopt.instance.arithmetic import floats
from medalopt.proof.quantities import _VALUES, quantity
from medalopt.proof.worth import on_decisions

LINKING = ("feed", "treated", "returned", "sent_device", "sent_region", "sent_stream", "spend", "network_footprint")
ON_SHIPMENTS = [array for array in LINKING if array != "spend"]


def asked(*arrays: str) -> dict[str, np.ndarray]:
    """Return prices at random of these arrays of quantities."""
    random = np.random.default_rng(3)
    return {array: random.uniform(-1.0, 2.0, quantity(account(), array).shape) for array in arrays}


def paid(price: dict[str, np.ndarray]) -> float:
    """Return what all the quantities come to at these prices."""
    return sum(float((each * quantity(account(), array)).sum()) for array, each in price.items())


ALONE = [(array,) for array in _VALUES]
TOGETHER = [("sent", *LINKING), ("stockpile", "spend"), ("buy", "bought"), tuple(_VALUES)]


@pytest.mark.parametrize("arrays", [*ALONE, *TOGETHER], ids=", ".join)
def test_prices_of_quantities_are_prices_of_decisions(arrays: tuple[str, ...]) -> None:
    """At any prices the quantities come to just what the decisions come to, that they are sums of."""
    price = asked(*arrays)
    of = account()
    found = on_decisions(of.instance, of.found, floats, price)
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
        assert set(on_decisions(of.instance, of.found, floats, asked(*arrays))) == paying
