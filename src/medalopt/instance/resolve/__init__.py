"""From what was read to the arrays of an `Instance`: defaults, cascades, cross checks and canonical order."""
