"""Two worlds: the same hours twice, once with Alice and once with Bob, and what is persisted compared byte by byte."""
