"""The commands of `padan`, one module a subject; each defines `command`, which server/cli.py includes."""
