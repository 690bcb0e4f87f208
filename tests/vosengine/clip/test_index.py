"""What opening tells of a file: counts, exact times, tags, damage, refusals."""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.vosengine.clip.conftest import Make, decoded_by_ffmpeg, ffmpeg
from vosengine.clip import open_clip
from vosengine.errors import ClipError
from vosengine.types import ClipInfo, ColourTags

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "10")


def info_of(path: Path) -> ClipInfo:
    with open_clip(path) as clip:
        return clip.info


@pytest.mark.parametrize("name", ["variable.mp4", "variable.mkv"])
def test_variable_rate_timestamps_are_exact(make: Make, name: str) -> None:
    # Frame n is shown at n (n + 3) / 50 s: 0, 80, 200, 360 ms, ...
    info = info_of(make(name, *H264, "-vf", "setpts=N*(N+3)/50/TB", "-fps_mode", "passthrough", frames=12))
    assert info.timestamps == tuple(Fraction(n * (n + 3), 50) for n in range(12))
    assert info.rate == Fraction(11) / Fraction(11 * 14, 50)


def test_ntsc_rate_stays_a_rational(make: Make) -> None:
    info = info_of(make("ntsc.mp4", *H264, "-r", "30000/1001", frames=20))
    assert info.rate == Fraction(30000, 1001)
    assert info.timestamps == tuple(n * Fraction(1001, 30000) for n in range(20))


def test_a_file_without_times_counts_at_its_rate(make: Make) -> None:
    info = info_of(make("raw.264", *H264, frames=6))
    assert info.timestamps == tuple(Fraction(n, 25) for n in range(6))


def test_late_first_frame_is_time_zero(make: Make, tmp_path: Path) -> None:
    late = tmp_path / "late.mkv"
    ffmpeg("-itsoffset", "7", "-i", make("early.mkv", *H264, frames=6), "-c", "copy", late)
    assert info_of(late).timestamps == tuple(Fraction(n, 25) for n in range(6))


def test_timecode_and_tags_are_read(make: Make) -> None:
    tags = ("-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=pc")
    info = info_of(make("tagged.mov", *H264, *tags, "-timecode", "01:00:00:05", frames=3))
    assert info.timecode == "01:00:00:05"
    assert info.colour == ColourTags("bt709", "bt709", "bt709", full_range=True)
    assert (info.first_number, info.is_sequence, info.has_alpha, info.bit_depth) == (0, False, False, 8)


def test_untagged_files_say_unknown(make: Make) -> None:
    assert info_of(make("untagged.mkv", *H264, frames=2)).colour == ColourTags()


def test_non_ascii_path(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "Füße – 影片" / "a:b%03d ünï.mp4"
    path.parent.mkdir()
    shutil.copy(make("plain.mp4", *H264, frames=3), path)
    assert info_of(path).frame_count == 3


def test_fingerprint_follows_the_content(make: Make, tmp_path: Path) -> None:
    path = make("finger.mp4", *H264, frames=3)
    copied = Path(shutil.copy2(path, tmp_path / "copied.mp4"))
    first = info_of(path).fingerprint
    assert info_of(copied).fingerprint == first
    shutil.copy(make("finger.mp4", *H264, "-vf", "hflip", frames=3), path)
    assert info_of(path).fingerprint != first


def test_progress_is_told_and_may_cancel(make: Make) -> None:
    path = make("progress.mp4", *H264, frames=10)
    told: list[tuple[int, int]] = []
    open_clip(path, lambda done, total: told.append((done, total))).close()
    assert told == [(n, 10) for n in range(1, 11)]

    def cancel(done: int, total: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        open_clip(path, cancel)


# --- damage -------------------------------------------------------------------------------------------------


def cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


TRUNCATED = {
    "cut.mp4": (*H264, "-movflags", "+faststart"),
    "cut.mov": ("-c:v", "prores_ks", "-movflags", "+faststart"),
    "cut.mkv": H264,
    "cut.ts": H264,
    "cut.avi": ("-c:v", "mpeg4"),
}


@pytest.mark.parametrize("name", list(TRUNCATED))
def test_a_truncated_file_opens_up_to_the_damage(make: Make, name: str) -> None:
    path = make(name, *TRUNCATED[name])
    with open_clip(path) as whole:
        assert whole.info.damage == ""
        expected = [whole.image(frame) for frame in whole.info.span]
    with open_clip(cut(path, 0.6)) as clip:
        info = clip.info
        assert 10 <= info.frame_count < 35
        last = info.frame_count - 1
        assert f"{name} is " in info.damage
        assert f"after frame {last} ({float(info.timestamps[last]):.2f} s)" in info.damage
        for frame in (last, *info.span):
            np.testing.assert_array_equal(clip.image(frame), expected[frame])


def test_a_file_damaged_in_the_middle_opens_up_to_the_damage(make: Make) -> None:
    path = make("scratched.mp4", *H264, "-movflags", "+faststart")
    expected = decoded_by_ffmpeg(path, 64, 48)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 1500] = bytes(1500)
    path.write_bytes(content)
    with open_clip(path) as clip:
        assert 5 <= clip.info.frame_count < 40
        assert f"is damaged after frame {clip.info.frame_count - 1}" in clip.info.damage
        for frame in clip.info.span:
            np.testing.assert_array_equal(clip.image(frame), expected[frame])


def test_a_change_of_size_ends_the_clip(make: Make, tmp_path: Path) -> None:
    small = make("small.264", *H264, frames=10)
    large = make("large.264", *H264, frames=10, size="96x64")
    joined = tmp_path / "joined.264"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    info = info_of(joined)
    assert (info.frame_count, info.width, info.height) == (10, 64, 48)
    assert "changes its picture size after frame 9" in info.damage


# --- refusals -----------------------------------------------------------------------------------------------


def test_what_is_not_footage_is_refused_with_a_remedy(make: Make, tmp_path: Path) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    text = tmp_path / "notes.mp4"
    text.write_text("not a clip\n" * 50)
    sound = tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=0.2", sound)
    headless = cut(make("headless.mp4", *H264, frames=5), 0.5)
    for path, sentence in {
        tmp_path / "absent.mp4": "does not exist; check the name",
        empty: "empty.mp4 is empty; copy or export it again",
        text: "cannot be opened as footage .* export it again",
        sound: "holds no pictures .* choose the file with the footage",
        headless: "cannot be opened as footage .* export it again",
    }.items():
        with pytest.raises(ClipError, match=sentence):
            open_clip(path)


def test_cover_art_is_not_footage(tmp_path: Path) -> None:
    song = tmp_path / "song.m4a"
    ffmpeg(
        *("-f", "lavfi", "-i", "sine=duration=0.2", "-f", "lavfi", "-i", "color=red:size=16x16"),
        *("-frames:v", "1", "-c:v", "png", "-disposition:v", "attached_pic", song),
    )
    with pytest.raises(ClipError, match="holds no pictures"):
        open_clip(song)
