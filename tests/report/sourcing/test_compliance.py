from tests.report.plans import plan

from medalopt.report.sourcing.compliance import COMPLIANCE_DOCUMENTS, tabulate_compliance_documents


def test_every_smelter_that_is_used_has_its_list_with_blanks() -> None:
    """All smelters of Tokyo with feed are in the checklist, with blank columns."""
    one = plan("tokyo2020")
    (table,) = tabulate_compliance_documents(one)
    used = [name for name, feed in zip(one.instance.smelters.names, one.account.feed.sum(axis=1), strict=True) if feed]
    assert list(dict.fromkeys(row[0] for row in table.rows)) == used
    assert {cell for row in table.rows for cell in row[4:]} == {""}


def test_papers_of_a_metal_are_asked_where_it_is_returned() -> None:
    """A smelter without gold needs no gold guidance, nor Shonan a brand of copper."""
    silver_and_copper = {str(row[1]) for row in tabulate_compliance_documents(plan("tiny"))[0].rows}
    wanted = [one for one in COMPLIANCE_DOCUMENTS if not one.metals or one.metals & {"Ag", "Cu"}]
    assert silver_and_copper == {one.name for one in wanted if one.jurisdictions != {"JP"}}
    assert not any("Gold" in paper for paper in silver_and_copper)
    shonan = {str(row[3]) for row in tabulate_compliance_documents(plan("tokyo2020"))[0].rows if row[0] == "shonan"}
    assert "London Metal Exchange" not in shonan
    assert "LBMA" in shonan


def test_documents_of_a_country_are_required_in_its_jurisdiction() -> None:
    """Tokyo's list has those of Japan; that of tiny, which states no jurisdiction, names no country."""
    tiny, tokyo = (tabulate_compliance_documents(plan(name))[0].rows for name in ("tiny", "tokyo2020"))
    assert {"Waste manifest of each load"} == {row[1] for row in tokyo} & {
        "Waste manifest of each load",
        "Consignment note of each load",
    }
    assert not any("Japan" in str(cell) for row in tiny for cell in row)


def test_without_smelters_there_is_no_list() -> None:
    """Dantzig's blend is bought, and nobody smelts it."""
    assert tabulate_compliance_documents(plan("dantzig")) == ()
