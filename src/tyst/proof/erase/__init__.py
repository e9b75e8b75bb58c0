"""The parts of the erasure check: a customer of whom everybody holds something, and the look for what is left."""
