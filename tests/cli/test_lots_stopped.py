"""A search in whole lots that takes long is ended by Ctrl-C and by a time limit, while HiGHS branches."""

from __future__ import annotations

import json
import signal
import subprocess
from random import Random
from typing import Any

import pytest
import yaml
from tests.cli.runs import MEDALOPT, PATIENCE, here

STREAMS, METALS = 100, 12  # a knapsack of so many dimensions takes minutes
SEARCHING = (
    "import sys\n"
    "from medalopt.solver import mip\n"
    "search = mip.run_branch_and_bound\n"
    "def searched(*given):\n"
    "    print('searching', flush=True)\n"
    "    return search(*given)\n"
    "mip.run_branch_and_bound = searched\n"
    "from medalopt.cli.run import main\n"
    "main()\n"
)


@pytest.fixture(scope="module")
def knapsack(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a file in which every stream is one lot, taken or not, of many metals all of which are needed."""
    chance = Random(1)
    metals = [f"M{number}" for number in range(METALS)]
    document: dict[str, Any] = {
        "format": "medalopt/1",
        "name": "knapsack",
        "currency": "JPY",
        "metals": {metal: {} for metal in metals},
        "devices": {
            f"d{n}": {"content": {m: f"{chance.randint(100, 999)} g/t" for m in metals}} for n in range(STREAMS)
        },
        "streams": [],
        "smelters": {"smelter": {"returned": dict.fromkeys(metals, "100 %")}},
        "alloys": {m.lower(): {"composition": {m: "100 %"}} for m in metals},
        "medals": {m.lower(): {"count": 60 * STREAMS, "parts": {m.lower(): "1 kg"}} for m in metals},
    }
    for n in range(STREAMS):
        lot, price = f"{chance.randint(300, 600)} t", f"{chance.randint(900, 1100)} JPY/t"
        document["streams"].append({"device": f"d{n}", "region": "r", "available": lot, "lot": lot, "price": price})
    path = tmp_path_factory.mktemp("knapsack") / "knapsack.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return str(path)


def test_an_interruption_ends_the_search(knapsack: str) -> None:
    """Ctrl-C while HiGHS branches: code 130 and one line; the search itself would have gone on for minutes."""
    command = [MEDALOPT[0], "-c", SEARCHING, "solve", knapsack]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "searching\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, err) == (130, "", "medalopt: interrupted\n")


def test_a_time_limit_ends_the_search(knapsack: str) -> None:
    """With the time over the plan is the best so far: code 4, feasible, with its gap to the certified bound."""
    ran = here("solve", knapsack, "--time-limit", "1", "--json")
    told = json.loads(ran.out)
    assert ran.code == 4 and told["status"] == "feasible"
    assert 0 < told["certificate"]["gap"] < 1 and told["lots"]["lower_bound"] <= told["objective"]["value"]


def test_a_plan_near_enough_ends_the_search(knapsack: str) -> None:
    """A plan within the required gap ends the search with exit code 0."""
    assert here("solve", knapsack, "--gap", "15 %", "--time-limit", "60").code == 0
