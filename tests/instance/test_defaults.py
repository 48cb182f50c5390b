"""Defaults of omitted entries."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from tests.instance.writing import loaded


def test_left_out_sections(tmp_path: Path) -> None:
    """Omitted sections: one period called 1, one treatment without effect, and free lanes for every pair."""
    one = loaded(tmp_path, periods="")
    assert one.periods == ("1",) and one.period_length == "month"
    assert one.treatments.names == ("whole",)
    assert one.treatments.to_smelter.value.tolist() == [[1, 1]]
    assert np.all(one.treatments.recovery.value == 1) and np.all(one.treatments.accepts)
    assert one.lanes.exists.tolist() == [[True]] and one.lanes.cost.value.tolist() == [[0]]
    assert one.market.names == () and one.market.price.shape == (0, 1)
    assert (
        one.policy.windows == () and one.policy.footprint_cap.value == math.inf and one.policy.participation.value == 0
    )


def test_without_streams_and_smelters(tmp_path: Path) -> None:
    """An instance of bought metal alone has empty axes, with all their shapes."""
    one = loaded(tmp_path, streams="", smelters="", market="market: {o: {composition: {Ag: 1}, price: 5}}")
    assert one.streams.names == () and one.streams.available.shape == (0, 2)
    assert one.streams.credited.shape == (0, 2) and one.smelters.capacity.shape == (0, 2)
    assert one.terms.names == () and one.lanes.exists.shape == (0, 0) and one.regions == ()


def test_figures_left_out_of_a_stream(tmp_path: Path) -> None:
    """Money, commitment and footprint are 0, all metal is credited, and there is no stockpile."""
    streams = loaded(tmp_path).streams
    for figures in (streams.price, streams.collection, streams.committed, streams.footprint, streams.storage_cost):
        assert figures.value.ravel().tolist() == [0]
    assert streams.credited.value.tolist() == [[1, 1]]
    assert not streams.storable[0] and streams.storage_limit.value[0] == 0 and streams.bundle[0] == -1


def test_figures_left_out_of_a_smelter(tmp_path: Path) -> None:
    """A smelter without terms has one line called ''; capacity and limit are none, lead and charges 0."""
    one = loaded(tmp_path, smelters="smelters: {kosaka: }")
    assert one.terms.names == ("",) and one.smelters.line.tolist() == [[[0], [0]]]
    assert one.smelters.capacity.value.tolist() == [[math.inf, math.inf]]
    assert one.smelters.limit.value[0] == math.inf and one.smelters.lead.tolist() == [[0, 0]]
    assert one.terms.returned.value.tolist() == [[0, 0]] and one.terms.treatment_charge.value.tolist() == [[0]]


def test_figures_left_out_of_alloy_and_medal(tmp_path: Path) -> None:
    """No others, no loss, no limit, no process scrap; due in the last period, no allowance."""
    one = loaded(tmp_path)
    assert not one.alloys.admits_others[0] and one.alloys.loss.value[0] == 0
    assert one.alloys.capacity.value.tolist() == [[math.inf, math.inf]]
    assert one.alloys.scrap_share.value[0] == 0 and one.alloys.scrap_lead[0] == 1
    assert one.medals.due.tolist() == [1] and one.medals.allowance.value.tolist() == [0]


@pytest.mark.parametrize(
    ("scrap", "share", "returned", "lead"),
    [("{share: 48 %}", 0.48, 1.0, 1), ("{share: 48 %, returned: 97 %, lead: 2}", 0.48, 0.97, 2), ("", 0.0, 1.0, 1)],
)
def test_process_scrap(tmp_path: Path, scrap: str, share: float, returned: float, lead: int) -> None:
    """Scrap is charged again whole and after one period unless it says otherwise; null is an empty mapping."""
    alloys = loaded(tmp_path, alloys=f"alloys:\n  silver:\n    composition: {{Ag: 1}}\n    scrap: {scrap}").alloys
    assert (alloys.scrap_share.value[0], alloys.scrap_returned.value[0], alloys.scrap_lead[0]) == (
        share,
        returned,
        lead,
    )


@pytest.mark.parametrize(
    ("recovery", "gold", "silver"),
    [("", 1, 1), ("null", 1, 1), ("80 %", 0.8, 0.8), ("{default: 80 %, Au: 82 %}", 0.82, 0.8), ("{Au: 82 %}", 0.82, 0)],
)
def test_recovery(tmp_path: Path, recovery: str, gold: float, silver: float) -> None:
    """Recovery is one number, or by metal, then default, then 0; if omitted 100 %."""
    one = loaded(tmp_path, treatments=f"treatments:\n  sort:\n    recovery: {recovery}")
    assert one.treatments.recovery.value[0, 0].tolist() == [silver, gold]


@pytest.mark.parametrize(
    ("credited", "gold", "silver"),
    [
        ("80 %", 0.8, 0.8),
        ("{default: 50 %, Au: 30 %}", 0.3, 0.5),
        ("{Au: 30 %}", 0.3, 1.0),
        ("{default: 50 %}", 0.5, 0.5),
    ],
)
def test_credited(tmp_path: Path, credited: str, gold: float, silver: float) -> None:
    """The credited share is one number, or by metal, then default, then 100 %."""
    one = loaded(tmp_path, streams=f"streams:\n- {{device: phone, region: r, available: 1, credited: {credited}}}")
    assert one.streams.credited.value[0].tolist() == [silver, gold]


@pytest.mark.parametrize(
    ("lead", "gold", "silver"),
    [("3", 3, 3), ("{default: 1, Ag: 2}", 1, 2), ("{Ag: 2}", 0, 2), ("{}", 0, 0), ("2.0", 2, 2), ('"1_0"', 10, 10)],
)
def test_lead(tmp_path: Path, lead: str, gold: int, silver: int) -> None:
    """A lead is one number, or by metal, then default, then 0."""
    assert loaded(tmp_path, smelters=f"smelters: {{k: {{lead: {lead}}}}}").smelters.lead.tolist() == [[silver, gold]]


@pytest.mark.parametrize(
    ("storage", "limit", "cost"),
    [
        ("", math.inf, 0),
        ("{}", math.inf, 0),
        ("{limit: 5}", 5, 0),
        ("{cost: 7}", math.inf, 7),
        ("{limit: 5, cost: -7}", 5, -7),
    ],
)
def test_storage(tmp_path: Path, storage: str, limit: float, cost: float) -> None:
    """A stream with storage may be stocked, however little the storage says; null is an empty mapping."""
    stream = f"streams:\n- device: phone\n  region: r\n  available: 1\n  storage: {storage}"
    streams = loaded(tmp_path, streams=stream).streams
    assert streams.storable[0]
    assert (streams.storage_limit.value[0], streams.storage_cost.value[0]) == (limit, cost)


def test_one_treatment_device_by_device(tmp_path: Path) -> None:
    """Values of a treatment for one device replace cost, share or the whole recovery of that device only."""
    one = loaded(
        tmp_path,
        treatments="treatments: {sort: {cost: 5 JPY/unit, to_smelter: 50 %, recovery: {Au: 40 %, Ag: 30 %},"
        " accepts: [phone], devices: {phone: {to_smelter: 20 %, recovery: {Au: 10 %}}, laptop: {cost: 9}}}}",
    ).treatments
    assert one.cost.value[:, :, 0].tolist() == [[9, 50_000]]
    assert one.to_smelter.value.tolist() == [[0.5, 0.2]]
    assert one.recovery.value.tolist() == [[[0.3, 0.4], [0, 0.1]]]
    assert one.accepts.tolist() == [[False, True]]


def test_policy(tmp_path: Path) -> None:
    """Windows stand for a device or a group, one number is both ends, and the cap is held in kilograms."""
    text = (
        "policy: {recycled: {Ag: 30 %}, device_share: {phone: [0, 60 %], rich: {devices: [phone, laptop], share: 0.5}},"
    )
    policy = loaded(tmp_path, policy=f"{text} participation: 5 %, footprint_cap: 500 t CO2e}}").policy
    assert policy.recycled.value.tolist() == [0.3, 0]
    assert policy.windows == ("phone", "rich") and policy.members.tolist() == [[False, True], [True, True]]
    assert policy.window_low.value.tolist() == [0, 0.5] and policy.window_high.value.tolist() == [0.6, 0.5]
    assert policy.participation.value == 0.05 and policy.footprint_cap.value == 500_000
