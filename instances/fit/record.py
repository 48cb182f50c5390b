"""Write the record of 2018 as settlement sheets, so that the plan can be held against it and made anew.

Published are sums alone: the metal from devices collected up to June and up to October 2018, and what had been
collected. The sheets spread them (estimated): every device collected by then goes the way that the plan of the base
case gives its type, month by month, also where that plan does not take it; the metal of the record is shared out over
all these lots as the parameters of the instance have it, and is on the account by the leads of the smelters.
"""

from __future__ import annotations

import csv
import io
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import medalopt
from medalopt import Plan
from medalopt.analysis.risk.simulation import PlanSampler
from medalopt.analysis.sampling import SAMPLING_SEED
from medalopt.instance.arrays import Floats, Ints
from medalopt.instance.routes import compute_base_costs

RECORD_KG = {  # seen: Tokyo 2020 Organising Committee and press; see instances/README.md
    "2018-06": {"Au": 16.5, "Ag": 1_800.0, "Cu": 2_700.0},  # handed over on 23 October 2018
    "2018-10": {"Au": 28.4, "Ag": 3_500.0, "Cu": 2_700.0},  # handed over, and expected of what had been collected
}
HEADER = ("lot", "stream", "treatment", "smelter", "period", "dry_t", "devices_t")
DRAWS = 20_000


def main(folder: Path) -> None:
    """Write a sheet for each date of the record into `folder`, and print what the model expects by then."""
    plan = medalopt.solve(medalopt.load(folder / "tokyo2020.yaml"))
    for month, record in RECORD_KG.items():
        text = sheet(plan, month, record)
        (folder / "tokyo2020" / f"record-{month}.csv").write_text(text, encoding="utf-8", newline="\n")
        mean, low, high = expected_kg(plan, month, "Ag")
        sys.stdout.write(f"silver of devices collected by {month}: {mean:,.0f} kg, {low:,.0f} to {high:,.0f}\n")


def sheet(plan: Plan, month: str, record: dict[str, float]) -> str:
    """Return the settlement sheet of all devices collected up to `month`, which give the metal of `record`, kg."""
    instance, found = plan.instance, plan.account.routes
    last, metals = instance.periods.index(month), [instance.metals.names.index(metal) for metal in record]
    route, period = np.nonzero(sent := collected(plan, last))
    tonnes, smelter = sent[route, period], found.smelter[route]
    smelted = smelter >= 0
    lead = np.where(smelted, instance.smelters.lead[smelter].max(axis=1), 0)
    metal = np.where(smelted[:, None], found.returned[route][:, metals] * tonnes[:, None], 0.0)
    payable = metal * np.array(list(record.values())) / metal.sum(axis=0)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*HEADER, *(f"payable_{metal}_kg" for metal in record), "settled_on"))
    for n, (j, t) in enumerate(zip(route.tolist(), period.tolist(), strict=True)):
        way = (
            instance.streams.names[found.stream[j]],
            instance.treatments.names[found.treatment[j]],
            instance.smelters.names[smelter[n]] if smelted[n] else "",
            instance.periods[t],
        )
        feed = tonnes[n] * (found.to_smelter[j] if smelted[n] else 1.0)
        kilograms = [f"{kg:.6g}" if smelted[n] else "" for kg in payable[n].tolist()]
        on = instance.periods[t + int(lead[n])] if smelted[n] else ""
        writer.writerow((f"{n + 1}", *way, f"{feed:.9g}", f"{tonnes[n]:.9g}", *kilograms, on))
    return out.getvalue()


def expected_kg(plan: Plan, month: str, metal: str) -> tuple[float, float, float]:
    """Return the metal expected from all devices collected up to `month`, kg: mean, 5 % and 95 % quantile."""
    decisions = replace(plan.account.decisions, sent=collected(plan, plan.instance.periods.index(month)))
    sampler = PlanSampler(replace(plan.account, decisions=decisions))
    place = plan.instance.metals.names.index(metal)
    drawn = np.concatenate([block.returned[:, place, -1] for block in sampler.draw_blocks(DRAWS, SAMPLING_SEED)])
    return float(drawn.mean()), *(float(q) for q in np.quantile(drawn, (0.05, 0.95)))


def collected(plan: Plan, last: int) -> Floats:
    """Return all devices collected up to period `last` by the way that they go, (J, T), t."""
    available = plan.instance.streams.available.value
    sent = np.zeros((len(plan.account.routes.stream), available.shape[1]))
    sent[ways(plan), : last + 1] = available[:, : last + 1]
    return sent


def ways(plan: Plan) -> Ints:
    """Return the route of each stream, (I,): where the plan does not take it, that of its device type at least cost."""
    streams, routes, sent = plan.instance.streams, plan.account.routes, plan.account.decisions.sent.sum(axis=1)
    by_type = np.zeros((len(plan.instance.devices.names), len(plan.instance.treatments.names)))
    np.add.at(by_type, (streams.device[routes.stream], routes.treatment), sent)
    usual, cost = by_type.argmax(axis=1), np.asarray(compute_base_costs(routes))
    result = np.zeros(len(streams.names), dtype=np.intp)
    for stream in range(len(streams.names)):
        own = np.flatnonzero(routes.stream == stream)
        same = own[routes.treatment[own] == usual[streams.device[stream]]]
        result[stream] = own[sent[own].argmax()] if sent[own].any() else same[cost[same].argmin()]
    return result


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
