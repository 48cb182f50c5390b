"""Write the golden files again: `python -m tests.golden --write`."""

from __future__ import annotations

import sys

from tests.golden.reports import FOLDER, write_golden_files

if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(
            "python -m tests.golden --write: write the golden files of all reports anew; git diff shows what changed"
        )
    write_golden_files()
    print(f"written: {FOLDER}")
