"""What an order would make the engine do now: the steps to learn, the frames to visit. No Qt."""

from __future__ import annotations

from collections.abc import Collection

from app.costs import Work
from app.document import Document
from app.orders import Order, Way
from vosengine.config import Config
from vosengine.lessons import config_text, warm_steps
from vosengine.sweeps import plan, steps_of


def work_of(order: Order, document: Document, wanted: Collection[int] | None) -> Work:
    """The work of an order; `wanted`: the frames to predict, None for all that it names.

    What is to be learned is told from which frames were drawn since; the engine, which looks at the masks
    themselves, may find that a redrawn one is the same.
    """
    marked = {each.object_id: document.annotated_frames(each.object_id) for each in document.objects}
    marked = {own: frames for own, frames in marked.items() if frames}
    learns = 0
    if order.learns:
        learns = sum(steps_to_learn(document, own, order.config) for own in marked)
        if any(starts_afresh(document, own, order.config) for own in marked):
            wanted = None  # the model that made what is there will be no more
    if order.way is Way.LEARN:
        return Work(learns, 0, 0)
    groups = plan(marked, order.span, order.direction, None if wanted is None else frozenset(wanted))
    return Work(learns, steps_of(groups), sum(len(sweep.frames) for group in groups for sweep in group))


def steps_to_learn(document: Document, object_id: int, config: Config) -> int:
    """Optimizer steps that one object's model needs to know all its annotations."""
    lesson, now = document.runs.lesson(object_id), document.annotated_frames(object_id)
    if lesson is None or starts_afresh(document, object_id, config):
        return config.steps
    drawn_since = document.runs.drawn_since(object_id, lesson.revision)
    return warm_steps(config) if drawn_since or lesson.frames != set(now) else 0


def starts_afresh(document: Document, object_id: int, config: Config) -> bool:
    """Whether the object would be learned from the parent: its model is of other settings or frames."""
    lesson, now = document.runs.lesson(object_id), document.annotated_frames(object_id)
    return lesson is None or lesson.config != config_text(config) or lesson.frames.isdisjoint(now)
