"""Resolution of a parsed document to the arrays of an `Instance`: defaults, cascades, checks and canonical order."""
