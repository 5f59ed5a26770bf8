"""What the enumerator holds: the sheets, their compiler, the Python field client. Uses `schemas` only."""
