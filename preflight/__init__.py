"""Judges whether a GPU host is what was promised and holds under load."""

__version__ = "0.1.0"
