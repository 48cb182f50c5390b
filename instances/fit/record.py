"""Write the record of 2018 as settlement sheets, so that the plan can be held against it and made anew.

Published are sums alone: what had been collected, and what metal had been won, by June and by October 2018. The sheets
spread them (estimated): each stream goes the ways that the plan of the base case gives it, month by month, and what
that plan leaves is taken too and leaves the project unsmelted; what would have come back by then, by the leads of the
smelters, is settled, with the metal of the record shared out as the figures of the instance have it; the rest is on
its way.
"""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import numpy as np

import medalopt
from medalopt import Plan
from medalopt.instance.arrays import Floats
from medalopt.plan.tables import ROUNDING_TOLERANCE

RECORD_KG = {  # seen: Tokyo 2020 Organising Committee and press; see instances/README.md
    "2018-06": {"Au": 16.5, "Ag": 1_800.0, "Cu": 2_700.0},
    "2018-10": {"Au": 28.4, "Ag": 3_500.0, "Cu": 2_700.0},
}
HEADER = ("lot", "stream", "treatment", "smelter", "period", "dry_t", "devices_t")


def main(folder: Path) -> None:
    """Write a sheet for each date of the record into `folder`."""
    plan = medalopt.solve(medalopt.load(folder / "tokyo2020.yaml"))
    for month, record in RECORD_KG.items():
        text = sheet(plan, month, record)
        (folder / "tokyo2020" / f"record-{month}.csv").write_text(text, encoding="utf-8", newline="\n")


def sheet(plan: Plan, month: str, record: dict[str, float]) -> str:
    """Return the settlement sheet up to `month`, in which the metal of `record`, kg, has been returned."""
    instance, found = plan.instance, plan.account.routes
    last, metals = instance.periods.index(month), [instance.metals.names.index(metal) for metal in record]
    sent = _all_collected(plan)[:, : last + 1]
    route, period = np.nonzero(sent)
    tonnes = sent[route, period]
    lead = np.where(found.smelter[route] >= 0, instance.smelters.lead[found.smelter[route]].max(axis=1), 0)
    settled = (found.smelter[route] >= 0) & (period + lead <= last)
    metal = np.where(settled[:, None], found.returned[route][:, metals] * tonnes[:, None], 0.0)
    payable = metal * np.array(list(record.values())) / metal.sum(axis=0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*HEADER, *(f"payable_{metal}_kg" for metal in record), "settled_on"))
    for n, (j, t) in enumerate(zip(route.tolist(), period.tolist(), strict=True)):
        smelter = found.smelter[j]
        way = (
            instance.streams.names[found.stream[j]],
            instance.treatments.names[found.treatment[j]],
            instance.smelters.names[smelter] if smelter >= 0 else "",
            instance.periods[t],
        )
        feed = tonnes[n] * (found.to_smelter[j] if smelter >= 0 else 1.0)
        kilograms = [f"{kg:.6g}" if settled[n] else "" for kg in payable[n].tolist()]
        on = instance.periods[t + int(lead[n])] if settled[n] else ""
        writer.writerow((f"{n + 1}", *way, f"{feed:.9g}", f"{tonnes[n]:.9g}", *kilograms, on))
    return out.getvalue()


def _all_collected(plan: Plan) -> Floats:
    """Return what is sent on each route in each month, (J, T), t: the plan's shipments, and all else that is offered.

    That goes unsmelted where it may, else the way on which the plan sends most of its stream.
    """
    streams, found, made = plan.instance.streams, plan.account.routes, plan.account.decisions
    sent = made.sent.copy()
    for stream in range(len(streams.names)):
        ways = np.flatnonzero(found.stream == stream)
        left = streams.available.value[stream] - made.sent[ways].sum(axis=0)
        leaving = ways[found.smelter[ways] < 0]
        way = leaving[0] if len(leaving) else ways[made.sent[ways].sum(axis=1).argmax()]
        sent[way] += np.where(left > ROUNDING_TOLERANCE * streams.available.value[stream], left, 0.0)
    return sent


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
