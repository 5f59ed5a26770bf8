"""The reference registry: a small registry of its own to run and to test against (`padan registry`).

It shares with Padan the signature, the digests and nothing else: own Flask app, own SQLite file, own SQL. No other
package of Padan imports it but the command that starts it.
"""
