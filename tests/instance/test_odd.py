"""Figures far from all others."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.instance.writing import loaded

from medalopt.instance.resolve.outliers import outliers


def test_small_figures_are_odd_too(tmp_path: Path) -> None:
    """A figure a thousand times the only other one is odd, however small both are."""
    streams = "streams:\n- {device: phone, region: a, available: 2 g}\n- {device: phone, region: b, available: 3 kg}"
    (warning,) = loaded(tmp_path, streams=streams).warnings
    assert warning.message == "this figure is 1_500 times the next of its kind; check its unit"
    assert (warning.line, warning.column, warning.path) == (9, 41, "streams.phone@b.available")
    smelters = "smelters: {a: {returned: 1, refining_charge: {Ag: 0.5}}, b: {refining_charge: {Ag: 0.0005}}}"
    (warning,) = loaded(tmp_path, smelters=smelters).warnings
    assert warning.path == "smelters.a.refining_charge.Ag" and "this figure is 1_000 times" in warning.message
    treatments = "treatments: {a: {cost: -0.5}, b: {cost: 0.0005}}"
    (warning,) = loaded(tmp_path, treatments=treatments).warnings
    assert warning.path == "treatments.a.cost" and "this figure is 1_000 times" in warning.message


def odd(folder: Path, **parts: str) -> dict[str, str]:
    """Return path and message of every warning about the small instance with these sections."""
    found = loaded(folder, **parts).warnings
    assert all(warning.line > 0 for warning in found)
    return {warning.path: warning.message for warning in found}


TWO = (
    "streams:\n- {device: phone, region: nice, available: 4 t}\n- {device: phone, region: niice, available: [2 t, 1 t]}"
)
ALSO = "- {device: laptop, region: nice, available: 7 kg}"
LANES = "lanes: [{region: nice, smelter: kosaka, cost: 1}, {region: lyon, smelter: kosaka, cost: 1}]"
KOSAKA = "smelters: {kosaka: {returned: {Au: 90 %, Ag: 80 %}, accepts: [phone]}}"


def test_a_region_without_a_lane(tmp_path: Path) -> None:
    """What is offered in a mistyped region can reach no smelter: the warning sums it up and names the likely region."""
    found = odd(tmp_path, streams=f"{TWO}\n- {{device: laptop, region: niice, available: 0.5 t}}", lanes=LANES)
    text = "4 t in `niice` can reach no smelter: no lane leaves this region; did you mean `nice`?"
    assert found["streams.laptop@niice.region"] == text
    assert [path for path in found if path.startswith("streams.")] == ["streams.laptop@niice.region"]


def test_a_device_that_no_smelter_accepts(tmp_path: Path) -> None:
    """It is told by device, unless a treatment passes it on: then it goes where it is meant to."""
    found = odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=KOSAKA)
    assert list(found) == ["streams.laptop@nice.device"]
    assert found["streams.laptop@nice.device"].startswith(
        "0.014 t of `laptop` can reach no smelter: no smelter accepts this device"
    )
    passed = "treatments: {whole: {}, recycle_only: {to_smelter: 0 %, accepts: [laptop]}}"
    assert odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=KOSAKA, treatments=passed) == {}
    lines = "smelters: {kosaka: {returned: 1, terms: {phones: {devices: [phone]}}}}"
    assert (
        "no smelter accepts this device"
        in odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=lines)["streams.laptop@nice.device"]
    )


def test_a_device_that_no_treatment_accepts_there(tmp_path: Path) -> None:
    """Whether no treatment takes a device, or none in that region, or no smelter that is reached, is told apart."""
    streams = f"{TWO}\n{ALSO}"
    found = odd(tmp_path, streams=streams, treatments="treatments: {sort: {accepts: [phone]}}")
    assert "no treatment accepts this device" in found["streams.laptop@nice.device"]
    found = odd(tmp_path, streams=streams, treatments="treatments: {sort: {regions: [nice]}}")
    assert list(found) == ["streams.phone@niice.region"]
    assert found["streams.phone@niice.region"].startswith("3 t of `phone` in `niice` can reach no smelter")
    assert "no treatment that accepts this device is open to `niice`" in found["streams.phone@niice.region"]
    smelters = "smelters: {kosaka: {returned: 1, accepts: [phone]}, naoshima: {returned: 1, accepts: [laptop]}}"
    lanes = (
        "lanes: [{region: nice, smelter: kosaka}, {region: niice, smelter: kosaka}, {region: niice, smelter: naoshima}]"
    )
    found = odd(tmp_path, streams=streams, smelters=smelters, lanes=lanes)
    assert "no lane from `nice` leads to a smelter that accepts this device" in found["streams.laptop@nice.region"]
    assert found["smelters.naoshima"].startswith("nothing that is offered can be sent to `naoshima`")


def test_many_reasons_are_summed_up(tmp_path: Path) -> None:
    """Twenty reasons, those with the most tonnes, are named; the rest of the tonnes is one warning more."""
    rows = "\n".join(f"- {{device: phone, region: r{n}, available: {n} t}}" for n in range(1, 26))
    found = odd(tmp_path, streams=f"streams:\n{rows}\n- {{device: phone, region: nice, available: 9}}", lanes=LANES)
    lost = {path: message for path, message in found.items() if "can reach no smelter" in message}
    assert len(lost) == 21 and "25 t" not in lost["streams.phone@r5.region"]
    assert lost["streams.phone@r5.region"] == "30 t more can reach no smelter, for 5 more reasons"


def test_a_bundle_that_one_stream_keeps_back(tmp_path: Path) -> None:
    """A stream without a route holds all that is bundled with it, and the warning says how much."""
    streams = (
        "streams:\n- {device: phone, region: nice, bundle: box, available: 4 t}\n"
        "- {device: laptop, region: nice, bundle: box, available: 1 t}\n- {device: phone, region: lyon, available: 1 t}"
    )
    found = odd(tmp_path, streams=streams, smelters=KOSAKA)
    text = "nothing of the bundle `box` of `nice`, 10 t, can be taken: `laptop@nice` in it can go nowhere"
    assert found["streams.laptop@nice.bundle"].startswith(text)
    passed = "treatments: {whole: {}, recycle_only: {to_smelter: 0 %, accepts: [laptop]}}"
    assert odd(tmp_path, streams=streams, smelters=KOSAKA, treatments=passed) == {}


def test_a_treatment_for_nothing(tmp_path: Path) -> None:
    """A treatment that nothing of what is offered can go through is odd, as is a smelter."""
    found = odd(tmp_path, treatments="treatments: {whole: {}, dismantle: {accepts: [laptop]}}")
    assert found == {
        "treatments.dismantle": "nothing that is offered can go through `dismantle`; check its `accepts` and `regions`"
    }


def test_a_metal_that_comes_back_too_late(tmp_path: Path) -> None:
    """A lead in days instead of periods returns nothing in time, so that its metal has no source either."""
    found = odd(tmp_path, smelters="smelters: {kosaka: {returned: {Au: 90 %, Ag: 80 %}, lead: {Au: 1, Ag: 30}}}")
    text = "`Ag` from `kosaka` comes back only after the last period: the lead is 30, and there are 2 periods"
    assert found["smelters.kosaka.lead"] == text
    assert found["alloys.silver.composition.Ag"].endswith("so the alloy can never be cast") and len(found) == 2


def test_an_alloy_without_a_source(tmp_path: Path) -> None:
    """A metal that neither stock, smelter nor offer has, or no offer enough of, keeps the alloy from being cast.

    There is none where another alloy is asked for, where there is stock, or where an offer is rich enough.
    """
    alloys = "alloys: {silver: {composition: {Ag: [99.9 %, 100 %]}, others: 1 %}}"
    nothing = {"alloys": alloys, "smelters": "smelters: {kosaka: {returned: {Au: 1}}}"}
    path = "alloys.silver.composition.Ag"
    assert (
        "`silver` needs 99.9 % `Ag`, and there is no source of it: it is not in stock" in odd(tmp_path, **nothing)[path]
    )
    market = "market: {bar: {composition: {Ag: %s}, price: 100, limit: %s}}"
    poor = odd(tmp_path, **nothing, market=market % ("92.5 %", "1"))
    assert "there is no source of it but offers that hold at most 92.5 %" in poor[path]
    assert path in odd(tmp_path, **nothing, market=market % ("99.9 %", "0"))
    assert odd(tmp_path, **nothing, market=market % ("99.9 %", "1")) == {}
    assert odd(tmp_path, **nothing, metals="metals: {Au: {sell: 100}, Ag: {opening_stock: 1}}") == {}
    assert odd(tmp_path, **nothing, medals="medals: {first: {count: 0, parts: {silver: 1}}}") == {}


def test_bare_numbers_in_another_unit(tmp_path: Path) -> None:
    """A medal of 500 kg, a phone of 150 kg and 390 kg of gold in a tonne are told where they are bare numbers."""
    found = odd(
        tmp_path,
        medals="medals: {first: {count: 1, parts: {silver: 500}}}",
        devices="devices: {phone: {unit_mass: 150, content: {Au: 390, Ag: 2}}, laptop: {content: {Ag: 3}}}",
    )
    assert found["medals.first.parts.silver"] == (
        "500 kg in one medal: a bare number here is in kg; write its unit, such as `500 g`, or `500 kg`"
    )
    assert "a bare number here is in kg" in found["devices.phone.unit_mass"]
    assert "390 kg of `Au` in a tonne: a bare number here is in kg/t" in found["devices.phone.content.Au"]
    assert len(found) == 3
    said = odd(
        tmp_path,
        medals="medals: {first: {count: 1, parts: {silver: 500 kg}}}",
        devices="devices: {phone: {unit_mass: 150 kg, content: {Au: 390 kg/t, Ag: 2}}, laptop: {content: {Ag: 3}}}",
    )
    assert said == {}


@pytest.mark.parametrize(
    ("parts", "path", "says"),
    [
        (
            {"streams": "\n".join(["streams:", *(f"- {{device: phone, region: r{n}, available: 1, collection: {c}}}"
                                                 for n, c in enumerate([900, 1_000, -1_100, 0.9]))])},
            "streams.phone@r3.collection",
            "the next of its kind is 1_000 times this figure",
        ),
        (
            {"smelters": "smelters: {a: {returned: 1, treatment_charge: 90_000}, b: {returned: 1, "
                         "terms: {x: {treatments: [whole], treatment_charge: 80}}}}"},
            "smelters.a.treatment_charge",
            "this figure is 1_125 times the next of its kind",
        ),
        (
            {"metals": "metals: {Au: {sell: 100}, Ag: {sell: [500, 0.5]}}"},
            "metals.Ag.sell[0]",
            "this figure is 1_000 times",
        ),
        (
            {"market": "market: {bar: {composition: {Ag: 1}, price: 0.05}}"},
            "metals.Ag.sell",
            "this figure is 2_000 times `market.bar.price`",
        ),
        (
            {"lanes": "lanes: [{region: tokyo, smelter: kosaka, cost: 24}, "
                      "{region: osaka, smelter: kosaka, cost: 24_000}]",
             "streams": "streams: [{device: phone, region: tokyo, available: 1}, "
                        "{device: phone, region: osaka, available: 1}]"},
            "lanes.osaka@kosaka.cost",
            "this figure is 1_000 times",
        ),
        (
            {"lanes": "lanes: [{region: tokyo, smelter: kosaka, cost: 24}, {region: osaka, smelter: kosaka}]",
             "streams": "streams: [{device: phone, region: tokyo, available: 1}, "
                        "{device: phone, region: osaka, available: 1}]"},
            "lanes.osaka@kosaka",
            "this lane gives neither `distance` nor `cost`, so it costs nothing, unlike others",
        ),
        (
            {"medals": "medals: {a: {count: 1, parts: {silver: 500 g}}, b: {count: 1, parts: {silver: 500 kg}}}"},
            "medals.b.parts",
            "this figure is 1_000 times",
        ),
    ],
)  # fmt: skip
def test_prices_and_needs_far_from_their_like(parts: dict[str, str], path: str, says: str, tmp_path: Path) -> None:
    """A charge, a price or a medal a thousand times from its like is told at its place, and nothing else is."""
    found = odd(tmp_path, **parts)
    assert list(found) == [path] and says in found[path]


def test_how_many_are_far_from_the_others() -> None:
    """Of ten figures of a kind one may be odd, of twenty two; where there are more they are two kinds of thing."""
    like = [1.0, 2.0, 3.0] * 6

    def places(values: list[float], low: bool = True) -> list[tuple[int, bool]]:
        return [(one.place, one.above) for one in outliers(values, low=low)]

    assert places([1.0, 1_000.0]) == places([1.0, -1_000.0], low=False) == [(1, True)]
    assert places([1.0, 999.0]) == places([0.0, 1_000.0, math.inf]) == places([]) == places([5.0]) == []
    assert places([*like, 4e3, 3e3]) == [(18, True), (19, True)]
    assert places([*like, 4e3, 3e3], low=False) == [] and places([*like, 4e3], low=False) == [(18, True)]
    assert places([*like, 4e3, 3e3, 5e3]) == []
    assert places([*like, 1e-3, 1e-4]) == [(19, False), (18, False)] and places([*like, 1e-3], low=False) == []
