"""Footage: frames by number with exact timestamps, from video files and image sequences, and proxies."""

from __future__ import annotations

from vosengine.clip.clip import Clip
from vosengine.clip.opening import open_clip
from vosengine.clip.proxy import Proxy

__all__ = ["Clip", "Proxy", "open_clip"]
