"""Parameters that exist at a path."""

from __future__ import annotations

import pytest

from medalopt.instance.schema.validation import find_parameter_kind
from medalopt.text import parse_path


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("metals.Au.sell", "money/kg"),
        ("metals.Au.sell[0]", "money/kg"),
        ("metals.Au.sell.x", None),
        ("devices.phone.content.Au", "kg/t"),
        ("smelters.kosaka.returned.Au", ""),
        ("smelters.kosaka.returned", ""),
        ("smelters.kosaka.accepts", None),
        ("streams.phone@tokyo.storage.limit", "t"),
        ("policy.device_share.rich.share[1]", ""),
        ("metals.Au.title", None),
        ("nowhere", None),
    ],
)
def test_the_measure_of_a_figure(path: str, unit: str | None) -> None:
    """A value, a list entry and a value by metal have the unit of their field; a path below a value is unknown."""
    found = find_parameter_kind(parse_path(path))
    assert (getattr(found.field_type, "unit", None) if found else None) == unit
