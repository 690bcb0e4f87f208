"""Frames by number from video files: exact whatever the container, codec and order of asking."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vosengine.clip.conftest import Make, decoded_by_ffmpeg, ffmpeg
from vosengine.clip import Clip, open_clip
from vosengine.clip.video import _Cursor, _KeptFrames
from vosengine.errors import ClipError
from vosengine.types import Image

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p")
FILES = {
    "b_frames.mp4": (*H264, "-bf", "3", "-g", "12"),
    "b_frames.mkv": (*H264, "-bf", "3", "-g", "12"),
    "b_frames.ts": (*H264, "-bf", "3", "-g", "12"),
    "b_frames.flv": (*H264, "-bf", "3", "-g", "12"),
    "no_times.264": (*H264, "-bf", "2", "-g", "12"),
    "open_gop.mp4": (*H264, "-x264-params", "open-gop=1:keyint=10:bframes=3:scenecut=0"),
    "open_gop.mkv": ("-c:v", "libx265", "-x265-params", "open-gop=1:keyint=10:bframes=3:log-level=none"),
    "open_gop.mpg": ("-c:v", "mpeg2video", "-bf", "2", "-g", "9"),
    "intra_refresh.mp4": (*H264, "-x264-params", "intra-refresh=1:keyint=12"),
    "intra_refresh.ts": (*H264, "-x264-params", "intra-refresh=1:keyint=12"),
    "variable.mp4": (*H264, "-vf", "setpts=N*(N+3)/50/TB", "-fps_mode", "passthrough", "-g", "10"),
    "variable.mkv": (*H264, "-vf", "setpts=N*(N+3)/50/TB", "-fps_mode", "passthrough", "-g", "10"),
    "fragmented.mp4": (*H264, "-g", "12", "-movflags", "frag_keyframe+empty_moov"),
    "hidden_frames.webm": ("-c:v", "libvpx-vp9", "-g", "9", "-deadline", "realtime", "-cpu-used", "8"),
    "plain.avi": ("-c:v", "mpeg4", "-bf", "2", "-g", "9"),
    "bottom_up.avi": ("-c:v", "rawvideo", "-pix_fmt", "bgr24"),
    "palette.gif": (),
    "odd_size.mkv": ("-c:v", "ffv1", "-pix_fmt", "yuv420p", "-vf", "crop=63:47"),
    "ten_bit.mkv": ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none"),
}


@pytest.fixture(scope="module", params=list(FILES))
def path(request: pytest.FixtureRequest, make: Make) -> Path:
    frames = 24
    return make(request.param, *FILES[request.param], frames=frames)


def in_order(clip: Clip) -> list[Image]:
    return [clip.image(frame) for frame in clip.info.span]


def test_frames_are_those_ffmpeg_shows(path: Path) -> None:
    with open_clip(path) as clip:
        info = clip.info
        expected = decoded_by_ffmpeg(path, info.width, info.height)
        assert info.frame_count == len(expected) == 24
        assert info.damage == ""
        # Deeper sources: ffmpeg dithers and clips elsewhere; test_colour has their exact values.
        tolerance = 4 if info.bit_depth > 8 else 0
        np.testing.assert_allclose(np.stack(in_order(clip)), expected, atol=tolerance)


def test_any_order_gives_the_same_frames(path: Path) -> None:
    with open_clip(path) as clip:
        sequential = in_order(clip)
    order = [*range(23, -1, -1), *random.Random(3).choices(range(24), k=30)]
    with open_clip(path) as clip:
        for frame in order:
            np.testing.assert_array_equal(clip.image(frame), sequential[frame], err_msg=f"frame {frame}")


@pytest.fixture(scope="module", params=["open_gop.mp4", "open_gop.mpg", "intra_refresh.ts", "variable.mp4"])
def opened(request: pytest.FixtureRequest, make: Make) -> Iterator[tuple[Clip, list[Image]]]:
    clip_file = make(request.param, *FILES[request.param])
    with open_clip(clip_file) as reference, open_clip(clip_file) as clip:
        yield clip, in_order(reference)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists(st.integers(0, 39), max_size=10))
def test_random_access_equals_sequential_decoding(
    opened: tuple[Clip, list[Image]], frames: list[int]
) -> None:
    clip, sequential = opened
    for frame in frames:
        np.testing.assert_array_equal(clip.image(frame), sequential[frame])


def test_threads_share_a_clip(make: Make) -> None:
    path = make("shared.mp4", *FILES["b_frames.mp4"])
    with open_clip(path) as clip:
        sequential = in_order(clip)
    wrong: list[int] = []
    with open_clip(path) as clip:

        def read(seed: int) -> None:
            for frame in random.Random(seed).choices(range(40), k=15):
                if not np.array_equal(clip.image(frame), sequential[frame]):
                    wrong.append(frame)

        threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_part_cut_out_of_a_file_without_encoding_starts_where_its_edit_list_says(
    make: Make, tmp_path: Path
) -> None:
    whole = make("whole.mp4", *FILES["b_frames.mp4"])
    part = tmp_path / "part.mp4"
    ffmpeg("-ss", "0.6", "-i", whole, "-c", "copy", part)
    expected = decoded_by_ffmpeg(part, 64, 48)
    with open_clip(part) as clip:
        assert clip.info.timestamps[0] == 0
        assert clip.info.damage == ""
        backwards = [clip.image(frame) for frame in range(len(expected) - 1, -1, -1)]
        np.testing.assert_array_equal(np.stack(backwards[::-1]), expected)


@pytest.mark.parametrize("options", [("-display_rotation", "90"), ("-display_rotation", "180"),
                                     ("-display_rotation", "270"), ("-display_hflip",), ("-display_vflip",),
                                     ("-display_rotation", "90", "-display_hflip")])  # fmt: skip
def test_rotated_and_mirrored_files_are_shown_upright(
    make: Make, tmp_path: Path, options: tuple[str, ...]
) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg(
        *options,
        "-i",
        make("lying.mp4", "-c:v", "libx264", "-pix_fmt", "yuv444p", frames=3),
        "-c",
        "copy",
        turned,
    )
    with open_clip(turned) as clip:
        swapped = bool({"90", "270"} & set(options))
        assert (clip.info.width, clip.info.height) == ((48, 64) if swapped else (64, 48))
        np.testing.assert_array_equal(
            np.stack(in_order(clip)), decoded_by_ffmpeg(turned, *clip.image(0).shape[1::-1])
        )
        assert clip.image16(0).shape == clip.image(0).shape


def test_a_file_changed_while_open_is_not_mixed_with_its_old_self(make: Make) -> None:
    path = make("changing.mp4", *FILES["b_frames.mp4"])
    clip = open_clip(path)
    path.write_bytes(make("other.mp4", *H264, "-vf", "hflip").read_bytes())
    with pytest.raises(ClipError, match=r"changing\.mp4 .* open it again"):
        in_order(clip)


def test_frames_outside_the_clip_and_closed_clips_are_refused(make: Make) -> None:
    clip = open_clip(make("short.mp4", *H264, frames=3))
    with pytest.raises(ClipError, match=r"Frame 3 is outside short\.mp4; choose a frame from 0 to 2"):
        clip.image(3)
    with pytest.raises(ClipError, match="outside"):
        clip.alpha(-1)
    clip.close()
    clip.close()
    with pytest.raises(ClipError, match="closed"):
        clip.image(0)


def test_two_who_read_on_beside_each_other_do_not_seek_for_each_picture(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As exports do for temporal smoothing: they look some frames ahead, and write, then check."""
    sought: list[int] = []
    by_seeking = _Cursor._by_seeking
    monkeypatch.setattr(
        _Cursor, "_by_seeking", lambda cursor, frame: sought.append(frame) or by_seeking(cursor, frame)
    )
    monkeypatch.setattr("vosengine.clip.video._KEPT_BYTES", 3 * 64 * 48 * 3 // 2)
    with open_clip(make("ahead.mp4", *H264, "-g", "250", frames=80)) as clip:
        for _ in range(2):
            for frame in range(20, 70):
                clip.image(frame + 5)
                clip.image(frame)
    assert len(sought) < 12


def test_kept_pictures_stay_within_their_bytes(make: Make) -> None:
    with open_clip(make("kept.mp4", *H264, frames=12)) as clip:
        pictures = [clip._decoded(frame) for frame in clip.info.span]  # type: ignore[attr-defined]
    size = sum(plane.buffer_size for plane in pictures[0].planes)
    kept = _KeptFrames(3 * size)
    for frame, picture in enumerate(pictures):
        kept.put(frame, picture)
    assert [frame for frame in range(12) if kept.get(frame) is not None] == [9, 10, 11]
