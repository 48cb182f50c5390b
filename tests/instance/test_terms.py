"""The cascade of a smelter's terms."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance.writing import faults, loaded

PAGE = Path(__file__).parents[1] / "conformance" / "page.yaml"


def test_terms_of_the_format_page() -> None:
    """The example of the format page resolves as one reckons by hand: a line's own figures, then the smelter's."""
    from medalopt.instance import load

    one = load(PAGE)
    assert one.metals.names == ("Ag", "Au", "Cu", "Pd", "Zn")
    assert one.terms.names == ("boards", "phones")
    assert one.terms.treatment_charge.value[:, 0].tolist() == [30_000, 40_000]
    assert one.terms.refining_charge.value[:, :, 0].tolist() == [[600, 30_000, 0, 0, 0]] * 2
    assert one.terms.returned.value.tolist() == [[0.96, 0.97, 0.96, 0, 0], [0.95, 0.97, 0.96, 0, 0]]
    assert one.terms.deduction.value.tolist() == [[0.04, 0.001, 0, 0, 0]] * 2
    feeds = {
        (device, treatment): one.smelters.line[0, d, h]
        for d, device in enumerate(one.devices.names)
        for h, treatment in enumerate(one.treatments.names)
    }
    accepted = {feed: line for feed, line in feeds.items() if line >= 0}
    assert accepted == {("phone", "dismantle"): 0, ("laptop", "dismantle"): 0, ("phone", "sort"): 1}


@pytest.mark.parametrize(
    ("line", "smelter", "gold", "silver"),
    [
        ("", "", 0, 0),
        ("", "50 %", 0.5, 0.5),
        ("", "{default: 50 %, Au: 60 %}", 0.6, 0.5),
        ("", "{Au: 60 %}", 0.6, 0),
        ("70 %", "{default: 50 %, Au: 60 %}", 0.7, 0.7),
        ("{Au: 70 %}", "{default: 50 %, Au: 60 %}", 0.7, 0.5),
        ("{default: 70 %}", "{Au: 60 %}", 0.7, 0.7),
        ("{default: 70 %, Ag: 80 %}", "50 %", 0.7, 0.8),
        ("{Ag: 80 %}", "50 %", 0.5, 0.8),
        ("{}", "{Au: 60 %}", 0.6, 0),
        ("0 %", "{Au: 60 %}", 0, 0),
    ],
)
@pytest.mark.parametrize("field", ["returned", "refining_charge", "deduction"])
def test_line_before_smelter_metal_by_metal(
    tmp_path: Path, field: str, line: str, smelter: str, gold: float, silver: float
) -> None:
    """A line's own figure or default counts before anything the smelter says, metal by metal."""
    if field == "deduction":
        line, smelter = line.replace(" %", "0 kg/t"), smelter.replace(" %", "0 kg/t")
        gold, silver = 1000 * gold, 1000 * silver
    if field == "refining_charge":
        line, smelter = line.replace(" %", ""), smelter.replace(" %", "")
        gold, silver = 100 * gold, 100 * silver
    text = f"smelters: {{k: {{{field}: {smelter}, terms: {{a: {{{field}: {line}}}}}}}}}"
    figures = getattr(loaded(tmp_path, smelters=text).terms, field)
    assert figures.value[0].ravel().tolist() == pytest.approx([silver, gold])


def test_lines_are_numbered_across_smelters(tmp_path: Path) -> None:
    """Lines stand by smelter and name, and each feed leads to its own."""
    one = loaded(
        tmp_path,
        treatments="treatments: {a: {}, b: {}, gone: {to_smelter: 0}}",
        smelters="smelters: {z: {}, k: {terms: {y: {treatments: [a]}, x: {treatments: [b], devices: [phone]}}}}",
    )
    assert one.terms.names == ("x", "y", "") and one.terms.smelter.tolist() == [0, 0, 1]
    assert one.devices.names == ("laptop", "phone") and one.treatments.names == ("a", "b", "gone")
    assert one.smelters.line.tolist() == [[[1, -1, -1], [1, 0, -1]], [[2, 2, -1], [2, 2, -1]]]


def test_two_lines_for_one_feed(tmp_path: Path) -> None:
    """Two lines may not match the same feed, but may where no such feed exists."""
    text = "smelters: {k: {accepts: [laptop], terms: {a: {}, b: {devices: [phone]}}}}"
    assert loaded(tmp_path, smelters=text).terms.names == ("a", "b")
    ((_, _, path, message),) = faults(tmp_path, smelters=text.replace("accepts: [laptop], ", ""))
    assert path == "smelters.k.terms.b" and message.startswith("`a` and `b` match the same feed, `phone` after `whole`")


def test_a_line_that_matches_nothing_is_odd(tmp_path: Path) -> None:
    """A line of terms that no feed matches draws a warning."""
    one = loaded(
        tmp_path,
        streams="streams: [{device: laptop, region: tokyo, available: 1}]",
        smelters="smelters: {k: {returned: 1, accepts: [laptop], terms: {a: {}, b: {devices: [phone]}}}}",
    )
    assert [(warning.path, warning.message) for warning in one.warnings] == [
        ("smelters.k.terms.b", "no feed matches the line `b`")
    ]


def test_an_empty_schedule_accepts_nothing(tmp_path: Path) -> None:
    """A smelter with an empty list of `terms` accepts no feed."""
    assert loaded(tmp_path, smelters="smelters: {k: {terms: }}").smelters.line.tolist() == [[[-1], [-1]]]
