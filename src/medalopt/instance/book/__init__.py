"""An instance as a workbook: which sheet and which heading each figure of the format has."""
