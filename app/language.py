"""The interface's language: the engine's, because its notes and errors stand in the window too."""

from vosengine.language import mark, tr, trn

__all__ = ["mark", "tr", "trn"]
