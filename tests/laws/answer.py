"""The JSON of `solve` without names of files."""

from __future__ import annotations

import dataclasses

import medalopt
from medalopt import Instance
from medalopt.errors import NoPlanError
from medalopt.report.render.json import build_no_plan_object, build_plan_object, render_json


def answer(instance: Instance, measure: str = "cost") -> str:
    """Return the bytes of `solve --json` as text, without `instance.files`."""
    nameless = dataclasses.replace(instance, files={})
    try:
        return render_json(build_plan_object(medalopt.solve(nameless, measure)))
    except NoPlanError as error:
        return render_json(build_no_plan_object(nameless, error.status, measure, error.proof))
