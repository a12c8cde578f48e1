"""The main job on sample data, to the end, with nothing leaving the machine."""
