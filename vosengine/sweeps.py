"""Which frame is predicted from which annotation, and which frames a change of the annotations concerns.

MaskTrack section 3.3: with several annotations the mask propagates forward and backward from each, and the
nearest annotation wins. No torch: the command line and the application plan as well.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from vosengine.types import Annotation, Direction, Span


@dataclass(frozen=True)
class Sweep:
    """Frames of one object in the order they are segmented, starting beside the annotated frame `start`."""

    object_id: int
    start: int
    frames: range


def plan_sweeps(object_id: int, annotated: Sequence[int], span: Span, direction: Direction) -> list[Sweep]:
    """Each frame of `span` in one sweep from the nearest annotated frame that `direction` allows.

    Ties go forward. A sweep starts beside its annotation even where the span begins later, because the
    masks in between are needed to get there.
    """
    known = sorted(annotated)
    sweeps: list[Sweep] = []
    for here, following in zip(known, [*known[1:], None], strict=True):
        stop = span.stop
        if following is not None:
            stop = min(stop, following if direction is Direction.FORWARD else (here + following) // 2 + 1)
        if direction is not Direction.BACKWARD and stop > max(span.start, here + 1):
            sweeps.append(Sweep(object_id, here, range(here + 1, stop)))
    for here, before in zip(known, [None, *known[:-1]], strict=True):
        first = span.start
        if before is not None:
            first = max(first, before + 1 if direction is Direction.BACKWARD else (before + here) // 2 + 1)
        if direction is not Direction.FORWARD and first < min(span.stop, here):
            sweeps.append(Sweep(object_id, here, range(here - 1, first - 1, -1)))
    return sweeps


def plan(
    annotated: Mapping[int, Sequence[int]],
    span: Span,
    direction: Direction,
    wanted: Container[int] | None = None,
) -> list[list[Sweep]]:
    """All objects' sweeps, those over the same frames grouped; forward ones first, as the footage runs.

    annotated: each object's annotated frames. With `wanted` frames each sweep goes only as far as the last
    of them, and those without any are left out; what remains is in the same groups and the same order.
    """
    groups: dict[tuple[int, range], list[Sweep]] = {}
    for object_id, known in annotated.items():
        for sweep in plan_sweeps(object_id, known, span, direction):
            groups.setdefault((sweep.start, sweep.frames), []).append(sweep)
    ordered = sorted(groups.values(), key=lambda group: (group[0].frames.step < 0, group[0].frames.start))
    if wanted is None:
        return ordered
    return [[_reaching(sweep, wanted) for sweep in group] for group in ordered if _has_any(group[0], wanted)]


def _has_any(sweep: Sweep, wanted: Container[int]) -> bool:
    return any(frame in wanted for frame in sweep.frames)


def _reaching(sweep: Sweep, wanted: Container[int]) -> Sweep:
    """The sweep up to the last wanted frame."""
    last = max(place for place, frame in enumerate(sweep.frames) if frame in wanted)
    return replace(sweep, frames=sweep.frames[: last + 1])


def starts_of(groups: Sequence[Sequence[Sweep]]) -> dict[tuple[int, int], int]:
    """By object and frame, the annotated frame that it is propagated from."""
    return {(s.object_id, frame): s.start for group in groups for s in group for frame in s.frames}


def affected_frames(
    before: Sequence[Annotation], after: Sequence[Annotation], span: Span, direction: Direction
) -> frozenset[int]:
    """The frames of `span` whose masks a change of the annotations concerns, for any object.

    They are drawn differently, or propagated from another annotation than before or from one of another form.
    """
    then, now = _origins(before, span, direction), _origins(after, span, direction)
    return frozenset(frame for _, frame in {key for key, _ in then.items() ^ now.items()} if frame in span)


def _origins(
    annotations: Sequence[Annotation], span: Span, direction: Direction
) -> dict[tuple[int, int], tuple[int, str]]:
    """By object and frame, the frame and form of the annotation that decides the mask there."""
    forms = {(a.object_id, a.frame): a.form for a in annotations}
    found = {key: (key[1], form) for key, form in forms.items()}
    for object_id in {a.object_id for a in annotations}:
        known = [frame for own, frame in forms if own == object_id]
        for sweep in plan_sweeps(object_id, known, span, direction):
            origin = sweep.start, forms[object_id, sweep.start]
            found |= {(object_id, frame): origin for frame in sweep.frames}
    return found


def steps_of(groups: Sequence[Sequence[Sweep]]) -> int:
    """How many frames `propagate` will visit."""
    return sum(len(group[0].frames) for group in groups)
