"""Tests of docs/tensions.md that had no other place. Each file begins with the number of its tension."""
