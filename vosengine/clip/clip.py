"""What every clip offers: frames by number, whatever the footage is stored in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from vosengine.errors import ClipError
from vosengine.language import tr
from vosengine.types import ClipInfo, Image, Matte


class Clip(ABC):
    """Opened footage: frames by number, from any position, the same as when read in order.

    Any thread may call; calls wait for one another. Arrays are the caller's own. All reading methods raise
    ClipError for a frame outside the clip, a closed clip, or footage that changed or vanished since opening.
    """

    def __init__(self, info: ClipInfo) -> None:
        self.info = info

    @abstractmethod
    def image(self, frame: int) -> Image:
        """The frame as displayed: uint8 RGB (height, width, 3), rotation, matrix and range applied.

        Linear light (EXR, float TIFF) is clipped to [0, 1] and shown through the sRGB curve; PQ, HLG and log
        footage is shown as it is stored.
        """

    @abstractmethod
    def image16(self, frame: int) -> NDArray[np.uint16]:
        """As `image`, at the source's precision: uint16 RGB (height, width, 3), 65535 = white."""

    @abstractmethod
    def alpha(self, frame: int) -> Matte | None:
        """The footage's own alpha, uint16 (height, width), 65535 = opaque; None when it has none."""

    @abstractmethod
    def close(self) -> None:
        """Let go of files and memory; closing twice does nothing."""

    def _require(self, frame: int) -> None:
        if not 0 <= frame < self.info.frame_count:
            last = self.info.frame_count - 1
            raise ClipError(
                tr("Frame {frame} is outside {name}; choose a frame from 0 to {last}.").format(
                    frame=frame, name=self.info.path.name, last=last
                )
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
