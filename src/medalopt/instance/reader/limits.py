"""Size limits of all input, as documented in `docs/reference/format.md`; up to them, reading takes linear time."""

from __future__ import annotations

MIB = 2**20

MAX_INSTANCE_BYTES = 96 * MIB  # instance file, or a YAML file with it
MAX_LIST_BYTES = 128 * MIB  # table named on the command line: scenarios, settlements
MAX_TABLE_BYTES = 512 * MIB  # CSV table of an instance
MAX_WORKBOOK_BYTES = 64 * MIB  # workbook, compressed
MAX_UNPACKED_BYTES = 512 * MIB  # all XML parts of a workbook, uncompressed
MAX_PLAN_BYTES = 1024 * MIB  # saved plan
MAX_PLAN_VALUES = 40_000_000  # members, cells, lists and mappings of a saved JSON plan
MAX_PLAN_FILES = 1_000  # tables of a plan saved as a folder
MAX_JOURNAL_BYTES = 1024 * MIB  # result cache of a sweep
MAX_JOURNAL_LINE_BYTES = 65_536  # one line of the result cache

MAX_YAML_VALUES = 8_000_000  # keys, values, lists and mappings of one YAML file
MAX_DEPTH = 32  # levels of mappings and lists, in YAML and in JSON

MAX_FIGURES = 10_000_000  # one array of an instance, such as streams times periods
MAX_CELLS = 20_000_000  # one table or sheet
MAX_COLUMNS = 16_384  # one table or sheet, as in Excel
MAX_CELL_CHARACTERS = 131_072  # one cell
MAX_WORKBOOK_PARTS = 20_000
MAX_WORKBOOK_ELEMENTS = 20_000_000  # XML elements in the parts of a workbook that are read
MAX_WORKBOOK_CELLS = 5_000_000  # all sheets, up to the last cell of each row
MAX_INSTANCE_CELLS = 2_000_000  # the same, for a workbook that is imported
MAX_WORKBOOK_CHARACTERS = 64 * MIB  # text of all cells of a workbook, shared strings counted per cell
MAX_XML_DEPTH = 100  # levels of elements
MAX_XML_TAG_BYTES = 4 * MIB  # one tag or comment
