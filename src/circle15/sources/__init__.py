"""The only door to disk and web: every reader returns a table that keeps the contract."""
