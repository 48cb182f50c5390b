"""Figures far from all others."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.instance.writing import loaded, written

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.loading import _parse_draft, open_instance
from medalopt.instance.reader.files import FaultLog
from medalopt.instance.resolve.outliers import find_outliers


def test_small_figures_are_odd_too(tmp_path: Path) -> None:
    """A figure a thousand times the only other one is odd, however small both are."""
    streams = "streams:\n- {device: phone, region: a, available: 2 g}\n- {device: phone, region: b, available: 3 kg}"
    (warning,) = loaded(tmp_path, streams=streams).warnings
    assert warning.message == "this value is 1_500 times the nearest of its kind; check its unit"
    assert (warning.line, warning.column, warning.path) == (9, 41, "streams.phone@b.available")
    smelters = (
        "smelters: {a: {returned: 1, refining_charge: {Ag: 0.5}}, b: {returned: 1, refining_charge: {Ag: 0.0005}}}"
    )
    (warning,) = loaded(tmp_path, smelters=smelters).warnings
    assert warning.path == "smelters.a.refining_charge.Ag" and "this value is 1_000 times" in warning.message
    treatments = "treatments: {a: {cost: -0.5}, b: {cost: 0.0005}}"
    (warning,) = loaded(tmp_path, treatments=treatments).warnings
    assert warning.path == "treatments.a.cost" and "this value is 1_000 times" in warning.message


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
    """Supply in a mistyped region cannot reach any smelter: the warning sums it up and names the likely region."""
    found = odd(tmp_path, streams=f"{TWO}\n- {{device: laptop, region: niice, available: 0.5 t}}", lanes=LANES)
    text = "4 t in `niice` cannot reach any smelter: no lane leaves this region; did you mean `nice`?"
    assert found["streams.laptop@niice.region"] == text
    assert [path for path in found if path.startswith("streams.")] == ["streams.laptop@niice.region"]


def test_a_device_that_no_smelter_accepts(tmp_path: Path) -> None:
    """It is reported by device, unless a treatment passes it on to ordinary recycling."""
    found = odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=KOSAKA)
    assert list(found) == ["streams.laptop@nice.device"]
    assert found["streams.laptop@nice.device"].startswith(
        "0.014 t of `laptop` cannot reach any smelter: no smelter accepts this device"
    )
    passed = "treatments: {whole: {}, recycle_only: {to_smelter: 0 %, accepts: [laptop]}}"
    assert odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=KOSAKA, treatments=passed) == {}
    lines = "smelters: {kosaka: {returned: 1, terms: {phones: {devices: [phone]}}}}"
    assert (
        "no smelter accepts this device"
        in odd(tmp_path, streams=f"{TWO}\n{ALSO}", smelters=lines)["streams.laptop@nice.device"]
    )


def test_a_device_that_no_treatment_accepts_there(tmp_path: Path) -> None:
    """No treatment for a device, none in its region, and no reachable smelter have different warnings."""
    streams = f"{TWO}\n{ALSO}"
    found = odd(tmp_path, streams=streams, treatments="treatments: {sort: {accepts: [phone]}}")
    assert "no treatment accepts this device" in found["streams.laptop@nice.device"]
    found = odd(tmp_path, streams=streams, treatments="treatments: {sort: {regions: [nice]}}")
    assert list(found) == ["streams.phone@niice.region"]
    assert found["streams.phone@niice.region"].startswith("3 t of `phone` in `niice` cannot reach any smelter")
    assert "no treatment that accepts this device is open to `niice`" in found["streams.phone@niice.region"]
    smelters = "smelters: {kosaka: {returned: 1, accepts: [phone]}, naoshima: {returned: 1, accepts: [laptop]}}"
    lanes = (
        "lanes: [{region: nice, smelter: kosaka}, {region: niice, smelter: kosaka}, {region: niice, smelter: naoshima}]"
    )
    found = odd(tmp_path, streams=streams, smelters=smelters, lanes=lanes)
    assert "no lane from `nice` leads to a smelter that accepts this device" in found["streams.laptop@nice.region"]
    assert found["smelters.naoshima"].startswith("no supply can be sent to `naoshima`")


def test_many_reasons_are_summed_up(tmp_path: Path) -> None:
    """Twenty reasons, those with the most tonnes, are named; the rest of the tonnes is one warning more."""
    rows = "\n".join(f"- {{device: phone, region: r{n}, available: {n} t}}" for n in range(1, 26))
    found = odd(tmp_path, streams=f"streams:\n{rows}\n- {{device: phone, region: nice, available: 9}}", lanes=LANES)
    lost = {path: message for path, message in found.items() if "cannot reach any smelter" in message}
    assert len(lost) == 21 and "25 t" not in lost["streams.phone@r5.region"]
    assert lost["streams.phone@r5.region"] == "30 t more cannot reach any smelter, for 5 more reasons"


def test_a_bundle_that_one_stream_keeps_back(tmp_path: Path) -> None:
    """A stream without a route holds all that is bundled with it, and the warning says how much."""
    streams = (
        "streams:\n- {device: phone, region: nice, bundle: box, available: 4 t}\n"
        "- {device: laptop, region: nice, bundle: box, available: 1 t}\n- {device: phone, region: lyon, available: 1 t}"
    )
    found = odd(tmp_path, streams=streams, smelters=KOSAKA)
    text = "the bundle `box` of `nice`, 10 t, cannot be taken: its stream `laptop@nice` has no route"
    assert found["streams.laptop@nice.bundle"].startswith(text)
    passed = "treatments: {whole: {}, recycle_only: {to_smelter: 0 %, accepts: [laptop]}}"
    assert odd(tmp_path, streams=streams, smelters=KOSAKA, treatments=passed) == {}


def test_a_treatment_for_nothing(tmp_path: Path) -> None:
    """A treatment or smelter that no supply can reach gives a warning."""
    found = odd(tmp_path, treatments="treatments: {whole: {}, dismantle: {accepts: [laptop]}}")
    assert found == {"treatments.dismantle": "no supply can go through `dismantle`; check its `accepts` and `regions`"}


def test_a_metal_that_comes_back_too_late(tmp_path: Path) -> None:
    """A lead time in days instead of periods returns no metal in time, so the metal has no source either."""
    found = odd(tmp_path, smelters="smelters: {kosaka: {returned: {Au: 90 %, Ag: 80 %}, lead: {Au: 1, Ag: 30}}}")
    text = "`Ag` from `kosaka` is returned after the last period: the lead is 30, and there are 2 periods"
    assert found["smelters.kosaka.lead"] == text
    assert found["alloys.silver.composition.Ag"].endswith("so the alloy can never be cast") and len(found) == 2


def test_an_alloy_without_a_source(tmp_path: Path) -> None:
    """An alloy is reported if neither stock, smelter nor offer supplies a metal, or no offer enough of it.

    No warning if another alloy is ordered, if there is stock, or if an offer is rich enough.
    """
    alloys = "alloys: {silver: {composition: {Ag: [99.9 %, 100 %]}, others: 1 %}}"
    nothing = {"alloys": alloys, "smelters": "smelters: {kosaka: {returned: {Au: 1}}}"}
    path = "alloys.silver.composition.Ag"
    assert (
        "`silver` needs 99.9 % `Ag`, but there is no source of it: it is not in stock" in odd(tmp_path, **nothing)[path]
    )
    market = "market: {bar: {composition: {Ag: %s}, price: 100, limit: %s}}"
    poor = odd(tmp_path, **nothing, market=market % ("92.5 %", "1"))
    assert "there is no source of it except offers that contain at most 92.5 %" in poor[path]
    assert path in odd(tmp_path, **nothing, market=market % ("99.9 %", "0"))
    assert odd(tmp_path, **nothing, market=market % ("99.9 %", "1")) == {}
    assert odd(tmp_path, **nothing, metals="metals: {Au: {sell: 100}, Ag: {opening_stock: 1}}") == {}
    assert odd(tmp_path, **nothing, medals="medals: {first: {count: 0, parts: {silver: 1}}}") == {}


def test_bare_numbers_in_another_unit(tmp_path: Path) -> None:
    """A medal of 500 kg, a phone of 150 kg and 390 kg of gold per tonne give warnings as bare numbers."""
    found = odd(
        tmp_path,
        medals="medals: {first: {count: 1, parts: {silver: 500}}}",
        devices="devices: {phone: {unit_mass: 150, content: {Au: 390, Ag: 2}}, laptop: {content: {Ag: 3}}}",
    )
    assert found["medals.first.parts.silver"] == (
        "500 kg in one medal: a number without unit is in kg; write its unit, such as `500 g`, or `500 kg`"
    )
    assert "a number without unit is in kg" in found["devices.phone.unit_mass"]
    assert "390 kg of `Au` in a tonne: a number without unit is in kg/t" in found["devices.phone.content.Au"]
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
            "the nearest of its kind is 1_000 times this value",
        ),
        (
            {"smelters": "smelters: {a: {returned: 1, treatment_charge: 90_000}, b: {returned: 1, "
                         "terms: {x: {treatments: [whole], treatment_charge: 80}}}}"},
            "smelters.a.treatment_charge",
            "this value is 1_125 times the nearest of its kind",
        ),
        (
            {"metals": "metals: {Au: {sell: 100}, Ag: {sell: [500, 0.5]}}"},
            "metals.Ag.sell[0]",
            "this value is 1_000 times",
        ),
        (
            {"market": "market: {bar: {composition: {Ag: 1}, price: 0.05}}"},
            "metals.Ag.sell",
            "this value is 2_000 times `market.bar.price`",
        ),
        (
            {"lanes": "lanes: [{region: tokyo, smelter: kosaka, cost: 24}, "
                      "{region: osaka, smelter: kosaka, cost: 24_000}]",
             "streams": "streams: [{device: phone, region: tokyo, available: 1}, "
                        "{device: phone, region: osaka, available: 1}]"},
            "lanes.osaka@kosaka.cost",
            "this value is 1_000 times",
        ),
        (
            {"lanes": "lanes: [{region: tokyo, smelter: kosaka, cost: 24}, {region: osaka, smelter: kosaka}]",
             "streams": "streams: [{device: phone, region: tokyo, available: 1}, "
                        "{device: phone, region: osaka, available: 1}]"},
            "lanes.osaka@kosaka",
            "this lane has neither `distance` nor `cost`, so it is free, unlike others",
        ),
        (
            {"medals": "medals: {a: {count: 1, parts: {silver: 500 g}}, b: {count: 1, parts: {silver: 500 kg}}}"},
            "medals.b.parts",
            "this value is 1_000 times",
        ),
    ],
)  # fmt: skip
def test_prices_and_needs_far_from_their_like(parts: dict[str, str], path: str, says: str, tmp_path: Path) -> None:
    """A charge, price or medal a thousand times from similar values gives the only warning."""
    found = odd(tmp_path, **parts)
    assert list(found) == [path] and says in found[path]


def test_prices_of_one_metal_a_hundred_times_apart(tmp_path: Path) -> None:
    """Offers of mostly one metal, and the periods of one price, may be a hundred times apart at most."""
    bar, old = "mined: {composition: {Ag: 1}, price: %s}", "old: {composition: {Ag: %s}, price: %s}"
    metals = "metals: {Au: {sell: 100}, Ag: {}}"
    market = f"market: {{{bar}, {old}}}"
    found = odd(tmp_path, metals=metals, market=market % ("70 JPY/g", "90 %", "80 JPY/kg"))
    assert found["market.mined.price"] == "this value is 875 times `market.old.price`; check its unit"
    for fits in (("7_999", "90 %", "80"), ("70 JPY/g", "50 %", "80 JPY/kg")):
        assert list(odd(tmp_path, metals=metals, market=market % fits)) == ["market.old"]  # its unnamed matter
    third = f"market: {{{bar}, {old}, new: {{composition: {{Ag: 1}}, price: 60 JPY/g}}}}"
    found = odd(
        tmp_path, metals="metals: {Au: {sell: 100}, Ag: {sell: 50}}", market=third % ("70 JPY/g", "1", "80 JPY/kg")
    )
    assert found["market.old.price"] == "`market.new.price` is 750 times this value; check its unit"
    found = odd(tmp_path, metals=metals, market=f"market: {{{bar}}}" % "[70 JPY/kg, 66 JPY/g]")
    assert found == {"market.mined.price[1]": "this value is 943 times the nearest of its kind; check its unit"}
    assert list(odd(tmp_path, metals="metals: {Au: {sell: 100}, Ag: {sell: [1, 100]}}")) == ["metals.Ag.sell[1]"]


def test_a_share_of_metal_that_is_hardly_one(tmp_path: Path) -> None:
    """Less than 2 % of the metal for the project is odd, in all or of one metal; none at all may be meant."""
    streams = "streams: [{device: phone, region: tokyo, available: 10, credited: %s}]"
    found = odd(tmp_path, streams=streams % "0.95 %")
    text = "only 0.95 % of the metal is credited to the project; for a share such as 0.95 write `0.95` or `95 %`"
    assert found == {"streams.phone@tokyo.credited": text}
    assert list(odd(tmp_path, streams=streams % "{Au: 1 %, Ag: 2 %}")) == ["streams.phone@tokyo.credited.Au"]
    for meant in ("0.95", "2 %", "{Au: 0 %, default: 50 %}"):
        assert odd(tmp_path, streams=streams % meant) == {}


def test_how_many_are_far_from_the_others() -> None:
    """Of ten figures of a kind one may be odd, of twenty two; where there are more they are two kinds of thing."""
    like = [1.0, 2.0, 3.0] * 6

    def places(values: list[float], low: bool = True) -> list[tuple[int, bool]]:
        return [(one.place, one.above) for one in find_outliers(values, low=low)]

    assert places([1.0, 1_000.0]) == places([1.0, -1_000.0], low=False) == [(1, True)]
    assert places([1.0, 999.0]) == places([0.0, 1_000.0, math.inf]) == places([]) == places([5.0]) == []
    assert places([*like, 4e3, 3e3]) == [(18, True), (19, True)]
    assert places([*like, 4e3, 3e3], low=False) == [] and places([*like, 4e3], low=False) == [(18, True)]
    assert places([*like, 4e3, 3e3, 5e3]) == []
    assert places([*like, 1e-3, 1e-4]) == [(19, False), (18, False)] and places([*like, 1e-3], low=False) == []


def test_what_has_no_effect_and_what_is_free(tmp_path: Path) -> None:
    """A floor on a metal that no alloy names, and an offer at no price without a limit, are odd; others are not."""
    market = "market: {bar: {composition: {Ag: 1}, price: %s, limit: %s}}"
    found = odd(tmp_path, policy="policy: {recycled: {Au: 50 %, Ag: 0 %}}", market=market % ("0", "~"))
    assert found == {
        "policy.recycled.Au": "no alloy names `Au`, so this floor has no effect",
        "market.bar.price": "this offer has a price of zero or less and no `limit`; check its `price`",
    }
    assert odd(tmp_path, policy="policy: {recycled: {Ag: 50 %}}", market=market % ("0", "5")) == {}
    assert odd(tmp_path, market=market % ("[0, 90]", "~")) == {}


def test_minimum_orders_that_cannot_be_had(tmp_path: Path) -> None:
    """A minimum order above the supply of a stream or offer is reported with both amounts."""
    stream = "streams:\n- {device: phone, region: tokyo, available: [2 t, 1 t], %s}"
    found = odd(tmp_path, streams=stream % "minimum_order: 3 t, lot: 2.5 t")
    text = "t, but at most 2 t can be sent in a period, so nothing can be taken; lower it, or check its unit"
    assert found == {"streams.phone@tokyo.minimum_order": f"3 {text}", "streams.phone@tokyo.lot": f"2.5 {text}"}
    for fits in (
        "minimum_order: 2 t",
        "minimum_order: 3 t, storage: {}",
        "minimum_order: 2.5 t, storage: {limit: 1.5 t}",
    ):
        assert odd(tmp_path, streams=stream % fits) == {}
    limited = odd(tmp_path, streams=stream % "minimum_order: 2.6 t, storage: {limit: 1.5 t}")
    assert "2.6 t, but at most 2.5 t can be sent" in limited["streams.phone@tokyo.minimum_order"]
    market = "market: {bar: {composition: {Ag: 1}, price: 90, limit: 5 kg, %s}}"
    found = odd(tmp_path, market=market % "minimum_order: 6 kg, lot: 5 kg")
    text = "6 kg, but the `limit` of the offer is 5 kg, so nothing can be bought; lower it, or raise the `limit`"
    assert found == {"market.bar.minimum_order": text}


def test_names_that_differ_in_case_or_blanks(tmp_path: Path) -> None:
    """Names that differ only in case or blanks are reported at the second."""
    streams = "streams:\n- {device: phone, region: east, available: 4 t}\n- {device: %s, region: %s, available: 4 t}"
    for region in ("East", "e ast", "ｅａｓｔ"):
        (message,) = odd(tmp_path, streams=streams % ("phone", region)).values()
        assert message.startswith(("`e", "`ｅ")) and "differs from" in message and "is another name" in message
    found = odd(
        tmp_path,
        streams=streams % ("Phone", "west"),
        devices="devices: {phone: {content: {Au: 1, Ag: 2}}, Phone: {content: {Ag: 3}}}",
    )
    assert list(found) == ["devices.phone"] and "differs from `Phone` only in case" in found["devices.phone"]
    assert odd(tmp_path, streams=streams % ("phone", "eastern")) == {}


def test_bundles_with_names_alike(tmp_path: Path) -> None:
    """A mistyped bundle of one stream is reported; numbered bundles and other regions are not."""
    rows = (
        ("phone", "east", "drop off"),
        ("laptop", "east", "drop off"),
    )

    def told(*more: tuple[str, str, str]) -> dict[str, str]:
        parts = [
            f"- {{device: {device}, region: {region}, bundle: {bundle}, available: 4 t, name: s{number}}}"
            for number, (device, region, bundle) in enumerate((*rows, *more))
        ]
        return odd(tmp_path, streams="\n".join(["streams:", *parts]))

    assert told(("phone", "west", "Drop off")) == told(("phone", "east", "pick up")) == {}
    found = told(("phone", "east", "drop_off"))
    assert list(found) == ["streams.s2.bundle"]
    assert found["streams.s2.bundle"].startswith("this bundle has a single stream, and this region has a bundle `drop")
    (message,) = told(("phone", "east", "dropoff"), ("laptop", "east", "dropoff")).values()
    assert "`dropoff` differs from `drop off` only in case, blanks or width" in message
    assert told(("phone", "east", "drop off 1"), ("laptop", "east", "drop off 2")) == {}


def test_a_thousand_warnings_are_listed(tmp_path: Path) -> None:
    """Of more a last one says how many there are."""
    metals = ", ".join(f"M{n}: {{}}" for n in range(1_005))
    warnings = loaded(tmp_path, metals=f"metals: {{Au: {{sell: 100}}, Ag: {{sell: 100}}, {metals}}}").warnings
    assert len(warnings) == 1_001 and warnings[-1].message == "5 more warnings are not listed"


def test_the_masses_of_pieces_are_found_once(tmp_path: Path) -> None:
    """They are looked up for each device and stream, so that gathering them each time would take quadratic time."""
    path = tmp_path / "case.yaml"
    path.write_text(written(), encoding="utf-8")
    draft = _parse_draft(open_instance(path), {}, {}, FaultLog())[0]
    assert draft.unit_mass is draft.unit_mass and list(draft.unit_mass) == ["phone"]


@pytest.mark.parametrize(
    "part",
    [
        lambda n: {"devices": "devices: {phone: {}, "
                   + ", ".join(f"d{i}: {{content: {{Ag: 1}}}}" for i in range(n)) + "}"},
        lambda n: {"smelters": "smelters: {k: {returned: 1, terms: {phones: {devices: [phone]}, "
                   + ", ".join(f"l{i}: {{devices: [laptop], treatments: [whole]}}" for i in range(n)) + "}}}"},
        lambda n: {"streams": "streams:\n- {device: phone, region: tokyo, available: 1}"
                   + "".join(f"\n- {{device: phone, region: r{i}, available: 1}}" for i in range(n))},
        lambda n: {"treatments": "treatments: {whole: {}, "
                   + ", ".join(f"t{i}: {{accepts: []}}" for i in range(n)) + "}"},
        lambda n: {"market": "market: {"
                   + ", ".join(f"o{i}: {{composition: {{Ag: 1}}, price: 90}}" for i in range(n)) + "}"},
    ],
)  # fmt: skip
def test_reading_takes_calls_in_proportion_to_the_size(part: Callable[[int], dict[str, str]], tmp_path: Path) -> None:
    """Twice as many devices, lines of terms, streams, treatments or offers take twice as many calls of functions."""
    counts = []
    for size in (100, 200, 400):
        path = tmp_path / "case.yaml"
        path.write_text(written(**part(size)), encoding="utf-8")
        calls = [0]

        def count(*_: object, calls: list[int] = calls) -> None:
            calls[0] += 1

        sys.setprofile(count)
        try:
            with contextlib.suppress(InputError):
                load(path)
        finally:
            sys.setprofile(None)
        counts.append(calls[0])
    first, second, third = counts
    assert third - second < 2.3 * (second - first)
