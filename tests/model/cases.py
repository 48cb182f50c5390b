"""Instances for the tests of model, solver, proof and plan: by hand, from the conformance files, at random."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from tests.random_instances import as_text, document

import medalopt
from medalopt.errors import NoPlanError
from medalopt.instance.instance import Instance
from medalopt.plan.plan import Plan
from medalopt.proof.certificate import InfeasibilityProof

Document = dict[str, Any]

ROOT = Path(__file__).parents[2]
CONFORMANCE = ROOT / "tests" / "conformance"
EXPECTED: Mapping[str, Any] = json.loads((CONFORMANCE / "expected.json").read_text(encoding="utf-8"))
MEASURES = ("cost", "footprint", "mass")


def plain() -> Document:
    """Return a document with 5 kg of silver to cast, supplied by phones (1 kg/t, 90 % returned), an offer, or both.

    A kilogram of silver costs 1,000 JPY from phones, with as much copper as the alloy takes; 60,000 JPY bought.
    """
    return {
        "format": "medalopt/1",
        "name": "plain",
        "currency": "JPY",
        "periods": {"count": 2},
        "metals": {"Ag": {}, "Cu": {}},
        "devices": {"phone": {"content": {"Ag": "1 kg/t", "Cu": "100 kg/t"}}},
        "streams": [{"device": "phone", "region": "north", "available": "10 t", "collection": "900 JPY/t"}],
        "smelters": {"smelter": {"returned": {"Ag": "90 %", "Cu": "90 %"}}},
        "market": {"silver": {"composition": {"Ag": "100 %"}, "price": "60000 JPY/kg"}},
        "alloys": {"silver": {"composition": {"Ag": ["90 %", "100 %"], "Cu": ["0 %", "10 %"]}}},
        "medals": {"medal": {"count": 10, "parts": {"silver": "500 g"}}},
    }


def changed(**sections: Any) -> Document:
    """Return the plain document with replaced `sections`; None removes one."""
    result = plain() | deepcopy(sections)
    return {key: value for key, value in result.items() if value is not None}


def loaded(text: Document | str) -> Instance:
    """Return an instance from a plain mapping or from YAML."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "instance.yaml"
        plain_text = text if isinstance(text, str) else yaml.safe_dump(json.loads(json.dumps(text)), sort_keys=False)
        path.write_text(plain_text, encoding="utf-8")  # by way of JSON, so that nothing is written as an alias
        return medalopt.load(path)


@cache
def at_random(seed: int) -> Instance:
    """Return the random instance number `seed`."""
    return loaded(as_text(document(seed)))


@cache
def conformance(name: str) -> Instance:
    """Return a conformance instance."""
    return medalopt.load(CONFORMANCE / f"{name}.yaml")


@cache
def conforming() -> dict[str, Instance]:
    """Return all conformance instances, by name."""
    return {name: conformance(name) for name in EXPECTED}


@cache
def answered(instance: Instance, measure: str = "cost") -> Plan | InfeasibilityProof:
    """Return the plan of `instance`, or its infeasibility proof; cached by identity of the instance."""
    return answer(instance, measure)


def answer(instance: Instance, measure: str = "cost") -> Plan | InfeasibilityProof:
    """Return the plan of an instance, or its infeasibility proof."""
    try:
        return medalopt.solve(instance, measure)
    except NoPlanError as error:
        assert error.status == "infeasible"
        assert isinstance(error.proof, InfeasibilityProof)
        return error.proof


def planned(instance: Instance, measure: str = "cost") -> Plan | None:
    """Return the plan of `instance`, None if infeasible."""
    found = answered(instance, measure)
    return found if isinstance(found, Plan) else None
