"""When: cadences, slots, and the alarm clock."""
