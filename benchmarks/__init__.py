"""What Padan costs, each figure beside a yardstick measured in the same run (docs/figures.md holds a full run).

Everything here drives the production code from outside; nothing in the packages may import it.
"""
