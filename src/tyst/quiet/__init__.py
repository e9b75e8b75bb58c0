"""What keeps a running process quiet: libraries fenced, events counted, figures rounded, and the one unsafe switch."""
