"""Reports: results of every verb as text, JSON, CSV, HTML, workbooks, PDF and charts."""
