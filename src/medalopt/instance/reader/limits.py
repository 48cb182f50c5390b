"""Size limits of all input, as documented in `docs/format.md`; up to them, reading takes linear time."""

from __future__ import annotations

MIB = 2**20

MAX_INSTANCE_BYTES = 32 * MIB  # an instance, or a YAML file beside it
MAX_LIST_BYTES = 128 * MIB  # a table named on the command line: scenarios, settlements
MAX_TABLE_BYTES = 512 * MIB  # a CSV table beside an instance
MAX_WORKBOOK_BYTES = 64 * MIB  # a workbook, packed
MAX_UNPACKED_BYTES = 512 * MIB  # all parts of a workbook in XML together, unpacked
MAX_PLAN_BYTES = 1024 * MIB  # a saved plan
MAX_PLAN_VALUES = 40_000_000  # members, cells, lists and mappings of a saved plan in JSON
MAX_PLAN_FILES = 1_000  # tables in the folder of a saved plan
MAX_JOURNAL_BYTES = 1024 * MIB  # the journal of a sweep
MAX_JOURNAL_LINE_BYTES = 65_536  # of one line of it

MAX_YAML_VALUES = 1_000_000  # keys, values, lists and mappings of one YAML file
MAX_DEPTH = 32  # levels of mappings and lists, in YAML and in JSON

MAX_FIGURES = 10_000_000  # of one array of an instance, such as streams times periods
MAX_CELLS = 20_000_000  # of one table or sheet
MAX_COLUMNS = 16_384  # of one table or sheet: as many as a sheet of Excel has
MAX_CELL_CHARACTERS = 131_072  # of one cell
MAX_WORKBOOK_PARTS = 20_000
MAX_WORKBOOK_ELEMENTS = 20_000_000  # of XML, in the parts of a workbook that are read
MAX_WORKBOOK_CELLS = 5_000_000  # of all sheets, up to the last one of each row
MAX_INSTANCE_CELLS = 2_000_000  # likewise, of a workbook that is imported
MAX_WORKBOOK_CHARACTERS = 64 * MIB  # text of all cells of a workbook, counted in each cell that has it
MAX_XML_DEPTH = 100  # levels of elements
MAX_XML_TAG_BYTES = 4 * MIB  # of one tag or comment
