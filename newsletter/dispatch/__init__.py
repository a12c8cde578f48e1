"""From a decision to one copy for each person, once: freeze, claim, intend, submit, record."""
