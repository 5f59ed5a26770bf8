"""What can go wrong with a backup, in words for the operator: what, where, what to do. Nothing was lost by it."""

from __future__ import annotations


class BackupProblem(Exception):
    """It could not be done. What was there before is as it was."""


class SetDamaged(BackupProblem):
    """A set is not what was written: missing, cut short, changed, or another's."""


class WrongPassphrase(BackupProblem):
    """The passphrase does not open the key file."""
