from collections import defaultdict

import pytest
from tests.report.plans import plan

from medalopt.analysis.sourcing.plan_analyses import PlanFacts
from medalopt.report.document import CellValue, ReportTable
from medalopt.report.sourcing.traceability import MOST_SOURCES, tabulate_traceability


def _named(table: ReportTable) -> list[dict[str, CellValue]]:
    return [dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows]


def test_every_table_says_that_it_is_no_segregation() -> None:
    """Nobody can take the attribution for metal that was kept apart."""
    for table in tabulate_traceability(PlanFacts(plan("tiny"))):
        assert "mass-balance attribution, not physical segregation" in table.description
        assert "in proportion" in table.notes[0]


def test_sources_of_a_medal_add_up() -> None:
    """The shares of each metal in each kind of medal are all of it, the largest first, twenty and the rest."""
    sources = _named(tabulate_traceability(PlanFacts(plan("tokyo2020")))[0])
    shares: dict[tuple[CellValue, CellValue], list[float]] = defaultdict(list)
    for row in sources:
        shares[row["medal"], row["metal"]].append(float(row["share"]))  # type: ignore[arg-type]
    assert set(shares) >= {("gold", "gold"), ("gold", "silver"), ("silver", "silver"), ("bronze", "copper")}
    for listed in shares.values():
        assert sum(listed) == pytest.approx(1, rel=1e-9)
        assert listed[:MOST_SOURCES] == sorted(listed[:MOST_SOURCES], reverse=True)
        assert len(listed) <= MOST_SOURCES + 1
    assert any("the rest" in str(row["source"]) for row in sources)


def test_each_source_is_named() -> None:
    """Devices are named by region and smelter, purchases by offer, and opening stock."""
    rows = {
        (row["source"], row["region"], row["smelter"])
        for row in _named(tabulate_traceability(PlanFacts(plan("tiny")))[0])
    }
    assert ("phone", "east", "far") in rows
    assert ("bought", "mined_silver", "") in rows
    assert ("opening stock", "", "") in rows


@pytest.mark.parametrize("name", ["tiny", "tokyo2020"])
def test_every_stream_has_all_its_metal_accounted_for(name: str) -> None:
    """The destinations of a row sum to assay times tonnes sent."""
    one = plan(name)
    device = {str(stream): d for stream, d in zip(one.instance.streams.names, one.instance.streams.device, strict=True)}
    told = tabulate_traceability(PlanFacts(one))[1:]
    assert len(told) >= 2
    for table in told:
        metal = [f"stream_ends_{symbol}" for symbol in one.instance.metals.names].index(table.key)
        for stream, sent, content, *ends in table.rows:
            assert sum(ends) == pytest.approx(content, rel=1e-9)  # type: ignore[arg-type]
            assay = one.instance.devices.assay.value[device[str(stream)], metal]
            assert content == pytest.approx(assay * sent)  # type: ignore[operator]


def test_names_that_cannot_be_keys_become_numbers() -> None:
    """A file of CSV is named after the metal only where its name is plain."""
    from medalopt.report.sourcing.traceability import _make_key_part

    assert [_make_key_part(("Ag", "../x", "ag2", "7"), at) for at in range(4)] == ["Ag", "2", "ag2", "4"]
    assert [_make_key_part(("Ag", "ag"), at) for at in range(2)] == ["1", "2"]
