"""Flows: one use of the system in one transaction; none sees an HTTP request."""
