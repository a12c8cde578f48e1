"""A decision, on record: drafts, approvals, times, pauses."""
