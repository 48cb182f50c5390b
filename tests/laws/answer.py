"""All that `solve --json` says of an instance, but for the names of its files."""

from __future__ import annotations

import dataclasses

import medalopt
from medalopt import Instance
from medalopt.errors import NoPlanError
from medalopt.report.jsonplan import no_plan_object, plan_object, text


def answer(instance: Instance, measure: str = "cost") -> str:
    """Return the bytes of `solve --json` as text, without `instance.files`."""
    nameless = dataclasses.replace(instance, files={})
    try:
        return text(plan_object(medalopt.solve(nameless, measure)))
    except NoPlanError as error:
        return text(no_plan_object(nameless, error.status, measure, error.refutation))
