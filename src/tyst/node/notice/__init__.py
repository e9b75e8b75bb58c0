"""The notice page inside the tunnel: says why a tunnel reaches nothing, and what to do."""
