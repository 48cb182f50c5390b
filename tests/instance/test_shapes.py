"""Fields that may occur at a path."""

from __future__ import annotations

from medalopt.instance.schema.validation import list_fields


def test_the_fields_below_a_path() -> None:
    """A field of two forms has the fields of its mapping form; a mapping of names has none."""
    found = {
        path: list(list_fields(tuple(path.split(".")))) for path in ("policy.device_share.x", "mixes.x", "periods")
    }
    assert found == {
        "policy.device_share.x": ["devices", "share"],
        "mixes.x": ["bundle", "shares"],
        "periods": ["start", "count", "length"],
    }
    assert list_fields(("lanes", "a"))["cost"].description and list_fields(("metals",)) == {} == list_fields(
        ("devices", "x", "cv")
    )
