"""Instances with an element deleted in the file, as reference for outages."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.random_instances import as_text, document

import medalopt
from medalopt import Plan
from medalopt.analysis.scenario_runner import ScenarioRunner
from medalopt.errors import NoPlanError

Document = dict[str, Any]


def random(seed: int) -> Document:
    """Return the random instance number `seed` as a plain mapping."""
    return document(seed)


@contextmanager
def variants(instance: Document) -> Iterator[ScenarioRunner]:
    """Yield the scenarios of `instance`; its file exists during the context."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        path.write_text(as_text(instance), encoding="utf-8")
        yield ScenarioRunner(path)


def solved(instance: Document) -> Plan | None:
    """Return the plan of `instance`, read and solved from scratch; None if infeasible."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        path.write_text(as_text(instance), encoding="utf-8")
        try:
            return medalopt.solve(medalopt.load(path))
        except NoPlanError:
            return None


def channel(stream: Document) -> str:
    """Return by which channel a stream comes."""
    return str(stream.get("bundle") or stream["device"])


def without(instance: Document, kind: str, name: str) -> Document:
    """Return `instance` with one smelter, treatment, region, channel or offer deleted.

    An element that others name, or the last of its kind, gets capacity or supply 0 instead.
    """
    left = copy.deepcopy(instance)
    if kind == "offer":
        del left["market"][name]
    elif kind in ("region", "channel"):
        _unsupplied(left, lambda stream: (stream["region"] if kind == "region" else channel(stream)) == name)
    elif kind == "treatment":
        _treatment(left, name)
    else:
        _smelter(left, name)
    return left


def _unsupplied(left: Document, gone: Any) -> None:
    kept = [stream for stream in left["streams"] if not gone(stream)]
    regions = {stream["region"] for stream in kept}
    if kept and all(stream["region"] in regions for stream in left["streams"]):
        left["streams"] = kept
        return
    for stream in left["streams"]:
        if gone(stream):
            stream.pop("committed", None)
            stream.pop("total", None)
            stream["available"] = "0 t"


def _treatment(left: Document, name: str) -> None:
    if not left.get("smelters"):
        return  # the one treatment there is where nothing is treated
    left.setdefault("treatments", {name: {}})
    lines = [line for smelter in left["smelters"].values() for line in (smelter.get("terms") or {}).values()]
    if len(left["treatments"]) > 1 and not any(name in line.get("treatments", ()) for line in lines):
        del left["treatments"][name]
    else:
        left["treatments"][name] = {**(left["treatments"][name] or {}), "capacity": "0 t"}


def _smelter(left: Document, name: str) -> None:
    lanes = [lane for lane in left.get("lanes") or [] if lane["smelter"] != name]
    if len(left["smelters"]) > 1 and (lanes or not left.get("lanes")):
        del left["smelters"][name]
        if lanes:
            left["lanes"] = lanes
    else:
        left["smelters"][name]["capacity"] = "0 t"
        left["smelters"][name].pop("committed", None)
