"""Exchange rates: each is applied or reported, at every amount that needs it."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook
from tests.instance.writing import faults, loaded
from tests.spreadsheets import with_cell

from medalopt.errors import InputError
from medalopt.instance.examples import render_starter_template
from medalopt.instance.loading import load, open_instance
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.resolve import parsed_document
from medalopt.instance.workbook.importer import import_workbook
from medalopt.report.instance_workbook import render_instance_workbook
from medalopt.units import Money, Quantity

CIRCLE = "the rates of `CHF` and `GBP` are given in terms of each other: give one of them in JPY"

AMOUNTS: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "no rate": (
        "USD: 110 JPY",
        "EUR",
        [("metals.Au.sell", "no rate is given for the currency `EUR`; add `exchange: {EUR: … JPY}`")],
    ),
    "a rate in a currency without one": (
        "USD: 0.9 EUR",
        "USD",
        [
            ("exchange.USD", "no rate is given for the currency `EUR`; add `exchange: {EUR: … JPY}`"),
            (
                "metals.Au.sell",
                "the currency `USD` has no rate in JPY: "
                "`exchange` gives that of `USD` in `EUR`, for which it gives none",
            ),
        ],
    ),
    "a circle": (
        "GBP: 1 CHF, CHF: 2 GBP",
        "GBP",
        [
            ("exchange.GBP", f"the currency `CHF` has no rate in JPY: {CIRCLE}"),
            ("exchange.CHF", f"the currency `GBP` has no rate in JPY: {CIRCLE}"),
            ("metals.Au.sell", f"the currency `GBP` has no rate in JPY: {CIRCLE}"),
        ],
    ),
    "a way into a circle": (
        "AUD: 3 GBP, GBP: 1 CHF, CHF: 2 GBP",
        "AUD",
        [
            ("exchange.AUD", f"the currency `GBP` has no rate in JPY: {CIRCLE}"),
            ("exchange.GBP", f"the currency `CHF` has no rate in JPY: {CIRCLE}"),
            ("exchange.CHF", f"the currency `GBP` has no rate in JPY: {CIRCLE}"),
            ("metals.Au.sell", f"the currency `AUD` has no rate in JPY: {CIRCLE}"),
        ],
    ),
    "a rate of no kind": (
        "USD: 110 kg, EUR: 2 USD",
        "EUR",
        [
            ("exchange.USD", "expected a number in JPY or another unit of that kind, such as `10 JPY`; found `110 kg`"),
            (
                "exchange.EUR",
                "the currency `USD` has no rate in JPY: that of `USD`, `110 kg`, is no amount of money",
            ),
            (
                "metals.Au.sell",
                "the currency `EUR` has no rate in JPY: that of `USD`, `110 kg`, is no amount of money",
            ),
        ],
    ),
    "a rate of nothing": (
        "USD: 0",
        "USD",
        [
            ("exchange.USD", "`0` is out of range: it must be more than 0"),
            ("metals.Au.sell", "the currency `USD` has no rate in JPY: that of `USD`, `0`, is not more than 0"),
        ],
    ),
}


@pytest.mark.parametrize("case", AMOUNTS.values(), ids=AMOUNTS.keys())
def test_an_amount_without_a_rate(case: tuple[str, str, list[tuple[str, str]]], tmp_path: Path) -> None:
    """An amount in a currency that cannot be worked out is a fault that says why, and so is the rate in between."""
    rates, currency, expected = case
    metals = f"metals: {{Au: {{sell: 1 {currency}/g}}, Ag: {{sell: 1 JPY/g}}}}"
    found = faults(tmp_path, metals=metals, exchange=f"exchange: {{{rates}}}")
    assert sorted((path, message) for _, _, path, message in found) == sorted(expected)


def test_another_currency_of_the_whole(tmp_path: Path) -> None:
    """Another currency of the file with unchanged rates is reported at every amount."""
    path = tmp_path / "starter.yaml"
    path.write_text(render_starter_template("starter").replace("currency: JPY", "currency: EUR"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(path)
    amounts = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    count = sum(len(re.findall("[0-9] (?:JPY|USD)", line.partition("#")[0])) for line in amounts)
    assert len(caught.value.faults) == count > 20
    assert {fault.path for fault in caught.value.faults} >= {"exchange.USD", "smelters.naoshima.treatment_charge"}


def test_another_currency_of_a_workbook(tmp_path: Path) -> None:
    """So is who does that in a workbook, cell by cell."""
    path = tmp_path / "starter.yaml"
    path.write_text(render_starter_template("starter"), encoding="utf-8")
    made = render_instance_workbook(open_instance(path))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(made)).get_sheet_by_name("Instance").to_python()
    row = next(number for number, cells in enumerate(rows, start=1) if cells[0] == "currency")
    with pytest.raises(InputError) as caught:
        import_workbook(FileBytes("in.xlsx", with_cell(made, "Instance", f"B{row}", "EUR")))
    told = {fault.path: str(fault) for fault in caught.value.faults}
    assert "no rate is given for the currency `JPY`" in told["metals.Au.sell"]
    assert told["metals.Au.sell"].startswith("in.xlsx:Metals!")
    assert "has no rate in EUR" in told["smelters.naoshima.treatment_charge"]


def test_rates_through_others(tmp_path: Path) -> None:
    """A rate may be given in a currency that has one, in any order."""
    instance = loaded(
        tmp_path,
        metals="metals: {Au: {sell: 2 GBP/kg}, Ag: {sell: 1 USD/kg}}",
        exchange="exchange: {GBP: 1.25 USD, USD: 0.9 EUR, EUR: 160}",
    )
    assert instance.metals.sell.exact()[:, 0].tolist() == [144, 360]


def test_each_rate_of_a_chain_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of six hundred rates, each given in the next, every one is read once and counts through all the others."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    codes = [f"X{first}{second}" for first in letters for second in letters][:600]
    given = {one: f"2 {two}" for one, two in zip(codes, [*codes[1:], "JPY"], strict=True)}
    read: list[str | float] = []
    known = parsed_document.parse_quantity

    def counting(value: str | float, unit: str, known_money: Money) -> Quantity:
        read.append(value)
        return known(value, unit, known_money)

    monkeypatch.setattr(parsed_document, "parse_quantity", counting)
    rates, unknown = parsed_document.resolve_exchange_rates(given, "JPY")
    assert sorted(map(str, read)) == sorted(given.values()) and not unknown
    assert rates == {code: Fraction(2) ** (600 - number) for number, code in enumerate(codes)}
