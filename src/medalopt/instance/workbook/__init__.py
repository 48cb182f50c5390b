"""An instance as an Excel workbook: sheets and headings for every field of the format."""
