"""Marks in, a project folder and an export out: what `cut` and `demo` share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from vosengine import messages
from vosengine.cli.drawing import drawings
from vosengine.cli.jobs import Jobs
from vosengine.cli.marks import MarkedObject
from vosengine.clip import open_clip
from vosengine.config import Config
from vosengine.edge_controls import UNFINISHED
from vosengine.errors import AnnotationError
from vosengine.manifest import colour_of
from vosengine.messages import ExportWritten, MaskPredicted
from vosengine.project_file import Project, RotoObject, create_project
from vosengine.types import Span

PROJECT = "project"
NO_CHANGE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Request:
    """What to cut. `span` None means the whole clip; `templates` are exported into folders named after
    them inside `output`, or into `output` itself when there is only one; for `combined` and `name` see
    `messages.Export`. `edges`: the objects' edge controls, by name.
    """

    clip: Path
    objects: tuple[MarkedObject, ...]
    config: Config
    output: Path
    templates: tuple[str, ...]
    span: Span | None = None
    overwrite: bool = False
    combined: bool | None = None
    name: str = ""
    edges: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Where the project is, what was exported, and the lines of its verification."""

    project: Path
    objects: tuple[str, ...]
    span: Span
    files: tuple[Path, ...]
    report: tuple[str, ...]


def cut(request: Request, jobs: Jobs) -> Result:
    """The whole job. What is finished when it fails or is interrupted stays in the project folder."""
    with open_clip(request.clip) as clip:
        span = checked_span(request.span, clip.info.frame_count)
        found = drawings(request.objects, clip, jobs)
        objects = tuple(RotoObject(n, each.name, colour_of(n)) for n, each in enumerate(found, 1))
        with create_project(request.output / PROJECT, clip.info, objects) as project:
            track = UNFINISHED.with_values(request.edges)
            edges = {each.object_id: track for each in objects if track.keys}
            project.write_manifest(replace(project.manifest, config=request.config, span=span, edges=edges))
            for each, drawing in zip(objects, found, strict=True):
                drawing.store(project, each.object_id)
            predict(project, span, request.config, jobs)
            how = request.overwrite, jobs, request.combined, request.name
            written = [
                export(project, span, template, destination(request, template), *how)
                for template in request.templates
            ]
    files = tuple(file for each in written for file in each.files)
    report = tuple(line for each in written for line in each.report)
    return Result(request.output / PROJECT, tuple(each.name for each in objects), span, files, report)


def destination(request: Request, template: str) -> Path:
    """Where the export of one template goes."""
    return request.output / template if len(request.templates) > 1 else request.output / "export"


def checked_span(span: Span | None, frame_count: int) -> Span:
    """The frames to work on. A range may end after the clip. Raises AnnotationError where it has no frame."""
    if span is None:
        return Span(0, frame_count)
    stop = min(span.stop, frame_count)
    if span.start >= stop:
        raise AnnotationError(
            f"The range {span.start}:{span.stop} has no frame of this clip of {frame_count}; choose another."
        )
    return Span(span.start, stop)


def predict(project: Project, span: Span, config: Config, jobs: Jobs) -> None:
    """Fine-tune on the project's annotations, then segment `span`; each result is stored as it comes."""
    clip, annotations = project.manifest.clip.path, project.annotations()
    cache, models = project.cache_folder, project.models_folder
    for _ in jobs.run(messages.FineTune(clip, annotations, config, cache_folder=cache, models_folder=models)):
        pass
    command = messages.Propagate(clip, annotations, span, config, cache_folder=cache, models_folder=models)
    for event in jobs.run(command):
        if isinstance(event, MaskPredicted):
            origin = None if event.start is None else (event.start, event.revision)
            key, kept = (event.object_id, event.frame), (event.quality, event.revision)
            project.write_prediction(*key, event.matte, *kept, origin=origin, reason=event.reason)


def export(
    project: Project,
    span: Span,
    template: str,
    output: Path,
    overwrite: bool,
    jobs: Jobs,
    combined: bool | None = None,
    name: str = "",
    edges: Mapping[str, float] = NO_CHANGE,
) -> ExportWritten:
    """Write and verify one export of a project; `edges` go before the project's controls of these names."""
    clip = project.manifest.clip.path
    stored = project.export_sources(span)
    sources = tuple(replace(source, edges=source.edges.with_values(edges)) for source in stored)
    command = messages.Export(clip, sources, span, template, output, overwrite, combined, name)
    written = [event for event in jobs.run(command) if isinstance(event, ExportWritten)]
    return written[-1]
