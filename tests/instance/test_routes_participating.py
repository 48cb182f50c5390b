"""Regions that can see to their share by themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.instance.writing import loaded

import medalopt
from medalopt.instance.routes import build_routes, compute_routable_supply, compute_separable_participation

TINY = Path(__file__).parents[2] / "instances" / "tiny.yaml"


def test_a_region_where_something_may_wait_does_not() -> None:
    """Of regions that must send a tenth those are told, with their tonnes, in which no stream has storage."""
    instance = medalopt.load(TINY, {"policy.participation": "10 %"})
    need = compute_separable_participation(instance, build_routes(instance))
    offers = np.bincount(instance.streams.region, instance.streams.available.value.sum(axis=1))
    waits = np.bincount(instance.streams.region, instance.streams.storable) > 0
    assert waits.any() and not waits.all()
    assert np.allclose(need, np.where(waits, 0.0, 0.1 * offers))


def test_nothing_is_asked_where_there_is_no_rule() -> None:
    """Without participation no region has a share of its own."""
    instance = medalopt.load(TINY, {"policy.participation": "0 %"})
    assert not compute_separable_participation(instance, build_routes(instance)).any()


def test_what_cannot_be_sent_is_left_to_the_rows() -> None:
    """A region that can only just send what it must does not decide by itself: the rows have to show what follows."""
    instance = medalopt.load(TINY, {"policy.participation": "100 %"})
    assert not compute_separable_participation(instance, build_routes(instance)).any()


def test_what_can_go_somewhere(tmp_path: Path) -> None:
    """A stream without a route goes nowhere, and neither does what is bundled with it while it offers anything."""
    streams = (
        "streams:\n- {device: phone, region: a, bundle: box, available: [4, 3]}\n"
        "- {device: laptop, region: a, bundle: box, available: [0, 1]}\n- {device: phone, region: b, available: 1}"
    )
    instance = loaded(tmp_path, streams=streams, smelters="smelters: {kosaka: {returned: 1, accepts: [phone]}}")
    assert instance.streams.names == ("laptop@a", "phone@a", "phone@b")
    assert compute_routable_supply(instance, build_routes(instance)).tolist() == [0, 4, 2]
