"""The interface's language: the engine's, because its notes and errors stand in the window too."""

from vosengine.language import language, mark, tr, trn

__all__ = ["language", "mark", "tr", "trn"]
