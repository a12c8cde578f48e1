"""Who takes mail from us: one file for each vendor."""
