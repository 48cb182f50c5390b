"""Each kind of error and warning: exact place, path and message."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults, loaded

from medalopt.errors import InputError
from medalopt.instance import load

FAULTS: dict[str, tuple[dict[str, str], tuple[int, int, str, str]]] = {
    "unknown section": ({"x": "metal: {}"}, (12, 1, "metal", "unknown key `metal`; did you mean `metals`?")),
    "unknown key": (
        {"metals": "metals: {Au: {sel: 1}, Ag: {}}"},
        (5, 15, "metals.Au.sel", "unknown key `sel`; did you mean `sell`?"),
    ),
    "unknown key far from all": (
        {"periods": "periods: {zzz: 1}"},
        (
            4,
            11,
            "periods.zzz",
            "unknown key `zzz`; the keys known here are `count`, `length`, `note`, `source` and `start`",
        ),
    ),
    "missing in a mapping": (
        {"medals": "medals:\n  first: {parts: {silver: 1}}"},
        (12, 10, "medals.first.count", "`count` is missing: Number of medals"),
    ),
    "missing section": ({"alloys": "", "medals": "medals: {a: {count: 1, parts: {}}}"}, (1, 1, "alloys", "is missing")),
    "section without a member": ({"medals": "medals: {}"}, (11, 1, "medals", "`medals` is empty")),
    "empty section": ({"policy": "policy:"}, (12, 1, "policy", "this section is empty")),
    "duplicate key": (
        {"metals": "metals:\n  Au: {}\n  Ag: {}\n  Au: {}"},
        (8, 3, "", "`Au` is defined twice in one mapping, first in line 6: delete or rename one"),
    ),
    "not a mapping": ({"periods": "periods: 4"}, (4, 10, "periods", "expected a mapping")),
    "not a mapping of names": ({"metals": "metals: [Au, Ag]"}, (5, 9, "metals", "expected a mapping of names")),
    "not a list": (
        {"smelters": "smelters: {kosaka: {accepts: phone}}"},
        (9, 30, "smelters.kosaka.accepts", "expected a list, such as [a, b]; found `phone`"),
    ),
    "list for a figure": (
        {"smelters": "smelters: {kosaka: {limit: [1, 2]}}"},
        (9, 28, "smelters.kosaka.limit", "expected one value such as `10 t`; found a list"),
    ),
    "list of a wrong length": (
        {"smelters": "smelters: {kosaka: {capacity: [1, 2, 3]}}"},
        (9, 31, "smelters.kosaka.capacity", "there are 2 periods, but 3 values"),
    ),
    "list for one period": (
        {"periods": "periods: {count: 1}", "smelters": "smelters: {kosaka: {capacity: [1, 2, 3]}}"},
        (9, 31, "smelters.kosaka.capacity", "there is 1 period, but 3 values"),
    ),
    "wrong within a list": (
        {"smelters": "smelters: {kosaka: {capacity: [1, 2 km]}}"},
        (9, 35, "smelters.kosaka.capacity[1]", "found `2 km`"),
    ),
    "wrong by metal": (
        {"smelters": "smelters: {kosaka: {returned: {default: 1, Au: 2}}}"},
        (
            9,
            48,
            "smelters.kosaka.returned.Au",
            "`2` is out of range: a share lies between 0 % and 100 %; a bare number is a fraction of 1: write `2 %`",
        ),
    ),
    "unknown metal as a key": (
        {"smelters": "smelters: {kosaka: {returned: {Agg: 1}}}"},
        (9, 32, "smelters.kosaka.returned.Agg", "no metal is called `Agg`; did you mean `Ag`?"),
    ),
    "window turned round": (
        {"alloys": "alloys: {silver: {composition: {Ag: [2 %, 1 %]}}}"},
        (10, 37, "alloys.silver.composition.Ag", "the window is turned round"),
    ),
    "window of a policy": (
        {"policy": "policy: {device_share: {rich: {devices: [phone], share: [50 %, 20 %]}}}"},
        (12, 57, "policy.device_share.rich.share", "the window is turned round"),
    ),
    "group with an unknown device": (
        {"policy": "policy: {device_share: {rich: {devices: [phon], share: 1}}}"},
        (12, 42, "policy.device_share.rich.devices[0]", "did you mean `phone`?"),
    ),
    "least shares above all": (
        {"alloys": "alloys: {silver: {composition: {Ag: 60 %, Au: 60 %}}}"},
        (10, 32, "alloys.silver.composition", "the least shares sum to 120 %"),
    ),
    "limit turned round": (
        {"market": "market: {o: {composition: {Ag: 1}, price: 1, committed: 2, limit: 1}}"},
        (12, 57, "market.o.committed", "more is committed than the `limit` allows"),
    ),
    "pieces without a mass in a content": (
        {"devices": "devices: {phone: {content: {Au: 5 mg/unit}}, laptop: {}}"},
        (6, 33, "devices.phone.content.Au", "give the device a `unit_mass`"),
    ),
    "pieces without a mass in a treatment": (
        {"treatments": "treatments: {sort: {cost: 5 JPY/unit}}"},
        (12, 27, "treatments.sort.cost", "`laptop` give none"),
    ),
    "pieces without a mass in an override": (
        {"treatments": "treatments: {sort: {devices: {laptop: {cost: 5 JPY/pcs}}}}"},
        (12, 46, "treatments.sort.devices.laptop.cost", "give `laptop` a `unit_mass`"),
    ),
    "second stream of a name": (
        {
            "streams": "streams:\n- {device: phone, region: r, available: 1}\n"
            "- {name: phone@r, device: laptop, region: r, total: 1}"
        },
        (9, 10, "streams.phone@r", "the stream `phone@r` is defined in line 8 already"),
    ),
    "lane without a smelter": (
        {"lanes": "lanes:\n- {region: r}"},
        (13, 3, 'lanes."r@?".smelter', "`smelter` is missing"),
    ),
    "date outside the horizon": (
        {"medals": "medals: {first: {count: 1, due: 2017-06, parts: {silver: 1}}}"},
        (11, 33, "medals.first.due", "`2017-06` names no period: those are `2017-04` to `2017-05`"),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_where_it_is(name: str, tmp_path: Path) -> None:
    """A planted error is the only one found, at its line, column and path, with cause and remedy."""
    parts, (line, column, path, says) = FAULTS[name]
    ((found_line, found_column, found_path, message),) = faults(tmp_path, **parts)
    assert (found_line, found_column, found_path) == (line, column, path)
    assert says in message


WARNINGS: dict[str, tuple[dict[str, str], str, str]] = {
    "rich feed": (
        {"treatments": "treatments: {sort: {to_smelter: 0.5 %}}"},
        "treatments.sort",
        "a tonne of feed from `laptop` would contain 600 kg of metal",
    ),
    "rich device": (
        {"devices": "devices: {phone: {content: {Ag: 501 kg/t, Au: 1}}, laptop: {content: {Ag: 1}}}"},
        "devices.phone.content",
        "would contain 502 kg of metal",
    ),
    "refining what sells for nothing": (
        {
            "metals": "metals: {Au: {}, Ag: {sell: 1}}",
            "smelters": "smelters: {kosaka: {returned: 90 %, refining_charge: {Au: 5, Ag: 5}}}",
        },
        "metals.Au",
        "has a refining charge but no selling price",
    ),
    "a thousand times its neighbours": (
        {"devices": "devices: {phone: {content: {Ag: 200, Au: 1}}, laptop: {content: {Ag: 200 g/t}}}"},
        "devices.phone.content.Ag",
        "this value is 1_000 times the nearest of its kind",
    ),
    "a thousand times the other months": (
        {"smelters": "smelters: {kosaka: {returned: 1, capacity: [5, 5_000]}}"},
        "smelters.kosaka.capacity[1]",
        "this value is 1_000 times the nearest",
    ),
    "a thousand times the other streams": (
        {
            "streams": "streams:\n- {device: phone, region: a, available: 2}\n"
            "- {device: phone, region: b, available: 3_000}\n- {device: phone, region: c, available: 1}"
        },
        "streams.phone@b.available",
        "this value is 1_500 times the nearest",
    ),
    "region without a stream": (
        {"lanes": "lanes: [{region: tokyo, smelter: kosaka}, {region: tokio, smelter: kosaka}]"},
        "streams",
        "no stream is in the region `tokio`, which a lane or a treatment names; did you mean `tokyo`?",
    ),
    "smelter without a lane": (
        {
            "lanes": "lanes: [{region: tokyo, smelter: kosaka}]",
            "smelters": "smelters: {kosaka: {returned: 1}, far: {}}",
        },
        "smelters.far",
        "no lane leads to `far`",
    ),
    "distance for nothing": (
        {"lanes": "lanes: [{region: tokyo, smelter: kosaka, distance: 5}]"},
        "lanes.tokyo@kosaka.distance",
        "distances cost nothing",
    ),
    "alloy that no medal uses": (
        {"alloys": "alloys: {silver: {composition: {Ag: 1}}, gold: {composition: {Au: 1}}}"},
        "alloys.gold",
        "no medal is made of `gold`",
    ),
    "metal that nothing names": (
        {"metals": "metals: {Au: {sell: 100}, Ag: {sell: 100}, Pt: {}}"},
        "metals.Pt",
        "no device, offer or alloy names `Pt`",
    ),
    "alloy with a gap": (
        {"alloys": "alloys: {silver: {composition: {Ag: 92.5 %}}}"},
        "alloys.silver",
        "sum to 92.5 %, so it can never be cast",
    ),
    "alloy of which all silver on offer is impure": (
        {
            "devices": "devices: {phone: {content: {Au: 100 g/t}}}",
            "market": "market: {bars: {composition: {Ag: 99.99 %}, price: 1}, "
            "bar: {composition: {Ag: 99.95 %}, price: 1}}",
        },
        "alloys.silver",
        "`bar` and `bars` contain unnamed matter (0.01 % or more), which is not allowed in `silver`; "
        "give `alloys.silver.others: 0.01 %` or more, or name the rest of its composition, and reduce the least shares",
    ),
    "offer that no alloy may be charged with": (
        {"market": "market: {bars: {composition: {Ag: 99.99 %}, price: 1}}"},
        "market.bars",
        "no alloy can be charged with this offer: `bars` contains unnamed matter (0.01 %), which is not allowed",
    ),
    "offer that no alloy may be charged with, as 0 % is written out": (
        {
            "market": "market: {bars: {composition: {Ag: 99.99 %}, price: 1}}",
            "alloys": "alloys: {silver: {composition: {Ag: 1}, others: 0 %}}",
        },
        "market.bars",
        "no alloy can be charged with this offer: `bars` contains unnamed matter (0.01 %), which is not allowed",
    ),
    "alloy of which all silver on offer is impure, as 0 % is written out": (
        {
            "devices": "devices: {phone: {content: {Au: 100 g/t}}}",
            "market": "market: {bars: {composition: {Ag: 99.99 %}, price: 1}}",
            "alloys": "alloys: {silver: {composition: {Ag: 1}, others: 0 %}}",
        },
        "alloys.silver",
        "`silver` can never be cast: `bars` contains unnamed matter (0.01 %), which is not allowed in `silver`",
    ),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_odd_draws_one_warning(name: str, tmp_path: Path) -> None:
    """An unusual but valid value gives one warning at its place."""
    parts, path, says = WARNINGS[name]
    (warning,) = loaded(tmp_path, **parts).warnings
    assert warning.path == path and says in warning.message
    assert warning.line > 0 and str(warning).isprintable()


def test_the_small_instance_is_not_odd(tmp_path: Path) -> None:
    """The instance in which the faults above are planted has neither fault nor warning."""
    assert faults(tmp_path) == [] and loaded(tmp_path).warnings == ()


def test_a_thousand_faults_are_enough(tmp_path: Path) -> None:
    """Of very many faults a thousand are listed, and how many are not."""
    path = tmp_path / "case.yaml"
    path.write_text("\n".join(f"key{n}: 1" for n in range(5_000)), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    assert len(caught.value.faults) == 1_001
    assert caught.value.faults[-1].message == "4006 more faults are not listed"


def test_very_many_wrong_names_are_reported_without_a_hint(tmp_path: Path) -> None:
    """The first hundred unknown names get a suggestion; later ones do not."""
    names = ", ".join(f"phone{n:03}" for n in range(150))
    told = [message for *_, message in faults(tmp_path, smelters=f"smelters: {{kosaka: {{accepts: [{names}]}}}}")]
    assert len(told) == 150
    assert [message.endswith("did you mean `phone`?") for message in told] == [True] * 100 + [False] * 50


def test_so_many_faults_end_the_search(tmp_path: Path) -> None:
    """After thousands of errors in the text no further check runs, and their number is right."""
    path = tmp_path / "case.yaml"
    path.write_text("name: [" + ", ".join("!x 1" for _ in range(3_000)) + "]\nformat: 5\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    assert {fault.message for fault in caught.value.faults[:-1]} == {"a tag (`!x`) is not allowed: delete it"}
    assert caught.value.faults[-1].message == "2000 more faults are not listed"
