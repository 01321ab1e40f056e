"""Many runs that differ in a few options: their cells, the ledger of what is done, and their tables."""
