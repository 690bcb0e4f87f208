"""How editors key edge controls: a value holds for the whole shot until a first key is set. No Qt.

Controls that hold for the whole shot are kept as one key before the first frame, so that they are told from
a single key that a person set: from that one on, a change on another frame sets a key there.
"""

from __future__ import annotations

from dataclasses import replace

from vosengine.edge_controls import NEUTRAL, WHOLE_SHOT, EdgeControls, EdgeTrack


def key_frames(track: EdgeTrack) -> list[int]:
    """The frames on which a person set a key, in order."""
    return sorted(frame for frame in track.keys if frame > WHOLE_SHOT)


def changed(track: EdgeTrack, frame: int, controls: EdgeControls) -> EdgeTrack:
    """The controls of `frame` changed to these: by a key there, or for the whole shot where no key is set."""
    return track.with_key(frame, controls) if key_frames(track) else _whole_shot(track, controls)


def toggled(track: EdgeTrack, frame: int) -> EdgeTrack:
    """A key set on `frame`, where the values stay as they are; or removed.

    With the last key gone its values hold for the whole shot.
    """
    frames, controls = key_frames(track), track.at(frame)
    if not frames:
        return replace(track, keys={frame: controls})
    if frame not in frames:
        return track.with_key(frame, controls)
    return track.with_key(frame, None) if len(frames) > 1 else _whole_shot(track, controls)


def previous_key(track: EdgeTrack, frame: int) -> int | None:
    """The last key before a frame."""
    return max((key for key in key_frames(track) if key < frame), default=None)


def next_key(track: EdgeTrack, frame: int) -> int | None:
    """The first key after a frame."""
    return min((key for key in key_frames(track) if key > frame), default=None)


def _whole_shot(track: EdgeTrack, controls: EdgeControls) -> EdgeTrack:
    return replace(track, keys={} if controls == NEUTRAL else {WHOLE_SHOT: controls})
