"""`padan setup`: the files that an installation on a Debian machine needs, filled in for it."""
