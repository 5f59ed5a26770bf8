"""The store: the only place where SQL is written."""
