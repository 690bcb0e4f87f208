"""The proxy cache: sizes, what survives, what is made again."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.vosengine.clip.conftest import Make, write_still
from vosengine.clip import Clip, Proxy, open_clip
from vosengine.errors import ClipError

H264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "10")


@pytest.fixture
def clip(make: Make) -> Clip:
    return open_clip(make("proxied.mp4", *H264, "-vf", "boxblur=4", frames=8, size="128x72"))


class Counting(Clip):
    """Counts what is decoded."""

    def __init__(self, clip: Clip) -> None:
        super().__init__(clip.info)
        self.clip = clip
        self.decoded: list[int] = []

    def image(self, frame: int) -> np.ndarray:  # type: ignore[type-arg]
        self.decoded.append(frame)
        return self.clip.image(frame)

    image16 = alpha = close = None  # type: ignore[assignment]


def stored(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.jpg"))


@pytest.mark.parametrize(
    ("side", "size"), [(64, (64, 36)), (128, (128, 72)), (854, (128, 72)), (50, (50, 28))]
)
def test_size_keeps_the_shape_and_never_grows(
    clip: Clip, tmp_path: Path, side: int, size: tuple[int, int]
) -> None:
    proxy = Proxy(clip, tmp_path, side)
    assert (proxy.width, proxy.height) == size
    assert proxy.image(0).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("size", [(64, 36), (24, 14)])  # decoded whole, and at a quarter
def test_small_pictures_come_from_the_disk_alone(clip: Clip, tmp_path: Path, size: tuple[int, int]) -> None:
    counting = Counting(clip)
    proxy = Proxy(counting, tmp_path)
    assert proxy.small(3, *size) is None
    whole = proxy.image(3)
    small = proxy.small(3, *size)
    assert small is not None
    assert np.abs(small.astype(int) - cv2.resize(whole, size, interpolation=cv2.INTER_AREA)).mean() < 4
    assert counting.decoded == [3]


def test_pictures_are_the_clips_averaged_down(clip: Clip, tmp_path: Path) -> None:
    proxy = Proxy(clip, tmp_path, 64)
    for frame in (5, 1):
        averaged = clip.image(frame).reshape(36, 2, 64, 2, 3).mean(axis=(1, 3))
        error = np.abs(proxy.image(frame) - averaged)
        assert error.mean() < 2
        assert error.max() < 16


def test_fill_makes_what_is_missing_in_order_and_may_stop(clip: Clip, tmp_path: Path) -> None:
    proxy = Proxy(clip, tmp_path)
    proxy.image(3)
    work = proxy.fill()
    assert [next(work), next(work)] == [0, 1]
    work.close()
    assert [proxy.has(frame) for frame in range(5)] == [True, True, False, True, False]
    assert list(proxy.fill()) == [2, 4, 5, 6, 7]
    assert list(proxy.fill()) == []


def test_proxies_survive_a_restart(clip: Clip, tmp_path: Path) -> None:
    first = Proxy(clip, tmp_path)
    list(first.fill())
    shown = [first.image(frame) for frame in clip.info.span]
    counting = Counting(clip)
    again = Proxy(counting, tmp_path)
    for frame in clip.info.span:
        np.testing.assert_array_equal(again.image(frame), shown[frame])
    assert counting.decoded == []
    assert len(stored(tmp_path)) == 8


def test_a_frame_looks_the_same_from_clip_disk_and_memory(clip: Clip, tmp_path: Path) -> None:
    proxy = Proxy(clip, tmp_path)
    made = proxy.image(2)
    remembered = proxy.image(2)
    np.testing.assert_array_equal(made, remembered)
    np.testing.assert_array_equal(made, Proxy(clip, tmp_path).image(2))
    remembered[:] = 0  # the caller's own
    np.testing.assert_array_equal(made, proxy.image(2))


@pytest.mark.parametrize("spoil", [lambda b: b"", lambda b: b[:-30], lambda b: b[:200] + b"\0\0" + b[202:]])
def test_damaged_files_are_made_again(clip: Clip, tmp_path: Path, spoil: object) -> None:
    list(Proxy(clip, tmp_path).fill())
    file = stored(tmp_path)[4]
    sound = file.read_bytes()
    file.write_bytes(spoil(sound))  # type: ignore[operator]
    counting = Counting(clip)
    Proxy(counting, tmp_path).image(4)
    assert counting.decoded == [4]
    assert file.read_bytes() == sound


def test_a_changed_source_gets_new_proxies_and_loses_the_old(tmp_path: Path) -> None:
    picture, cache = tmp_path / "a.png", tmp_path / "cache"
    other = write_still(tmp_path / "b.png", np.full((20, 30, 3), 90, np.uint8), "uint8")
    Proxy(open_clip(other), cache).image(0)
    for level in (10, 200):
        write_still(picture, np.full((20, 30, 3), level, np.uint8), "uint8")
        assert Proxy(open_clip(picture), cache).image(0).mean() == pytest.approx(level, abs=1)
    assert len(stored(cache)) == 2


def test_sizes_live_side_by_side(clip: Clip, tmp_path: Path) -> None:
    Proxy(clip, tmp_path, 64).image(0)
    Proxy(clip, tmp_path, 32).image(0)
    assert Proxy(clip, tmp_path, 64).has(0)
    assert len(stored(tmp_path)) == 2


def test_files_are_plain_jpeg_with_full_chroma(clip: Clip, tmp_path: Path) -> None:
    Proxy(clip, tmp_path / "Füße").image(0)
    content = np.fromfile(stored(tmp_path / "Füße")[0], np.uint8)
    assert cv2.imdecode(content, cv2.IMREAD_COLOR).shape == (72, 128, 3)
    header = content.tobytes()
    frame_header = header.index(b"\xff\xc0")  # ITU-T T.81 B.2.2: sampling of the first component
    assert header[frame_header + 11] == 0x11


def test_the_users_cache_folder_is_the_default(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "user")
    Proxy(clip).image(0)
    assert len(stored(tmp_path / "user" / "proxies")) == 1


def test_a_cache_that_cannot_be_written(clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ClipError, match="cannot be written"):
        Proxy(clip, tmp_path / "file")
    proxy = Proxy(clip, tmp_path / "cache")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert proxy.image(0).shape == (72, 128, 3)
    with pytest.raises(ClipError, match=r"No space left on device.*free space"):
        next(proxy.fill())


def test_threads_share_a_proxy_while_it_fills(clip: Clip, tmp_path: Path) -> None:
    reference = Proxy(clip, tmp_path / "a")
    expected = [reference.image(frame) for frame in clip.info.span]
    proxy = Proxy(clip, tmp_path / "b")
    wrong: list[int] = []

    def read() -> None:
        for frame in (7, 0, 5, 2, 6):
            if not np.array_equal(proxy.image(frame), expected[frame]):
                wrong.append(frame)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    list(proxy.fill())
    for thread in threads:
        thread.join()
    assert wrong == []
    assert list(tmp_path.glob("b/*/*.part")) == []
