"""What is done to the dispatcher on purpose, a file for each row of docs/reliability.md.

The oracle is always the record of whoever receives the mail, written before it answers.  How
much is tried, and from which seed, is said in `sizes`; `make faults` runs all of it.
"""
