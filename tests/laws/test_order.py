"""The order in which an instance is written does not matter: not to its plan, not to one byte of the answer."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.laws.rewriting import shuffled

from medalopt.cli.run import run_command


@pytest.mark.parametrize("seed", pool.SEEDS)
def test_order_does_not_matter(seed: int) -> None:
    """Keys, list entries, rows and columns in another order: the same bytes, whatever is made least."""
    stirred = shuffled(pool.files(seed), Random(seed))
    assert stirred != pool.files(seed)
    measure = pool.MEASURES[seed % 3]
    assert answer(pool.read(stirred), measure) == answer(pool.instance(seed), measure)


def test_order_does_not_matter_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`solve --json` writes the same but for the sums of the files."""
    seed = next(seed for seed in pool.SEEDS if pool.plan(seed) and len(pool.files(seed).files) > 1)
    texts = []
    for name, case in (("as it is", pool.files(seed)), ("stirred", shuffled(pool.files(seed), Random(seed)))):
        (tmp_path / name).mkdir()
        path = case.write(tmp_path / name)
        assert run_command(["solve", str(path), "--json"]) == 0
        texts.append(capsys.readouterr().out)
    answers = [json.loads(text) for text in texts]
    sums = [answer["instance"].pop("files") for answer in answers]
    assert sums[0] != sums[1]
    assert sums[0].keys() == sums[1].keys()
    assert answers[0] == answers[1]
    assert len(set(texts[0].splitlines()) ^ set(texts[1].splitlines())) == 2
