"""Small random instances over the whole format, for tests that hold for any instance.

`instances()` is a hypothesis strategy, `from_seed(n)` gives one for a number, and `document(random)` its plain
mapping, for tests that change it. About two thirds have a plan. They are small (at most 6 streams, 3 smelters and
6 periods) and strange on purpose: every section of the format comes up, and so do names that look like numbers.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import yaml
from hypothesis import strategies as st
from tests.instances_at_random import need, supply
from tests.instances_at_random.figures import CONTENT, PER_KG, WORTH, Document, maybe, quantity, series

_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True)
class Case:
    """An instance as files: `instance.yaml`, and its tables where it has some."""

    files: Mapping[str, str]

    def write(self, folder: Path) -> Path:
        """Write the files into `folder` and return the path of the instance."""
        for name, text in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder / "instance.yaml"


def instances() -> st.SearchStrategy[Case]:
    """Return the strategy: any number, and the instance it stands for."""
    return st.integers(0, 2**32 - 1).map(lambda seed: case(Random(seed)))


def from_seed(seed: int) -> str:
    """Return the YAML text of the instance number `seed`, all in one file."""
    return as_text(document(Random(seed)))


def with_stock(seed: int) -> Document:
    """Return the random instance number `seed` with a cost of holding castings, and offers that may be stocked.

    Each field draws from a stream of its own, so that whoever adds one changes no figure of the others.
    """
    content = document(Random(seed))
    count = content.get("periods", {}).get("count", 1)
    random = Random(f"{seed} holding")
    for alloy in content["alloys"].values():
        alloy |= maybe(random, 0.6, "holding", lambda: series(random, count, 0, 500, PER_KG))
    random = Random(f"{seed} storable")
    for offer in content.get("market", {}).values():
        offer |= maybe(random, 0.6, "storable", lambda: True)
        worth = WORTH[next(iter(offer["composition"]))]
        prices = [quantity(random, 0.6 * worth, 1.3 * worth, PER_KG) for _ in range(count)]
        offer |= maybe(random, 0.5, "price", lambda prices=prices: prices)
        told = offer["price"] if isinstance(offer["price"], list) else [offer["price"]]
        if offer.get("storable") and any(str(price).startswith("-") for price in told):
            offer.setdefault("limit", "1000 kg")  # without one no file with such a price is read
    return content


def with_pools(seed: int) -> Document:
    """Return the random instance number `seed` with pooled lots, and some poor feed that dilutes them.

    Each field draws from a stream of its own. What is credited is the same for all streams, as pooled lots ask for.
    """
    content, random = document(Random(seed)), Random(f"{seed} pools")
    for stream in content.get("streams", []):
        stream.pop("credited", None)
    for smelter in content.get("smelters", {}).values():
        smelter |= maybe(random, 0.7, "settlement_lot", lambda: "pooled")
        for line in smelter.get("terms", {}).values():
            line |= maybe(random, 0.3, "settlement_lot", lambda: random.choice(("route", "pooled")))
        if random.random() < 0.7:
            grades = {
                metal: random.uniform(0.2, 1.5) * CONTENT[metal] / 2 for metal in ("Au", "Ag") if random.random() < 0.8
            }
            smelter["deduction"] = {metal: f"{grade:.4g} kg/t" for metal, grade in grades.items()}
    return content


def case(random: Random) -> Case:
    """Return an instance as files; in one of four its streams and lanes stand in tables."""
    instance = document(random)
    if not instance.get("streams") or random.random() > 0.25:
        return Case({"instance.yaml": as_text(instance)})
    labels = need.labels(instance["periods"]) if "periods" in instance else ["1"]
    tables = {"streams.csv": _table(row for stream in instance["streams"] for row in _rows(stream, labels))}
    instance["streams"] = {"table": "streams.csv"}
    if instance.get("lanes"):
        tables["lanes.csv"] = _table(instance["lanes"])
        instance["lanes"] = {"table": "lanes.csv"}
    return Case({"instance.yaml": as_text(instance), **tables})


def as_text(instance: Document) -> str:
    """Return a plain mapping as YAML."""
    written_out = json.loads(json.dumps(instance))  # what stands in two places is written twice: YAML would refer to it
    return str(yaml.dump(written_out, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=120))


def document(random: Random) -> Document:
    """Return an instance as a plain mapping."""
    labels, periods = need.periods(random)
    metals = ["Au", "Ag", "Cu", *(metal for metal in ("Zn", "Pd") if random.random() < 0.6)]
    devices = random.sample(supply.DEVICES, random.randint(1, 4))
    regions = random.sample(supply.REGIONS, random.randint(1, 3))
    result: Document = {"format": "medalopt/1", "name": "random", "currency": "JPY", "exchange": {"USD": "110 JPY"}}
    result |= periods
    result["metals"] = {metal: need.metal(random, metal, len(labels)) for metal in metals}
    result["devices"] = {device: supply.device(random, metals) for device in devices}
    if random.random() < 0.94:
        measured = {name for name, device in result["devices"].items() if "unit_mass" in device}
        result["streams"] = supply.streams(random, devices, regions, measured, len(labels))
        result |= supply.treatments(random, devices, regions, len(labels))
        treatments = list(result.get("treatments", {"whole": {}}))
        smelters = random.sample(supply.SMELTERS, random.randint(1, 3))
        result["smelters"] = {k: supply.smelter(random, devices, treatments, metals, len(labels)) for k in smelters}
        result |= supply.lanes(random, sorted({stream["region"] for stream in result["streams"]}), smelters)
    result["alloys"] = need.alloys(random, metals, len(labels))
    result |= need.market(random, metals, len(labels))
    result["medals"] = need.medals(random, labels)
    return result | need.policy(random, metals, devices)


def _rows(stream: Document, labels: list[str]) -> list[Document]:
    """Return one row for a stream, or one a period where it offers a list; fields of mappings become columns."""
    row = {key: value for key, value in stream.items() if not isinstance(value, dict | list)}
    for field in ("storage", "credited"):
        if isinstance(stream.get(field), dict):
            row |= {f"{field}_{key}": value for key, value in stream[field].items()}
    if not isinstance(stream.get("available"), list):
        return [row]
    return [row | {"period": label, "available": cell} for label, cell in zip(labels, stream["available"], strict=True)]


def _table(rows: Iterable[Document]) -> str:
    listed = list(rows)
    columns = list(dict.fromkeys(key for row in listed for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(listed)
    return text.getvalue()
