"""The engine: one generator of events for each command.

The engine knows nothing of threads or of Qt. Whoever iterates `Engine.run` drives it; closing the generator
between two events cancels the job, and what had been current before it stays current.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from vosengine import messages as m
from vosengine.annotations import shots_by_object
from vosengine.boxes import mask_in_box
from vosengine.config import Config
from vosengine.corrections import Correction, corrected_mask
from vosengine.errors import EngineError
from vosengine.evidence import after_snapping, watch_from
from vosengine.finetune import Shot
from vosengine.grabcut import scribbles_to_mask
from vosengine.language import tr
from vosengine.lessons import NOTHING, Learned, warm_steps
from vosengine.methods import architecture_of, box_to_mask_of, new_method, weights_of
from vosengine.models import store_models, stored_state
from vosengine.open_clips import OpenClips, OpenedClip
from vosengine.propagate import ADAPTING, FrameResult, Method, merged, propagate
from vosengine.quality import Estimate, Evidence, bundled_estimator, expected_j
from vosengine.runtime import device_in_use, keep_large_blocks, prefer_deterministic
from vosengine.second_look import Looking, second_look, shown_elsewhere
from vosengine.snap import snap, to_full_resolution
from vosengine.snap.matting import soft_alpha
from vosengine.sweeps import plan, starts_of, steps_of
from vosengine.types import Annotation, Mask, Matte, Probability
from vosengine.weights import load_network, load_state

PREVIEW_EVERY = 10  # optimizer steps between two previews
COMPUTING = (m.FineTune, m.Propagate)  # commands whose device is told, every so many events
DEVICE_EVERY = 20


@dataclass
class Models:
    """The fine-tuned methods, one an object, and what they were made for.

    learned: what each was trained on.
    """

    clip: Path
    config: Config
    methods: dict[int, Method]
    learned: dict[int, Learned] = field(default_factory=dict)


@dataclass
class Lesson:
    """One object's fine-tuning on `shots`, made of `marks`; `former` None starts from the parent."""

    shots: list[Shot]
    marks: Learned
    steps: int
    former: Method | None = None

    @property
    def is_known(self) -> bool:
        """The former model has learned just this."""
        return self.former is not None and self.steps == 0


class Engine:
    """Holds what outlives a job: open clips, parent networks, the current models."""

    def __init__(self) -> None:
        keep_large_blocks()
        prefer_deterministic()
        self._clips = OpenClips()
        self._parents: dict[tuple[str, str], Any] = {}
        self._models: Models | None = None
        self._recalled: dict[tuple[Path | None, int, Config], Method] = {}  # read for corrections
        self._jobs: dict[type, Callable[[int, Any], Iterator[m.Event]]] = {
            m.OpenClip: self._open_clip,
            m.FineTune: self._fine_tune,
            m.Propagate: self._propagate,
            m.Export: self._export,
            m.ReleaseModel: self._release,
            m.Segment: self._segment,
            m.Snap: self._snap,
            m.GrabCut: self._grab_cut,
            m.Correct: self._correct,
        }

    def run(self, job_id: int, command: m.Command) -> Iterator[m.Event]:
        """The events of one job, one or more a unit of work. Raises EngineError for expected failures."""
        events = self._letting_go(job_id, self._jobs[type(command)](job_id, command))
        return _with_device(job_id, events) if isinstance(command, COMPUTING) else events

    def _letting_go(self, job_id: int, events: Iterator[m.Event]) -> Iterator[m.Event]:
        """The events; with their end the job's clips may be closed."""
        try:
            yield from events
        finally:
            self._clips.let_go(job_id)

    def close(self) -> None:
        """Close all clips and forget the models."""
        self._clips.close()
        self._forget()

    def _parent(self, config: Config) -> Any:
        """The offline-trained network a fine-tuning starts from; read once."""
        return self._network(architecture_of(config), weights_of(config))

    def _network(self, architecture: str, weights: str) -> Any:
        key = (architecture, weights)
        if key not in self._parents:
            self._parents[key] = load_network(*key)
        return self._parents[key]

    def _shots(
        self, annotations: Sequence[Annotation], opened: OpenedClip, config: Config
    ) -> dict[int, list[Shot]]:
        """The annotations as the config's method wants them."""
        convert = box_to_mask_of(config, self._network)
        return shots_by_object(
            annotations, opened.clip.info, opened.proxy, convert, neighbours=config.masktrack.flow
        )

    def _open_clip(self, job_id: int, command: m.OpenClip) -> Iterator[m.Event]:
        self._clips.forget(command.path)
        opened = self._clips.opened(job_id, command.path, Config().working_side, command.cache_folder)
        total = opened.clip.info.frame_count
        yield m.ClipOpened(job_id, opened.clip.info)
        for done, _ in enumerate(opened.proxy.fill(), 1):
            yield m.JobProgressed(job_id, done, total, tr("Reading frames"))

    def _fine_tune(self, job_id: int, command: m.FineTune) -> Iterator[m.Event]:
        config = command.config
        opened = self._clips.opened(job_id, command.clip, config.working_side, command.cache_folder)
        yield m.JobProgressed(job_id, 0, 0, tr("Preparing"))
        shots = self._shots(command.annotations, opened, config)
        former = self._former(command)
        lessons = {i: _lesson(command, i, known, former) for i, known in shots.items()}
        methods: dict[int, Method] = {}
        done, total = 0, sum(lesson.steps for lesson in lessons.values())
        for object_id, lesson in lessons.items():
            method = self._to_train(lesson, config)
            learning = () if lesson.is_known else method.fine_tune(lesson.shots, lesson.steps)
            for loss in learning:
                done += 1
                yield m.JobProgressed(
                    job_id, done, total, tr("Learning the object"), tr("loss {loss:.3f}").format(loss=loss)
                )
                if done % PREVIEW_EVERY == 1:
                    turn = done // PREVIEW_EVERY
                    yield self._preview(job_id, object_id, method, lesson.shots, opened, turn)
            methods[object_id] = method
        learned = {i: lesson.marks for i, lesson in lessons.items()}
        self._models = Models(command.clip, config, methods, learned)
        self._recalled.clear()
        cold = tuple(i for i, lesson in lessons.items() if lesson.former is None)
        yield m.ModelReady(job_id, tuple(shots), total, command.revision, cold)
        # After the event: where the disk is full the models are current all the same.
        if command.models_folder is not None:
            store_models(command.models_folder, config, methods, learned)

    def _former(self, command: m.FineTune) -> Models:
        """What a warm start continues from: the current models, else stored ones; none for a cold start."""
        clip, config = command.clip, command.config
        if not command.warm_start:
            return Models(clip, config, {})
        if self._models is not None and (self._models.clip, self._models.config) == (clip, config):
            return self._models
        object_ids = {annotation.object_id for annotation in command.annotations}
        return self._stored(clip, command.models_folder, config, object_ids)

    def _to_train(self, lesson: Lesson, config: Config) -> Method:
        """A copy where there is something to learn, so that a cancelled job leaves the original alone."""
        if lesson.former is None:
            return new_method(self._parent(config), config)
        return lesson.former if lesson.is_known else lesson.former.copied()

    def _preview(
        self, job_id: int, object_id: int, method: Method, shots: list[Shot], opened: OpenedClip, turn: int
    ) -> m.Event:
        """How the method sees a frame near the newest annotation: each turn another side, twice as far."""
        shot = next((s for s in sorted(shots, key=lambda s: not s.fresh) if s.mask.any()), shots[0])
        frame = _beside(shot.frame, turn, opened.clip.info.frame_count)
        found = method.begin(shots, shot.frame).segment(opened.proxy.image(frame))
        return m.MaskPreviewed(job_id, frame, object_id, to_matte(found))

    def _stored(self, clip: Path, folder: Path | None, config: Config, object_ids: set[int]) -> Models:
        """Methods with the weights stored in `folder` for this config, of the objects that have any."""
        found = Models(clip, config, {})
        if folder is None:
            return found
        for object_id in object_ids:
            stored = stored_state(folder, object_id, config)
            if stored is not None:
                found.methods[object_id] = new_method(self._parent(config), config)
                load_state(found.methods[object_id].network, stored[0], f"model {object_id}")
                found.learned[object_id] = stored[1]
        return found

    def _current(
        self, clip: Path, config: Config, object_ids: set[int], folder: Path | None
    ) -> dict[int, Method]:
        """The current methods of these objects, else stored ones, else the parent alone."""
        models, kind = self._models, (config.method, config.trunk)
        known: dict[int, Method] = {}
        if models is not None and models.clip == clip and (models.config.method, models.config.trunk) == kind:
            known |= models.methods
        known |= self._stored(clip, folder, config, object_ids - known.keys()).methods
        return {i: known.get(i) or new_method(self._parent(config), config) for i in sorted(object_ids)}

    def _propagate(self, job_id: int, command: m.Propagate) -> Iterator[m.Event]:
        config = command.config
        opened = self._clips.opened(job_id, command.clip, config.working_side, command.cache_folder)
        yield m.JobProgressed(job_id, 0, 0, tr("Preparing"))
        shots = self._shots(command.annotations, opened, config)
        methods = self._current(command.clip, config, set(shots), command.models_folder)
        wanted = frozenset(command.span) if command.frames is None else command.frames & set(command.span)
        boxed = yield from self._boxed(job_id, command, opened, shots, wanted)
        annotated = {i: [shot.frame for shot in known] for i, known in shots.items()}
        groups = plan(annotated, command.span, command.direction, wanted)
        starts, total = starts_of(groups), steps_of(groups)
        steps = propagate(groups, methods, shots, opened.proxy, wanted)
        done = 0
        for result in steps:
            done += result is not ADAPTING
            what = tr("Adapting to the latest frames") if result is ADAPTING else tr("Propagating")
            yield m.JobProgressed(job_id, done, total, what)
            if not isinstance(result, FrameResult):
                continue
            finished: dict[int, Probability] = {}
            estimates: dict[int, Estimate] = {}
            for object_id, probability in result.probabilities.items():
                evidence = result.evidence[object_id]
                finished[object_id], estimates[object_id] = self._judged(
                    opened, result.frame, probability, config, evidence
                )
                yield m.JobProgressed(job_id, done, total, what)
            # Snapping and enlarging move each object's edge on its own: where two met they may overlap.
            drawn = [*_drawn_on(result.frame, command.annotations), *boxed.get(result.frame, ())]
            for object_id, alone in merged(finished, drawn).items():
                estimate, matte = estimates[object_id], to_matte(alone)
                yield m.MaskPredicted(
                    job_id,
                    result.frame,
                    object_id,
                    matte,
                    estimate.j,
                    command.revision,
                    starts[object_id, result.frame],
                    estimate.reason,
                )

    def _boxed(
        self,
        job_id: int,
        command: m.Propagate,
        opened: OpenedClip,
        shots: dict[int, list[Shot]],
        wanted: frozenset[int],
    ) -> Generator[m.Event, None, dict[int, list[Probability]]]:
        """The masks made of boxes: a frame annotated only by a box needs a matte like any other.

        Returns them by frame: what is predicted there later gives way to them.
        """
        made: dict[int, list[Probability]] = {}
        for annotation in command.annotations:
            if annotation.box is None or annotation.frame not in wanted:
                continue
            shot = next(s for s in shots[annotation.object_id] if s.frame == annotation.frame)
            alone = self._finished(opened, shot.frame, shot.mask, command.config)
            drawn = [*_drawn_on(shot.frame, command.annotations), *made.get(shot.frame, ())]
            mask = merged({annotation.object_id: alone}, drawn)[annotation.object_id]
            made.setdefault(shot.frame, []).append(mask)
            yield m.MaskPredicted(
                job_id,
                shot.frame,
                annotation.object_id,
                to_matte(mask),
                expected_j(shot.mask),
                command.revision,
                shot.frame,
            )
        return made

    def _finished(
        self, opened: OpenedClip, frame: int, probability: Probability, config: Config
    ) -> Probability:
        """Snapped at working resolution, brought to the clip's own, its edges made soft there."""
        snapped = snap(opened.proxy.image(frame), probability, config.snap)
        return self._enlarged(opened, frame, snapped, config)

    def _judged(
        self, opened: OpenedClip, frame: int, probability: Probability, config: Config, seen: Evidence
    ) -> tuple[Probability, Estimate]:
        """`_finished`, and what `seen` and the finished result say of its J."""
        snapped = snap(opened.proxy.image(frame), probability, config.snap)
        evidence = seen if config.snap == "none" else after_snapping(seen, probability, snapped)
        finished = self._enlarged(opened, frame, snapped, config)
        return finished, bundled_estimator().estimate(evidence)

    def _enlarged(self, opened: OpenedClip, frame: int, snapped: Probability, config: Config) -> Probability:
        image, info = opened.proxy.image(frame), opened.clip.info
        if snapped.shape != (info.height, info.width):
            image = opened.clip.image(frame)
            snapped = to_full_resolution(image, snapped)
        return soft_alpha(image, snapped) if config.alpha == "closed_form" else snapped

    def _segment(self, job_id: int, command: m.Segment) -> Iterator[m.Event]:
        opened = self._clips.opened(job_id, command.clip, command.config.working_side, command.cache_folder)
        mine: tuple[Annotation, ...] = tuple(
            a for a in command.annotations if a.object_id == command.object_id
        )
        if command.guidance_mask is not None:
            mine = (
                *(a for a in mine if a.frame != command.frame),
                Annotation(command.frame, command.object_id, mask=command.guidance_mask),
            )
        shots = self._shots(mine, opened, command.config)[command.object_id]
        own = {command.object_id}
        method = self._current(command.clip, command.config, own, command.models_folder)[command.object_id]
        start = min((shot.frame for shot in shots), key=lambda frame: abs(frame - command.frame))
        image = opened.proxy.image(command.frame)
        probability = method.begin(shots, start).segment(image)
        seen = watch_from(shots, start).see(image, probability)
        finished, estimate = self._judged(opened, command.frame, probability, command.config, seen)
        yield m.MaskPredicted(
            job_id,
            command.frame,
            command.object_id,
            to_matte(finished),
            estimate.j,
            command.revision,
            start,
            estimate.reason,
        )

    def _snap(self, job_id: int, command: m.Snap) -> Iterator[m.Event]:
        opened = self._clips.opened(job_id, command.clip, Config().working_side, None)
        image = opened.clip.image(command.frame)
        if command.mask.shape != image.shape[:2]:
            raise EngineError(
                tr("The mask and the frame differ in size; give a mask of the clip's own size.")
            )
        snapped = snap(image, np.asarray(command.mask / np.float32(255), np.float32), "bilateral")
        yield _drawn(job_id, command, to_mask(snapped))

    def _grab_cut(self, job_id: int, command: m.GrabCut) -> Iterator[m.Event]:
        previous = command.previous
        # While a stroke is being drawn the box's colours must do: its network would answer too late.
        if command.box is not None and not (command.live and command.scribbles.any()):
            previous = mask_in_box(self._network, command.image, command.box)
            if not command.scribbles.any():
                yield _drawn(job_id, command, previous)
                return
        if previous is not None and previous.any():
            mask = corrected_mask(command.image, command.scribbles, previous, command.live)
        else:
            mask = scribbles_to_mask(command.image, command.scribbles, command.box, command.live)
        yield _drawn(job_id, command, mask)

    def _correct(self, job_id: int, command: m.Correct) -> Iterator[m.Event]:
        known = shown_elsewhere(command.annotations, command.object_id, command.frame)
        method, config = self._learned_method(command) if known else (None, command.config)
        if not isinstance(method, Looking):
            yield _drawn(job_id, command, corrected_mask(command.image, command.scribbles, command.previous))
            return
        yield m.JobProgressed(job_id, 0, 0, tr("Looking again"))
        correction = Correction(command.image, command.scribbles, command.previous, doubtful=True)
        opened = self._clips.opened(job_id, command.clip, config.working_side, command.cache_folder)
        shots = self._shots(known, opened, config)[command.object_id]
        for mask in second_look(method, shots, opened.proxy.image(command.frame), correction):
            if mask is None:
                yield m.JobProgressed(job_id, 0, 0, tr("Looking again"))
            else:
                yield _drawn(job_id, command, mask)

    def _learned_method(self, command: m.Correct) -> tuple[Method | None, Config]:
        """The object's fine-tuned method, current or stored, and the config that it was learned with; None
        where nothing was learned yet.
        """
        clip, own = command.clip, command.object_id
        if self._models is not None and self._models.clip == clip and own in self._models.methods:
            return self._models.methods[own], self._models.config
        key = command.models_folder, own, command.config
        if key not in self._recalled:
            found = self._stored(clip, command.models_folder, command.config, {own}).methods
            if own not in found:
                return None, command.config
            self._recalled = {key: found[own]}
        return self._recalled[key], command.config

    def _export(self, job_id: int, command: m.Export) -> Iterator[m.Event]:
        from vosengine.export import export_clip  # noqa: PLC0415 - only exports need its encoders

        opened = self._clips.opened(job_id, command.clip, Config().working_side, None)
        job = export_clip(
            opened.clip,
            command.sources,
            command.span,
            command.template,
            command.destination,
            command.overwrite,
            command.combined,
            command.name,
        )
        try:
            while True:
                progress = next(job)
                yield m.JobProgressed(job_id, progress.done, progress.total, progress.what, progress.detail)
        except StopIteration as stop:
            yield m.ExportWritten(job_id, tuple(stop.value.files), tuple(stop.value.report))
        finally:
            job.close()

    def _release(self, job_id: int, command: m.ReleaseModel) -> Iterator[m.Event]:
        self._forget()
        yield m.JobProgressed(job_id, 1, 1, tr("Released"))

    def _forget(self) -> None:
        self._models = None
        self._recalled.clear()


def _with_device(job_id: int, events: Iterator[m.Event]) -> Iterator[m.Event]:
    """The events, and among them what computes them."""
    with closing(cast("Generator[m.Event]", events)):
        for number, event in enumerate(events):
            if number % DEVICE_EVERY == 0:
                yield m.DeviceUsed(job_id, *device_in_use())
            yield event


def to_matte(probability: Probability) -> Matte:
    """float32 in [0, 1] -> read-only uint16 in [0, 65535]."""
    matte = np.rint(probability.clip(0, 1) * 65535).astype(np.uint16)
    return m.read_only(matte)


def to_mask(probability: Probability) -> Mask:
    """float32 in [0, 1] -> read-only uint8 in {0, 255}, thresholded at one half."""
    return m.read_only(np.where(probability >= 0.5, 255, 0).astype(np.uint8))


def _lesson(command: m.FineTune, object_id: int, shots: list[Shot], former: Models) -> Lesson:
    """What one object has to learn; a model that has learned another object starts afresh."""
    own = [a for a in command.annotations if a.object_id == object_id]
    marks = Learned.of(own, command.revision, command.revision)
    known = former.learned.get(object_id, NOTHING)
    if not known.is_of(marks):
        return Lesson(shots, marks, command.config.steps)
    marks = replace(marks, since=known.since)
    again = 0 if known == marks else warm_steps(command.config)
    marked = [replace(s, fresh=known.forms.get(s.frame) != marks.forms[s.frame]) for s in shots]
    return Lesson(marked, marks, again, former.methods[object_id])


def _beside(frame: int, turn: int, count: int) -> int:
    """A frame 1, 2, 4, 8 or 16 away from `frame`, on alternate sides; the other side where the clip ends."""
    away = 2 ** (turn % 5) * (1 if turn % 2 == 0 else -1)
    return next((f for f in (frame + away, frame - away) if 0 <= f < count), frame)


def _drawn_on(frame: int, annotations: Sequence[Annotation]) -> list[Probability]:
    """The masks drawn on a frame, at the clip's own resolution."""
    masks = [a.mask for a in annotations if a.frame == frame and a.mask is not None]
    return [np.asarray(mask / np.float32(255), np.float32) for mask in masks]


def _drawn(job_id: int, command: m.Snap | m.GrabCut | m.Correct, mask: Mask) -> m.MaskDrawn:
    return m.MaskDrawn(job_id, command.frame, command.object_id, m.read_only(mask), command.revision)
