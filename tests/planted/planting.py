"""An error in the code, planted into a copy of the package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Planted:
    """In `file` of the package the text `old`, which stands there once, becomes `new`."""

    name: str
    file: str
    old: str
    new: str

    @property
    def room(self) -> str:
        """The part of the package that the error is in."""
        return self.file.partition("/")[0].removesuffix(".py")

    @property
    def module(self) -> str:
        """The module that the error is in."""
        return ".".join(("medalopt", *Path(self.file).with_suffix("").parts))


def copied(package: Path, folder: Path) -> Path:
    """Copy a package into `folder`, with what Python has compiled of it; return the copy."""
    return Path(shutil.copytree(package, folder / package.name))


@contextmanager
def planted(package: Path, error: Planted) -> Iterator[None]:
    """Plant `error` into `package`, and take it out again. Fails where its text is not there exactly once."""
    path = package / error.file
    assert path.is_file(), f"{error.name}: there is no {error.file} any more; plant it where its code is now"
    text = path.read_text(encoding="utf-8")
    found = text.count(error.old)
    assert found == 1, f"{error.name}: its text stands {found} times in {error.file}; plant it in the code as it is now"
    assert error.new != error.old, f"{error.name}: plants nothing"
    kept = path.rename(path.with_suffix(".kept"))
    try:
        path.write_text(text.replace(error.old, error.new), encoding="utf-8")
        yield
    finally:
        path.unlink()
        kept.rename(path)
