"""The folder of backups: what lies where, how files are encrypted, what a manifest says, which sets are kept.

Files only: no SQL, no flow, no question to anybody. docs/operations.md, "Backups" says what it is for.
"""
