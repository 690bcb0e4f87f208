"""Guides: what tells a method where the object went, besides the network."""
