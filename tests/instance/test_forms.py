"""The forms a value may take."""

from __future__ import annotations

from pathlib import Path

from tests.instance.writing import loaded


def test_an_amount_given_as_nothing_is_left_out(tmp_path: Path) -> None:
    """Null stands for no figure, in a mapping of metals as in one by metal: there the default holds."""
    one = loaded(
        tmp_path,
        devices="devices: {phone: {content: {Au: ~, Ag: 2}}}",
        smelters="smelters: {kosaka: {returned: {default: 90 %, Au: }}}",
    )
    assert one.devices.assay.value.tolist() == [[2, 0]] and one.metals.names == ("Ag", "Au")
    assert one.terms.returned.value.tolist() == [[0.9, 0.9]]
