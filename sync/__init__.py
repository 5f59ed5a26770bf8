"""The thinking: intake, the fold, policies, identity by NIK, review states, delivery rules. Pure: no I/O, no clock, no randomness."""
