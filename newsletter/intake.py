"""What staff drop into the folder becomes a bulletin and, if nothing blocks, an issue."""
