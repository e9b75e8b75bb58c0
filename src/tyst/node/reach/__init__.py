"""The node's end of the ways in where UDP is blocked: two confined relays, kept running and kept fresh."""
