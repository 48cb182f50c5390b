from dataclasses import replace

from tests.report.plans import plan
from tests.report.sourcing.parties import with_parties

from medalopt.report.sourcing.compliance import _read_compliance_documents, tabulate_compliance_documents


def test_every_smelter_that_is_used_has_its_list_with_blanks() -> None:
    """All smelters of Tokyo with feed are in the checklist, with blank columns."""
    one = plan("tokyo2020")
    (table,) = tabulate_compliance_documents(one)
    used = [name for name, feed in zip(one.instance.smelters.names, one.account.feed.sum(axis=1), strict=True) if feed]
    assert list(dict.fromkeys(row[1] for row in table.rows if row[0] == "smelter")) == used
    assert {cell for row in table.rows for cell in row[6:9]} == {""}


def test_compliance_documents_of_a_metal_are_required_where_it_is_returned() -> None:
    """A smelter without gold needs no gold guidance, nor Shonan a brand of copper."""
    silver_and_copper = {str(row[2]) for row in tabulate_compliance_documents(plan("tiny"))[0].rows}
    wanted = [one for one in _read_compliance_documents() if not one.metals or one.metals & {"Ag", "Cu"}]
    assert silver_and_copper == {one.name for one in wanted if one.jurisdictions != {"JP"}}
    assert not any("Gold" in paper for paper in silver_and_copper)
    shonan = {str(row[4]) for row in tabulate_compliance_documents(plan("tokyo2020"))[0].rows if row[1] == "shonan"}
    assert "London Metal Exchange" not in shonan
    assert "LBMA" in shonan


def test_documents_of_a_country_are_required_in_its_jurisdiction() -> None:
    """Tokyo's list has those of Japan; that of tiny, which states no jurisdiction, names no country."""
    tiny, tokyo = (tabulate_compliance_documents(plan(name))[0].rows for name in ("tiny", "tokyo2020"))
    assert {"Waste manifest of each load"} == {row[2] for row in tokyo} & {
        "Waste manifest of each load",
        "Consignment note of each load",
    }
    assert not any("Japan" in str(cell) for row in tiny for cell in row)


def test_each_role_has_its_documents() -> None:
    """Batteries are asked of who treats, the ledger of the mint, and data of who hands over; a carrier smelts nothing.

    What the file says is filled in, and where all is in one country no border is crossed.
    """
    made = with_parties(
        plan("tiny"),
        {
            "river": {"role": "operator", "batteries": "by hand", "country": "JP"},
            "hauler": {"role": "carrier"},
            "near": {"country": "JP", "licence": "waste 4711"},
        },
    )
    made = replace(
        made, instance=replace(made.instance, annex={**made.instance.annex, "project": {"jurisdiction": "JP"}})
    )
    rows = tabulate_compliance_documents(made)[0].rows
    asked = {(row[0], row[1], row[2]): row[5] for row in rows}
    assert asked["operator", "river", "Record of batteries removed, and of where they went"] == "by hand"
    assert asked["smelter", "near", "Licence to treat this waste, and its limits"] == "waste 4711"
    assert ("mint", "works", "Account of process scrap") in asked
    assert {key[1] for key in asked if "data destruction" in key[2]} == {"east", "south", "west", "river"}
    abroad = {key[1] for key in asked if key[2].startswith("Notification with consents")}
    assert abroad == {"hauler", "far"}


def test_a_party_without_data_or_batteries_gives_no_documents_on_them() -> None:
    """A mint that melts its own waste lists neither; with all parties in one country there is no notification."""
    parties = {
        "towns": {"role": "collector", "data_destruction": "None, metal waste", "batteries": "none", "country": "IT"},
        "river": {"role": "operator", "batteries": "by hand", "country": "IT"},
        **{name: {"country": "IT"} for name in ("near", "far")},
    }
    asked = {(row[1], row[2]) for row in tabulate_compliance_documents(with_parties(plan("tiny"), parties))[0].rows}
    of_towns = {paper for party, paper in asked if party == "towns"}
    assert of_towns == {"Hand-over record of each load"}
    assert ("river", "Certificate of data destruction for each load") in asked
    assert not any("Notification with consents" in paper for _, paper in asked)


def test_a_plan_of_purchases_asks_sellers_and_the_mint() -> None:
    """Dantzig's blend is bought, and nobody smelts it."""
    (table,) = tabulate_compliance_documents(plan("dantzig"))
    assert {row[0] for row in table.rows} == {"seller", "mint"}
