"""Files that are changed at random, guided by what the readers do with them: `make fuzz`."""
