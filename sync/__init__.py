"""The thinking: intake, fold, policies, identity by NIK, review states, delivery rules. No I/O, clock or randomness."""
