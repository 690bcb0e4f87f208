"""The clips that an engine keeps open: as many as it has used last, and all that jobs under way use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vosengine.clip import Clip, Proxy, open_clip

KEPT = 2  # decoders kept open at once, where no job needs more

Key = tuple[Path, int]


@dataclass
class OpenedClip:
    """A clip and its proxies at one working size."""

    clip: Clip
    proxy: Proxy


class OpenClips:
    """Clips by path and working size. An interactive job may come while another is under way: so what a job
    has been given stays open until `let_go`.
    """

    def __init__(self) -> None:
        self._clips: dict[Key, OpenedClip] = {}  # the one used last comes last
        self._held: dict[int, set[Key]] = {}

    def opened(self, job_id: int, path: Path, side: int, cache_folder: Path | None) -> OpenedClip:
        """A clip for a job. Raises ClipError."""
        key = (path, side)
        self._held.setdefault(job_id, set()).add(key)
        if key in self._clips:
            self._clips[key] = self._clips.pop(key)
        else:
            held = set().union(*self._held.values())
            idle = [known for known in self._clips if known not in held]
            for known in idle[: max(0, len(self._clips) + 1 - KEPT)]:
                self._clips.pop(known).clip.close()
            clip = open_clip(path)
            self._clips[key] = OpenedClip(clip, Proxy(clip, cache_folder, side))
        return self._clips[key]

    def let_go(self, job_id: int) -> None:
        """A job has ended: its clips may be closed."""
        self._held.pop(job_id, None)

    def forget(self, path: Path) -> None:
        """Close a clip at all sizes: its files may be others by now."""
        for key in [key for key in self._clips if key[0] == path]:
            self._clips.pop(key).clip.close()

    def close(self) -> None:
        """Close all."""
        for opened in self._clips.values():
            opened.clip.close()
        self._clips.clear()
