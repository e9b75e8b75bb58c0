"""I4: a write that was acknowledged survives every end of a process, of the database server, and of the power."""
