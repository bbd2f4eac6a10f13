"""The HTTP API of AAS Part 2."""
