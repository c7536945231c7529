"""The walking network: hides arrays and search."""
