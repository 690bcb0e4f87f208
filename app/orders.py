"""What a run is asked to do: one value, made when the user asks, carried out when its turn comes. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from app.document import Document
from app.language import mark, tr, trn
from app.presets import preset_label
from vosengine.config import Config
from vosengine.types import Direction, Span


class Way(Enum):
    """The kinds of run."""

    RUN = "run"  # learn, then bring the frames between in and out up to date
    SPAN = "span"  # every frame between in and out, with what was learned last
    FORWARD = "forward"  # from a frame to the out point, with what was learned last
    BACKWARD = "backward"  # from a frame to the in point, with what was learned last
    FRAME = "frame"  # one frame alone, with what was learned last
    LEARN = "learn"  # learn, and leave the masks as they are


@dataclass(frozen=True)
class Order:
    """`way`, the frames it is about and the settings, as they were when it was given."""

    way: Way
    span: Span
    config: Config

    @property
    def direction(self) -> Direction:
        """Which way masks propagate."""
        ways = {Way.FORWARD: Direction.FORWARD, Way.BACKWARD: Direction.BACKWARD}
        return ways.get(self.way, Direction.BOTH)

    @property
    def learns(self) -> bool:
        """Whether it always learns; the others only what has not been learned yet."""
        return self.way in (Way.RUN, Way.LEARN)

    @property
    def undo_name(self) -> str:
        """Of the undo step that its masks make."""
        return {Way.RUN: mark("Run"), Way.FRAME: mark("Redo frame")}.get(self.way, mark("Propagate"))


def order_for(document: Document, way: Way) -> Order:
    """The order as the user gives it now: from the current frame, between in and out."""
    span, frame = document.span, document.frame
    if way is Way.FORWARD:
        span = Span(min(frame, span.stop), span.stop)
    elif way is Way.BACKWARD:
        span = Span(span.start, max(frame + 1, span.start))
    elif way is Way.FRAME:
        span = Span(frame, frame + 1)
    return Order(way, span, document.config)


def title_of(order: Order, first_number: int) -> str:
    """What it does, in brief; frames in the source's own numbers."""
    first, last = order.span.start + first_number, order.span.stop - 1 + first_number
    titles = {
        Way.RUN: tr("Run {first}–{last}"),
        Way.SPAN: tr("Redo {first}–{last}"),
        Way.FORWARD: tr("Forward {first}–{last}"),
        Way.BACKWARD: tr("Backward {last}–{first}"),
        Way.FRAME: tr("Redo frame {first}"),
        Way.LEARN: tr("Learn"),
    }
    return titles[order.way].format(first=first, last=last)


def detail_of(order: Order, document: Document) -> str:
    """The objects and the preset."""
    names = [each.name for each in document.objects if document.annotated_frames(each.object_id)]
    many = trn("{count} object", "{count} objects", len(names)).format(count=len(names))
    objects = names[0] if len(names) == 1 else many
    return f"{objects}  ·  {preset_label(order.config)}"
