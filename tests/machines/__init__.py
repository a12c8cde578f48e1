"""Several machines on one PostgreSQL: network namespaces of the test's own, real processes."""
