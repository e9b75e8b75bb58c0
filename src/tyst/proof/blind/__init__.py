"""Blind: from dumps of everything that persists and of every room's memory, attackers try to tell whose is what."""
