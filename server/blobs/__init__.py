"""Where the bytes of photos lie: one interface, and a folder behind it. Knows no database, no caller, no image."""
