"""Random instances by two formulations and two solvers: Pyomo with HiGHS, MathProg with GLPK in exact arithmetic.

Each is compared as it is, with castings and offers in stock, and with pooled lots, under each objective: the same
status, the same optimum, and rows and columns of the same names.
"""

from __future__ import annotations

import sys
from collections import Counter

from tests.model.cases import MEASURES, loaded
from tests.random_instances import document, with_pools, with_stock
from tests.twin.agreement import assert_twins_agree

from campaigns.running import Found, campaign


def trial(seed: int) -> Found:
    """Compare both ways on instance number `seed`; a difference fails."""
    found = Found()
    for kind, content in (("as it is", document), ("with stock", with_stock), ("with pooled lots", with_pools)):
        statuses = assert_twins_agree(loaded(content(seed)), MEASURES)
        found += Found(Counter(f"{kind}: {status}" for status in statuses))
    return found


if __name__ == "__main__":
    sys.exit(campaign("twins", trial, 3_000, sys.argv[1:]))
