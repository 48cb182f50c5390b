"""Regions that can see to their share by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import medalopt
from medalopt.instance.participating import own_share
from medalopt.instance.routes import routes

TINY = Path(__file__).parents[2] / "instances" / "tiny.yaml"


def test_a_region_where_something_may_wait_does_not() -> None:
    """Of regions that must send a tenth those are told, with their tonnes, in which no stream has storage."""
    instance = medalopt.load(TINY, {"policy.participation": "10 %"})
    need = own_share(instance, routes(instance))
    offers = np.bincount(instance.streams.region, instance.streams.available.value.sum(axis=1))
    waits = np.bincount(instance.streams.region, instance.streams.storable) > 0
    assert waits.any() and not waits.all()
    assert np.allclose(need, np.where(waits, 0.0, 0.1 * offers))


def test_nothing_is_asked_where_there_is_no_rule() -> None:
    """Without participation no region has a share of its own."""
    instance = medalopt.load(TINY, {"policy.participation": "0 %"})
    assert not own_share(instance, routes(instance)).any()


def test_what_cannot_be_sent_is_left_to_the_rows() -> None:
    """A region that can only just send what it must does not decide by itself: the rows have to show what follows."""
    instance = medalopt.load(TINY, {"policy.participation": "100 %"})
    assert not own_share(instance, routes(instance)).any()
