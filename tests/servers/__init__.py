"""Real servers for tests, each in a process of its own, each with a record of what it took.

The record is written before the server answers: it is the truth that outcomes are held
against.  Everything listens on loopback, on a port that the system chooses.
"""
