"""The canon and its verses, and references found in prose.  Pure."""
