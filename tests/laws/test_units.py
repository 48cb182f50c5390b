"""The same figures in other units and another currency are the same instance, and give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from tests.laws import pool
from tests.laws.answer import answer
from tests.laws.rewriting import each_quantity, in_old_units, in_other_masses, in_other_money, with_rates
from tests.random_instances import Case, as_text, document

SEEDS = pool.SEEDS


def written(content: dict[str, Any]) -> Case:
    """Return an instance as one file, with rates for the currencies that the tests use."""
    return Case({"instance.yaml": as_text(with_rates(content))})


def same(content: dict[str, Any], rewrite: Callable[[str, Random], str], seed: int) -> None:
    """Fail unless `content` says the same when `rewrite` is done to all its quantities, and some of them change."""
    other = written(each_quantity(content, rewrite, Random(seed)))
    assert other != written(content)
    assert answer(pool.read(other)) == answer(pool.read(written(content)))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_unit_of_mass_does_not_matter(seed: int) -> None:
    """Grams, kilograms, tonnes, pounds and troy ounces of one amount: the same plan to the last byte."""
    same(each_quantity(document(seed), in_old_units, Random(seed)), in_other_masses, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_currency_does_not_matter(seed: int) -> None:
    """Money in a currency with an exact rate: the same plan to the last byte."""
    same(document(seed), in_other_money, seed)


def test_another_figure_is_another_answer() -> None:
    """The comparison sees it when a single figure has another last digit."""
    content = each_quantity(document(0), in_old_units, Random(0))
    text = as_text(content)
    figure = re.findall(r"[0-9.]+[0-8] (?:lb|ozt)", text)[0]
    number, unit = figure.split(" ")
    other = text.replace(figure, f"{number[:-1]}{int(number[-1]) + 1} {unit}", 1)
    read = [pool.read(Case({"instance.yaml": written})) for written in (text, other)]
    assert answer(read[0]) != answer(read[1])
