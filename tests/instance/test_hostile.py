"""Whatever is handed in, the answer is an instance or InputError with messages a terminal can show."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.instance import hostile

from medalopt.errors import InputError
from medalopt.instance import load


def test_the_good_file_that_they_spoil_is_good(tmp_path: Path) -> None:
    """The file from which the hostile ones are made loads without a warning, so that each fault is the planted one."""
    assert load(hostile.text(hostile.GOOD)(tmp_path)).warnings == ()
    assert load(hostile.table(hostile.STREAMS)(tmp_path)).streams.names == ("laptop@osaka", "phone@tokyo")


@pytest.mark.parametrize("name", hostile.CASES)
def test_hostile_input_is_refused_in_plain_words(name: str, tmp_path: Path) -> None:
    """Each case ends in InputError, each fault one printable line that names the file and says something."""
    path = hostile.CASES[name](tmp_path)
    with pytest.raises(InputError) as caught:
        load(path)
    assert caught.value.faults
    for fault in caught.value.faults:
        assert str(fault).isprintable()
        assert fault.file and len(fault.message) > 10
        assert len(str(fault)) < 1_000 or len(fault.file) > 200
        assert "\n" not in str(fault)


def test_there_are_enough_of_them() -> None:
    """The corpus holds at least two hundred cases, no two groups of which share a name."""
    groups = (hostile.FILES, hostile.YAML, hostile.FIGURES, hostile.NAMES, hostile.TABLES)
    assert len(hostile.CASES) == sum(len(group) for group in groups) >= 200


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ("loading.MAX_INSTANCE_BYTES", "is larger than 0 MiB"),
        ("loading.MAX_TABLE_BYTES", "`case.csv` is larger than 0 MiB"),
        ("reader.limits.MAX_YAML_VALUES", "the file is more than 10 values long"),
        ("reader.limits.MAX_CELLS", "has more than 10 cells"),
    ],
)
def test_sizes_are_bounded(limit: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs above the size limits are rejected before they use memory; the limits are lowered here."""
    monkeypatch.setattr(f"medalopt.instance.{limit}", 10)
    with pytest.raises(InputError) as caught:
        load(hostile.table(hostile.STREAMS * 2)(tmp_path))
    assert any(says in fault.message for fault in caught.value.faults)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"periods": "periods: {count: 11}"}, "1 streams times 11 periods"),
        ({"treatments": "treatments: {a: {}, b: {}, c: {}}"}, "2 devices times 3 treatments times 2 metals"),
        ({"medals": "medals: {m: {count: 1, parts: {silver: 1}}}", "alloys": "alloys: {silver: {composition: {Ag: 1}}, "
          + ", ".join(f"a{n}: {{composition: {{Ag: 1}}}}" for n in range(10)) + "}"}, "1 medals times 11 alloys"),
    ],
)  # fmt: skip
def test_arrays_are_bounded(parts: dict[str, str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of counts, each of which is small, is refused before an array of that size is made."""
    from tests.instance.writing import faults, loaded

    loaded(tmp_path, **parts)
    monkeypatch.setattr("medalopt.instance.reader.limits.MAX_FIGURES", 10)
    assert any(message.startswith(f"{says} are more than the 10 values") for *_, message in faults(tmp_path, **parts))


def test_a_list_of_ever_other_keys_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries whose keys all differ would take a column each: such a list ends in one fault more."""
    from tests.instance.writing import faults

    monkeypatch.setattr("medalopt.instance.reader.limits.MAX_FIGURES", 100)
    rows = "".join(f"\n- {{device: phone, region: r{n}, available: 1, x{n}: 1}}" for n in range(50))
    found = [message for *_, message in faults(tmp_path, streams=f"streams:{rows}")]
    assert "12 different keys in 9 entries are more than any list has: look for unknown keys" in found
