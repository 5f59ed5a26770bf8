"""Who may do what: device tokens, staff, scopes."""
