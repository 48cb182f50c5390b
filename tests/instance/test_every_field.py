"""Every field of the format has an effect: changed in a file, in a workbook or by `--set`, it changes the instance.

Otherwise a message names it. The fields are those of the schema, so that a new one is tested automatically; a new field
that is no number, or has no effect in `BASE`, needs a value in `VALUES`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
import yaml

from medalopt.errors import InputError
from medalopt.instance import load
from medalopt.instance.examples import render_starter_template
from medalopt.instance.instance import Instance, is_same_instance
from medalopt.instance.loading import open_instance
from medalopt.instance.reader.files import FileBytes
from medalopt.instance.schema.containers import Entry
from medalopt.instance.schema.document import Document
from medalopt.instance.schema.field_types import QuantityField
from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.instance.workbook.importer import import_workbook
from medalopt.report.instance_workbook import render_instance_workbook
from medalopt.text import render_path

Steps = tuple[str, ...]
BASE = yaml.safe_load("""
format: medalopt/1
name: base
currency: JPY
exchange: {USD: 100}
periods: {start: 2020-01, count: 2, length: quarter}
metals: {Ag: {sell: 1 USD/kg}, Cu: {}, Pd: {surplus: smelter}}
devices: {phone: {unit_mass: 0.2, content: {Ag: 2, Cu: 20 g/unit, Pd: 1}}, laptop: {content: {Ag: 1}}}
streams:
- {name: first, device: phone, region: east, available: 10}
- {name: second, device: laptop, region: west, total: 10}
treatments: {sort: {}, crush: {}, split: {fractions: {boards: {share: 90 %}}}}
smelters: {works: {returned: {Ag: 90 %, Cu: 80 %, Pd: 70 %}, terms: {all: {}}}, plant: {returned: 90 %}}
lanes:
- {region: east, smelter: works, cost: 5}
- {region: west, smelter: works, distance: 5}
- {region: east, smelter: plant, cost: 5}
transport_rate: 2
market:
  coins: {composition: {Ag: 90 %}, price: 100}
  stored: {composition: {Ag: 90 %}, price: 100, storable: true}
alloys: {silver: {composition: {Ag: 90 %}, scrap: {share: 10 %}, limits: {some: {offers: [stored], most: 5}}}}
medals: {gold: {count: 5, parts: {silver: 1}}}
policy: {device_share: {phone: [0 %, 90 %], group: {devices: [phone], share: [0 %, 80 %]}}}
mixes: {even: {phone: 50 %}, boxed: {bundle: box, shares: {phone: 50 %}}}
scenarios: {dear: {market.coins.price: 200}}
transfers: {fee: {payer: works, receiver: east, per: streams.*, price: 5}}
parties: {works: {}}
""")
MEMBERS = {
    "exchange": "USD", "metals": "Ag", "devices": "phone", "streams": "first", "treatments": "sort",
    "smelters": "works", "lanes": "east@works", "market": "coins", "alloys": "silver", "medals": "gold",
    "mixes": "even", "scenarios": "dear", "parties": "works", "transfers": "fee", "terms": "all", "parts": "silver",
    "impurities": "Sb", "device_share": "phone", "shares": "phone", "even": "phone", "dear": "market.coins.price",
}  # fmt: skip
"""What stands for any name below a mapping; a metal anywhere else."""

VALUES: dict[str, tuple[str, str]] = {
    "format": ("format", "medalopt/2"),
    "name": ("name", "other"),
    "currency": ("currency", "EUR"),
    "project.jurisdiction": ("project.jurisdiction", "JP"),
    "periods.start": ("periods.start", "2021-01"),
    "periods.length": ("periods.length", "month"),
    "streams.*.name": ("streams.first.name", "third"),
    "streams.*.device": ("streams.first.device", "laptop"),
    "streams.*.region": ("streams.first.region", "west"),
    "streams.*.total": ("streams.second.total", "7"),
    "treatments.*.accepts.[]": ("treatments.sort.accepts", "[phone]"),
    "treatments.*.regions.[]": ("treatments.sort.regions", "[east]"),
    "smelters.*.terms.*.devices.[]": ("smelters.works.terms.all.devices", "[phone]"),
    "smelters.*.terms.*.treatments.[]": ("smelters.works.terms.all.treatments", "[sort]"),
    "smelters.*.accepts.[]": ("smelters.works.accepts", "[phone]"),
    "lanes.*.region": ("lanes.east@plant.region", "west"),
    "lanes.*.smelter": ("lanes.west@works.smelter", "plant"),
    "lanes.*.distance": ("lanes.west@works.distance", "7"),
    "market.*.storable": ("market.coins.storable", "true"),
    "market.*.storage.limit": ("market.stored.storage.limit", "7"),
    "market.*.storage.limit.[]": ("market.stored.storage.limit", "[3, 7]"),
    **{f"market.*.{field}": (f"market.stored.{field}", "7") for field in ("opening_stock", "closing_stock")},
    **{
        f"alloys.*.limits.*.{field}": ("alloys.silver.limits", f"{{some: {{offers: [{offer}], most: {most}}}}}")
        for field, offer, most in (("offers.[]", "coins", 5), ("most", "stored", 7), ("most.[]", "stored", "[3, 7]"))
    },
    "metals.*.surplus": ("metals.Cu.surplus", "smelter"),
    "smelters.*.pays.*": ("smelters.works.pays.Pd", "7"),
    "smelters.*.pays.*.[]": ("smelters.works.pays.Pd", "[3, 7]"),
    "smelters.*.terms.*.pays.*": ("smelters.works.terms.all.pays.Pd", "7"),
    "smelters.*.terms.*.pays.*.[]": ("smelters.works.terms.all.pays.Pd", "[3, 7]"),
    "smelters.*.terms.*.settlement_lot": ("smelters.works.terms.all.settlement_lot", "pooled"),
    "smelters.*.settlement_lot": ("smelters.plant.settlement_lot", "pooled"),
    "medals.*.due": ("medals.gold.due", "2020-01"),
    "policy.device_share.*": ("policy.device_share.phone", "7 %"),
    "policy.device_share.*.devices.[]": ("policy.device_share.group.devices", "[laptop]"),
    "policy.device_share.*.share": ("policy.device_share.group.share", "7 %"),
    "policy.device_share.*.share.[]": ("policy.device_share.group.share", "[1 %, 7 %]"),
    "policy.confidence": ("policy.confidence", "95 %"),
    "policy.confidence.*": ("policy.confidence.Ag", "95 %"),
    "policy.joint_confidence": ("policy.joint_confidence", "95 %"),
    "mixes.*.bundle": ("mixes.boxed.bundle", "crate"),
    "mixes.*.shares.*": ("mixes.boxed.shares.phone", "7 %"),
    "scenarios.*.*": ("scenarios.dear", "{market.coins.price: 300}"),
    "distribution": ("distribution", "normal"),
    "alloys.*.scrap.returned": ("alloys.silver.scrap.returned", "7 %"),
    **{
        f"smelters.*.{terms}penalties.*.{step}{field}": (
            f"smelters.works.{terms.replace('*', 'all')}penalties",
            ("{Cu: [%s]}" if step else "{Cu: %s}") % "{above: 7, charge: 3, per: 2}".replace("3", count),
        )
        for terms in ("", "terms.*.")
        for step in ("", "*.")
        for field, count in (("above", "5"), ("charge", "7"), ("charge.[]", "[3, 7]"), ("per", "9"))
    },
    **{
        f"treatments.*.{device}fractions.*.{field}": (
            f"treatments.sort.{device.replace('*', 'phone')}fractions",
            "{boards: {share: 50 %, " + value + "}}",
        )
        for device in ("", "devices.*.")
        for field, value in (
            ("recovery", "recovery: 7 %"),
            ("recovery.*", "recovery: {Ag: 7 %}"),
            ("sold", "sold: 7"),
            ("sold.[]", "sold: [3, 7]"),
        )
    },
    **{
        f"{owner}.*.price.*.{field}": (f"{path}.price", f"[{{up_to: 3, price: 100}}, {{{more}}}]")
        for owner, path in (("market", "market.coins"), ("streams", "streams.first"))
        for field, more in (("price", "price: 7"), ("up_to", "up_to: 9, price: 200"))
    },
    "smelters.*.terms.*.fractions.[]": ("smelters.works.terms.all.fractions", "[boards]"),
    "firm.[]": ("firm", "[medals.gold.count]"),
    "transfers.*.per": ("transfers.fee.per", "metals.*"),
    "parties.*.role": ("parties.works.role", "smelter"),
    "parties.*.country": ("parties.works.country", "JP"),
    "parties.*.regions.[]": ("parties.works", "{role: carrier, regions: [east]}"),
    "parties.*.smelters.[]": ("parties.works", "{role: smelter, smelters: [plant]}"),
    "parties.*.offers.[]": ("parties.works", "{role: seller, offers: [coins]}"),
}
"""By the pattern of a field, the path and the value tried, where those of `attempts` would not do."""

APART = {
    "streams.table": "tests/instance/test_tables.py",
    "lanes.table": "tests/instance/test_tables.py",
    "streams.encoding": "tests/instance/test_tables.py",
    "lanes.encoding": "tests/instance/test_tables.py",
}
"""Fields that say where others stand, with the tests that try them."""


def leaves(annotation: Any, path: Steps = ()) -> Iterator[Steps]:
    """Yield a pattern for each value that may be written: `*` for any name, a last `[]` for a list of values."""
    origin, options = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from leaves(options[0], path)
    elif origin in (Union, UnionType):
        for option in options:
            yield from leaves(option, path)
    elif isinstance(annotation, type) and issubclass(annotation, Entry):
        for name, field in annotation.model_fields.items():
            yield from leaves(field.annotation, (*path, name))
    elif origin is dict:
        yield from leaves(options[1], (*path, "*"))
    elif origin is list:
        entries = isinstance(options[0], type) and issubclass(options[0], Entry)
        yield from leaves(options[0], (*path, "*" if entries else "[]"))
    elif annotation is not NoneType:
        yield path


PATTERNS = sorted({".".join(path) for path in leaves(Document)} - APART.keys())


def attempt(pattern: str) -> tuple[Steps, str]:
    """Return the path and the new value with which the field of this pattern is tried."""
    if pattern in VALUES:
        path, value = VALUES[pattern]
        return tuple(path.split(".")), value
    steps: list[str] = []
    for step in pattern.split("."):
        steps.append(MEMBERS.get(steps[-1], "Cu") if step == "*" else step)
    if steps[-1] == "[]":
        low, high = _value(tuple(steps[:-1]), "3"), _value(tuple(steps[:-1]), "7")
        return tuple(steps[:-1]), f"[{low}, {high}]"
    return tuple(steps), _value(tuple(steps), "7")


def _value(path: Steps, number: str) -> str:
    kind = find_parameter_kind(path)
    if kind is None:
        return "other"
    return f"{number} %" if isinstance(kind.field_type, QuantityField) and not kind.field_type.unit else number


def changed(path: Steps, value: str) -> dict[str, Any]:
    """Return the document with another value at a path, which names streams and lanes."""
    document = copy.deepcopy(BASE)
    node = document
    for at, step in enumerate(path[:-1]):
        if isinstance(node, list):
            names = [one.get("name", f"{one.get('region')}@{one.get('smelter')}") for one in node]
            node = node[names.index(step)]
        elif isinstance(node.get(step), (dict, list)):
            node = node[step]
        else:  # one figure for all becomes one by name
            node[step] = {"default": node[step]} if step in node and path[at - 1] != "metals" else {}
            node = node[step]
    node[path[-1]] = yaml.safe_load(value)
    return document


def written(document: dict[str, Any], folder: Path) -> Path:
    """Return where the document has been written."""
    path = folder / "case.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Instance:
    """Return the instance as it is before any change."""
    return load(written(BASE, tmp_path_factory.mktemp("base")))


def adds_warning(path: Steps, base: Instance, after: Instance) -> bool:
    """Return whether a new warning names the path."""
    new = {warning.path for warning in after.warnings} - {warning.path for warning in base.warnings}
    return any(render_path(path).startswith(one) or one.startswith(render_path(path)) for one in new)


def has_error(path: Steps, error: InputError) -> bool:
    """Return whether an error names the path, or a currency without rate."""
    return any(
        render_path(path).startswith(fault.path) or path == ("currency",) for fault in error.faults if fault.path
    )


@pytest.mark.parametrize("pattern", PATTERNS)
def test_in_a_file(pattern: str, base: Instance, tmp_path: Path) -> None:
    """Another value in the file makes another instance, or gives a message."""
    path, value = attempt(pattern)
    try:
        after = load(written(changed(path, value), tmp_path))
    except InputError as error:
        assert has_error(path, error), error
        assert pattern in TOLD, error
    else:
        assert not is_same_instance(base, after) or adds_warning(path, base, after)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_by_set(pattern: str, base: Instance, tmp_path: Path) -> None:
    """Another value by `--set` makes another instance, or gives a message."""
    path, value = attempt(pattern)
    try:
        after = load(written(BASE, tmp_path), {render_path(path): value})
    except InputError as error:
        assert has_error(path, error), error
        assert pattern in TOLD, error
    else:
        assert not is_same_instance(base, after)


@pytest.mark.parametrize("pattern", [one for one in PATTERNS if one not in ("format",)])
def test_in_a_workbook(pattern: str, base: Instance, tmp_path: Path) -> None:
    """The workbook of a file with another value gives the instance of that file."""
    path, value = attempt(pattern)
    file = written(changed(path, value), tmp_path)
    try:
        after = load(file)
    except InputError:
        assert pattern in TOLD
        return
    again = import_workbook(FileBytes("in.xlsx", render_instance_workbook(open_instance(file)))).instance
    assert (again.figures, again.annex, again.sources, again.title) == (
        after.figures, after.annex, after.sources, after.title
    )  # fmt: skip


TOLD = {
    "format": "there is one format",
    "currency": "the rates are no longer in the file's currency",
    "impurities.*.title": "no smelter names the impurity",
}
"""Fields whose other value is refused, and why."""


@pytest.mark.parametrize("key", ["note", "source"])
def test_remarks_travel(key: str, base: Instance, tmp_path: Path) -> None:
    """Every note and source is in the instance under the path of its entry."""
    for above in [(), ("metals", "Ag"), ("streams", "first"), ("lanes", "east@works"), ("policy",), ("periods",)]:
        after = load(written(changed((*above, key), "so it was said"), tmp_path))
        assert any(
            one.path == render_path(above) and "so it was said" in (one.note, *one.source) for one in after.sources
        )
        assert not is_same_instance(base, after)


def test_the_starter_names_every_field() -> None:
    """`medalopt new` shows each field of the format, most of them in a comment."""
    words = set(re.findall(r"\w+", render_starter_template("case")))
    assert {step for pattern in PATTERNS for step in pattern.split(".") if step not in ("*", "[]")} <= words
