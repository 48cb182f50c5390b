"""Sources of scenarios: the instance file, a list in CSV or YAML, or a sample of the uncertain parameters."""

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
    """One scenario: its name, and its changes (path to value) in the syntax of `scenarios:`."""

    name: str
    changes: Changes


def own(variants: Variants) -> list[Scenario]:
    """List the scenarios of the instance.

    Args:
        variants: Base instance.

    Returns:
        Scenarios in the order of the file.

    Raises:
        UsageError: If it has none.
        InputError: If one is not valid.
    """
    named = variants.named_scenarios()
    if not named:
        raise UsageError(
            f"{variants.instance.name}: has no `scenarios:`; give --grid PATH=LO..HI/N, --list FILE or --sample N"
        )
    return [Scenario(name, changes) for name, changes in named.items()]


def listed(path: Path) -> list[Scenario]:
    """Load the scenarios of a CSV or YAML file.

    Args:
        path: File.

    Returns:
        Scenarios in the order of the file.

    Raises:
        InputError: If the file is not valid; all errors are collected.
    """
    return [Scenario(name, changes) for name, changes in read(path).items()]


def sampled(variants: Variants, count: int, seed: int | None) -> list[Scenario]:
    """Draw scenarios of all uncertain parameters, spread evenly over their ranges.

    Args:
        variants: Base instance.
        count: Number of scenarios.
        seed: Seed; None for the default. The sample follows from `seed` and `count`.

    Returns:
        The scenarios.

    Raises:
        UsageError: If `count` is out of range or no parameter is uncertain.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"--sample {count}: there are 1 to {MOST:_} scenarios")
    found = causes(variants)
    if not found:
        raise UsageError("--sample: this instance has no assay, recovery, return or price that could vary")
    drawn = sample(found, count, SEED if seed is None else seed)
    return [Scenario(str(number), changes) for number, changes in enumerate(drawn.draws(), start=1)]
