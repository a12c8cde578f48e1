"""Decisions on record: versions, languages, approvals, times, pauses, cancellations."""
