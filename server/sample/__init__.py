"""Campaigns of invented families: a source list with its real-life defects, and what an officer would find.

Nobody in it exists. Everything follows from (seed, region, number of the family), so that any family can be made
again alone and a million of them need no more memory than one.
"""

from server.sample.campaign import Campaign, SampleError, SampleFiles, write_campaign

__all__ = ["Campaign", "SampleError", "SampleFiles", "write_campaign"]
