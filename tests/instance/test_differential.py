"""A number altered in its text gives another instance or a message: a sample of `campaigns.differential`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from campaigns.differential import Figure, judge, trial
from tests.instance.writing import written

from medalopt.instance.loading import open_instance


@pytest.mark.parametrize("first", range(0, 40, 20))
def test_an_altered_number_is_never_passed_over(first: int) -> None:
    """Forty instances with one number altered: each is another instance, or is refused or warned of there."""
    found = [trial(number) for number in range(first, first + 20)]
    assert [wrong for one in found for wrong in one.wrong] == []
    seen = sum((one.seen for one in found), start=Counter[str]())
    assert seen.total() == 20
    assert any("another instance" in end for end in seen) and any("refused" in end for end in seen)


def test_what_makes_no_difference_is_found(tmp_path: Path) -> None:
    """An alteration without effect or message is a fault, as is a message at another place."""
    path = tmp_path / "case.yaml"
    path.write_text(written(), encoding="utf-8")
    base = open_instance(path).with_changes()
    figure = Figure("metals.Au.sell", path, 5, 20)
    assert judge(path, figure, base) == ("no difference", "the instance is the same, and nothing is told")
    path.write_text(written(medals="medals: {first: {count: none, parts: {silver: 1}}}"), encoding="utf-8")
    end, wrong = judge(path, figure, base)
    assert end == "refused elsewhere" and "medals.first.count" in wrong
    path.write_text(written(metals="metals: {Au: {sell: 1,000}, Ag: {sell: 100}}"), encoding="utf-8")
    assert judge(path, figure, base) == ("refused", "")
    path.write_text(written(metals="metals: {Au: {sell: 1_000}, Ag: {sell: 100}}"), encoding="utf-8")
    assert judge(path, figure, base) == ("another instance", "")
    path.write_text(
        written(smelters="smelters: {kosaka: {returned: 1, terms: {}, treatment_charge: 5}}"), encoding="utf-8"
    )
    base = open_instance(path).with_changes()
    assert judge(path, Figure("smelters.kosaka.treatment_charge", path, 9, 61), base) == ("warned of", "")
