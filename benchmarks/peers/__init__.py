"""One file per peer; each runs in an environment of its own and prints JSON."""
