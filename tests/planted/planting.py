"""An error in the code, planted into a copy of the package."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from campaigns.definitions import FragmentError, replace_fragment


@dataclass(frozen=True)
class Planted:
    """In `file` of the package the code `old`, which occurs once in the definition `within`, becomes `new`."""

    name: str
    file: str
    within: str  # the qualified name of a function, a class or an assigned name, such as `Form.sign`
    old: str  # as `ast.unparse` writes it
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
    """Copy a package with its compiled files into `folder`; return the copy."""
    return Path(shutil.copytree(package, folder / package.name))


def plant(package: Path, error: Planted) -> str:
    """Return the code of the file with `error` in it. Fails where the error has no place in the file any more."""
    path = package / error.file
    assert path.is_file(), f"{error.file}: {error.name}: there is no such file any more; plant it where its code is now"
    try:
        return replace_fragment(path.read_text(encoding="utf-8"), error.within, error.old, error.new)
    except FragmentError as reason:
        raise AssertionError(f"{error.file}: {error.name}: {reason}") from None


@contextmanager
def planted(package: Path, error: Planted) -> Iterator[None]:
    """Plant `error` into `package`, and take it out again. Fails where it has no place there."""
    code = plant(package, error)
    path = package / error.file
    kept = path.rename(path.with_suffix(".kept"))
    try:
        path.write_text(code, encoding="utf-8")
        yield
    finally:
        path.unlink()
        kept.rename(path)
