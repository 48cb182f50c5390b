"""Scenarios: sets of changes with a name, from a list, a sample, or the instance itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medalopt.analysis.sensitivity.sampling import SEED, causes, sample
from medalopt.analysis.variants import Changes, Variants
from medalopt.errors import UsageError
from medalopt.instance.reader.scenarios import read

MOST = 1_000_000  # scenarios


@dataclass(frozen=True)
class Scenario:
    """One scenario: its name, and its changes in the language of `scenarios:`, path to value."""

    name: str
    changes: Changes


def own(variants: Variants) -> list[Scenario]:
    """Return the scenarios of the instance. Raises UsageError where it has none, InputError where one is wrong."""
    named = variants.named_scenarios()
    if not named:
        raise UsageError(
            f"{variants.instance.name}: has no `scenarios:`; give --grid PATH=LO..HI/N, --list FILE or --sample N"
        )
    return [Scenario(name, changes) for name, changes in named.items()]


def listed(path: Path) -> list[Scenario]:
    """Return the scenarios of a file, CSV or YAML. Raises InputError with all that is wrong with it."""
    return [Scenario(name, changes) for name, changes in read(path).items()]


def sampled(variants: Variants, count: int, seed: int | None) -> list[Scenario]:
    """Return `count` draws of all that is uncertain, spread evenly; what is drawn follows from `seed` and `count`.

    Raises UsageError where nothing is uncertain, or there are too many.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"--sample {count}: there are 1 to {MOST:_} scenarios")
    found = causes(variants)
    if not found:
        raise UsageError("--sample: this instance has no assay, recovery, return or price that could vary")
    drawn = sample(found, count, SEED if seed is None else seed)
    return [Scenario(str(number), changes) for number, changes in enumerate(drawn.draws(), start=1)]
