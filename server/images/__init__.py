"""Photos decoded and written anew, in a process of its own that may do little else."""
