"""Mutation testing: `python -m campaigns.mutation PART [--sample N --seed S] [--resume FILE]`.

Prints how many mutants of a part of the package die by its tests, and each that lives on. Fails where one lives on that
campaigns/survivors.yaml does not explain, or too many do.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from campaigns import killing
from campaigns.definitions import normalize, replace_fragment
from campaigns.forks import Fate
from campaigns.killing import LineCoverage
from campaigns.mutants import Mutant, mutants
from campaigns.parts import PACKAGE, PARTS, Part

ROOT = Path(__file__).parents[1]


def main(arguments: list[str]) -> int:
    """Return 1 where too many mutants live on, or one without a reason."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.mutation")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sample", type=int, metavar="N", help="try N mutants drawn at random, not all")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which are drawn (default 0)")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep there what dies, and do not try it again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once (default: all cores)")
    asked = parser.parse_args(arguments)
    part = PARTS[asked.part]
    files = sorted({str(path.relative_to(PACKAGE)) for name in part.files for path in PACKAGE.glob(name)})
    wanted = [mutant for file in files for mutant in mutants(PACKAGE, file)]
    order = random.Random(asked.seed).sample(wanted, len(wanted))[: asked.sample]
    fates = _tried(part, order, asked)
    living = [mutant for mutant in order if fates.get(_key(mutant)) == ""]
    dead = len(fates) - len(living)
    score = dead / max(1, len(fates))
    print(
        f"{asked.part}: {len(fates):_} of {len(wanted):_} mutants tried, {dead:_} killed, {len(living):_} survived: ",
        end="",
    )
    print(f"{score:.1%} of all")
    unexplained = list(_told(living))
    to_kill = dead + len(unexplained)
    without = dead / max(1, to_kill)
    print(
        f"{asked.part}: {len(living) - len(unexplained):_} of the survivors make no difference, as explained; ", end=""
    )
    print(f"without them {dead:_} of {to_kill:_} killed: {without:.1%} (at least {part.least:.0%} wanted)")
    return 1 if unexplained or without < part.least else 0


def _tried(part: Part, order: Sequence[Mutant], asked: argparse.Namespace) -> dict[str, str]:
    """Return the killers of the tested mutants by key; none for a survivor."""
    file = asked.resume
    kept = json.loads(file.read_text(encoding="utf-8")) if file and file.exists() else {}
    fates = {key: kept[key] for mutant in order if (key := _key(mutant)) in kept}
    todo = [mutant for mutant in order if _key(mutant) not in fates]
    for number, (mutant, fate) in enumerate(_fates(part, todo, asked.jobs), 1):
        told = fate.killer or "SURVIVED"
        print(f"{number}/{len(todo)} {fate.seconds:.1f} s {mutant.name} -- {told}", file=sys.stderr, flush=True)
        fates[_key(mutant)] = fate.killer
        if file:
            dead = {key: killer for key, killer in fates.items() if killer}
            file.write_text(json.dumps(kept | dead, indent=0), encoding="utf-8")
    return fates


def _fates(part: Part, wanted: Sequence[Mutant], jobs: int) -> Iterator[tuple[Mutant, Fate]]:
    """Yield mutants with their fates; one that lives on in place comes again if it dies in a process of its own."""
    killing.ready()
    with tempfile.TemporaryDirectory() as folder:
        package = Path(
            shutil.copytree(PACKAGE, Path(folder) / "medalopt", ignore=shutil.ignore_patterns("__pycache__"))
        )
        sys.path.insert(0, folder)
        answers = killing.in_place(package, part.tests, wanted, jobs)
        known = next(answers)
        if not isinstance(known, LineCoverage):
            raise known
        later = []
        for mutant, fate in answers:
            if fate is not None:
                yield mutant, fate
            if fate is None or not (fate.killer or known.settled(mutant)):
                later.append(mutant)
        yield from killing.afresh(package, later, known, jobs)


def _told(living: Sequence[Mutant]) -> Iterator[Mutant]:
    """Print each mutant that lives on, with the reason why that cannot matter; yield those without one."""
    reasons = {file: _read_reasons(file) for file in sorted({mutant.file for mutant in living})}
    for mutant in living:
        why = reasons[mutant.file].get((mutant.operator, normalize(mutant.text)))
        print(f"{mutant.file}:{mutant.line} {mutant.operator}\n  - {mutant.was}\n  + {mutant.becomes}")
        print(f"  {why or 'NOT EXPLAINED'}")
        if not why:
            yield mutant


def _read_reasons(file: str) -> dict[tuple[str, str], str]:
    """Return why the survivors of a file make no difference, by their operator and the code they make of the file."""
    entries = yaml.safe_load((ROOT / "campaigns/survivors.yaml").read_text(encoding="utf-8")) or {}
    source = (PACKAGE / file).read_text(encoding="utf-8")
    return {
        (entry["operator"], replace_fragment(source, entry["within"], entry["was"], entry["becomes"])): entry["why"]
        for entry in entries.get(file, [])
    }


def _key(mutant: Mutant) -> str:
    return hashlib.sha256(f"{mutant.file}\n{mutant.text}".encode()).hexdigest()[:20]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
