"""Rotoshot's engine: clips in, mattes out. No Qt anywhere."""

__version__ = "0.1.0"
