"""Reports on a saved plan: every marginal value, and every planted error, word by word.

The words are kept in `told.yaml`, as `python -m tests.proof.test_told` prints them: read the changes before you keep
them. The numbers are proven elsewhere, in `test_marginals.py` and `test_rows.py`.
"""

from __future__ import annotations

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.proof.test_verdict import NOT_IN_TINY, PLANTED, judged, solved

import medalopt
from medalopt.proof.marginal import compute_marginal_values

TOLD = Path(__file__).parent / "told.yaml"
ROUNDING = re.compile(r"\d+\.?\d*e-1\d")
Words = dict[str, Any]


def told(error: str) -> list[list[Any]]:
    """Return rule, path, amount, unit and text of the violations of tiny's plan with a planted error."""
    instance, saved = solved("tiny")
    content = copy.deepcopy(json.loads(saved))
    PLANTED[error](content)
    found = judged(instance, content)
    against = [each in found.against for each in found.broken]
    return [
        [each.rule, each.path, float(f"{each.amount:.6g}"), each.unit, ROUNDING.sub("about 0", each.text), decided]
        for each, decided in zip(found.broken, against, strict=True)
    ]


def marginal_values() -> list[list[Any]]:
    """Return the marginal values of tiny's plan, computed again."""
    plan = medalopt.solve(solved("tiny")[0])
    rows = compute_marginal_values(plan.account, plan.duals, "JPY")
    return [[row.path, row.period, float(f"{row.value:.9g}"), row.unit, row.meaning] for row in rows]


@cache
def kept() -> Words:
    """Return the expected texts."""
    words: Words = yaml.safe_load(TOLD.read_text(encoding="utf-8"))
    return words


ERRORS = [error for error in PLANTED if error not in NOT_IN_TINY]


@pytest.mark.parametrize("error", ERRORS)
def test_what_is_reported_of_an_error(error: str) -> None:
    """Violations of each planted error equal the expected ones, in order, amounts and words."""
    found, known = told(error), kept()["errors"][error]
    assert [each[3:] for each in found] == [each[3:] for each in known]
    assert [each[:2] for each in found] == [each[:2] for each in known]
    assert [each[2] for each in found] == pytest.approx([each[2] for each in known], rel=1e-5, abs=1e-9)


def test_what_is_reported_of_marginal_values() -> None:
    """Marginal values of tiny equal the expected ones in order, unit and words."""
    found, known = marginal_values(), kept()["marginal values"]
    assert [[*each[:2], *each[3:]] for each in found] == [[*each[:2], *each[3:]] for each in known]
    assert [each[2] for each in found] == pytest.approx([each[2] for each in known], rel=1e-8)


if __name__ == "__main__":
    words = {"marginal values": marginal_values(), "errors": {error: told(error) for error in ERRORS}}
    print(yaml.safe_dump(words, sort_keys=False, width=1000, default_flow_style=None), end="")
