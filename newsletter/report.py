"""It adds up: what became of everyone in an issue's audience."""
