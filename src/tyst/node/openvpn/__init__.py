"""OpenVPN on a node: confined server processes, their management sockets, and the door that decides who comes in."""
