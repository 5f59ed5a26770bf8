"""`make demo`: the whole way on a sample campaign, and a check of its files that imports nothing of Padan."""
