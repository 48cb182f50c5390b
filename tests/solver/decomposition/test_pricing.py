"""The routes of all streams side by side."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from medalopt.solver.decomposition.pricing import RouteRanking


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30))
def test_the_least_of_each_stream_is_the_first_of_the_least(routes: list[tuple[int, int]]) -> None:
    """The lowest reduced cost of each stream is found, with the first route that has it."""
    stream = np.array(sorted(i for i, _ in routes), dtype=np.intp)
    price = np.array([float(each) for _, each in routes])
    ranks = RouteRanking.rank(stream, 7)
    assert np.array_equal(np.sort(ranks.order), np.arange(len(stream)))
    least, by, second = ranks.find_least(price[ranks.order])
    found = {i: (value, j) for i, value, j in zip(ranks.stream.tolist(), least.tolist(), by.tolist(), strict=True)}
    own = {i: np.flatnonzero(stream == i) for i in stream.tolist()}
    assert found == {i: (price[those].min(), those[price[those].argmin()]) for i, those in own.items()}
    rest = {i: np.sort(price[those])[1:2].tolist() or [np.inf] for i, those in own.items()}
    assert {i: [value] for i, value in zip(ranks.stream.tolist(), second.tolist(), strict=True)} == rest
    asked = np.array([*own, *own], dtype=np.intp)
    assert [asked[those].tolist() for those, _ in ranks.iterate_routes(asked)] == [
        [i for i in asked.tolist() if len(own[i]) > rank] for rank in range(len(ranks.counts))
    ]


def test_streams_without_a_route_have_no_route_of_any_rank() -> None:
    """A stream without a route, before, between or behind those that have one, has a route of no rank."""
    ranks = RouteRanking.rank(np.array([1, 1, 3]), 5)
    found = [(those.tolist(), routes.tolist()) for those, routes in ranks.iterate_routes(np.array([0, 1, 2, 3, 4]))]
    assert found == [([1, 3], [0, 2]), ([1], [1])]
