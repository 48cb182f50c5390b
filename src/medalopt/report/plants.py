"""Tables of treatments and smelters: throughput, load and metal returned."""

from __future__ import annotations

import numpy as np

from medalopt.instance.figures import Floats
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.report.numbers import column, share
from medalopt.report.section import Column, Section, section

FULL = 1 - 1e-6


def period_word(instance: Instance) -> str:
    """Return the word for a period: its length where periods are dated.

    Args:
        instance: Instance with its periods.

    Returns:
        The word, such as `month`.
    """
    return instance.period_length if "-" in instance.periods[0] or instance.period_length == "year" else "period"


def treatments(plan: Plan) -> Section:
    """Return the table of treatments: tonnes treated, tonnes sent on to smelters, load.

    Args:
        plan: Solved plan.

    Returns:
        The table, without treatments that are not used.
    """
    account, treatment = plan.account, plan.instance.treatments
    treated = account.treated.sum(axis=1)
    sent_on = np.zeros(len(treated))
    np.add.at(sent_on, account.found.treatment, account.found.to_smelter * account.decisions.sent.sum(axis=1))
    used = [h for h in np.argsort(-treated, kind="stable").tolist() if treated[h] > 0]
    return section(
        "Treatments",
        [
            (Column("treatment", right=False), [treatment.names[h] for h in used]),
            (Column("treated t"), column(treated[used].tolist())),
            (Column("of all", rank=2), [share(treated[h], plan.tonnes) for h in used]),
            (Column("to smelters t", rank=1), column(sent_on[used].tolist())),
            (_load(plan), [_peak(account.treated[h], treatment.capacity.value[h]) for h in used]),
        ],
    )


def smelters(plan: Plan) -> Section:
    """Return the table of smelters: feed [t], load and metal returned [kg].

    Args:
        plan: Solved plan.

    Returns:
        The table, idle smelters included; no rows without any feed.
    """
    account, instance = plan.account, plan.instance
    feed, back = account.feed.sum(axis=1), account.returned.sum(axis=2)
    if not feed.sum() > 0:
        return Section("Smelters", (), ())
    order = np.argsort(-feed, kind="stable").tolist()
    shown = [e for e in range(len(instance.metals.names)) if back[:, e].sum() > 0]
    return section(
        "Smelters",
        [
            (Column("smelter", right=False), [instance.smelters.names[k] for k in order]),
            (Column("feed t"), column(feed[order].tolist())),
            (_load(plan), [_peak(account.feed[k], instance.smelters.capacity.value[k]) for k in order]),
            *(
                (Column(f"{instance.metals.titles[e]} kg", rank=1 + place), column(back[order, e].tolist()))
                for place, e in enumerate(shown)
            ),
        ],
    )


def _load(plan: Plan) -> Column:
    """Return the header of the load."""
    one = len(plan.instance.periods) == 1
    return Column("load" if one else f"load in the fullest {period_word(plan.instance)}")


def _peak(used: Floats, capacity: Floats) -> str:
    """Return the highest load and the number of full periods; a dash without a capacity."""
    if not np.isfinite(capacity).any():
        return "–"
    load = np.divide(used, capacity, out=np.zeros_like(used), where=capacity > 0)
    full = int((load > FULL).sum())
    return share(min(load.max(), 1.0), 1.0) + (f", in {full} of {len(load)}" if full and len(load) > 1 else "")
