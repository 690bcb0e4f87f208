"""The export job: write beside, read back and check, move into place."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import av

from vosengine.clip import Clip
from vosengine.errors import EngineError, ExportError
from vosengine.export.plan import ExportProgress, ExportResult, Output, Plan, plan_outputs
from vosengine.export.staging import Staging
from vosengine.export.templates import Template, template_named
from vosengine.language import tr, trn
from vosengine.messages import ExportSource
from vosengine.types import ClipInfo, Span


def export_clip(
    clip: Clip,
    sources: tuple[ExportSource, ...],
    span: Span,
    template: str,
    destination: Path,
    overwrite: bool = False,
    combined: bool | None = None,
    name: str = "",
) -> Generator[ExportProgress, None, ExportResult]:
    """Export the objects' mattes on the frames of `span`; yields after each frame written or checked.

    `template` is a name in `vosengine.export.TEMPLATES`. `destination` is the folder to export into, made
    when missing; templates of one file also take a path with their extension. For `combined` and `name` see
    `messages.Export`. Frames without a matte file export as empty. The outputs appear when all of them have
    passed their checks; closing the generator earlier leaves everything as it was. Raises ExportError
    (unknown template, bad name, occupied destination, disk full, failed check) and what reading the clip and
    the mattes raises.
    """
    chosen = template_named(template)
    _refuse_ids(chosen, sources)
    plan = Plan(clip, span)
    outputs = outputs_of(chosen, clip.info, sources, destination, combined, name)
    targets = tuple(output.target for output in outputs)
    with explained(destination), Staging(targets, overwrite, chosen.folder) as staging:
        paths = [staging.beside(target) for target in targets]
        yield from _write(chosen, plan, outputs, paths)
        report = yield from _check(chosen, plan, outputs, paths)
        staging.commit()
    return ExportResult(targets, report)


def outputs_of(
    template: Template,
    info: ClipInfo,
    sources: tuple[ExportSource, ...],
    destination: Path,
    combined: bool | None = None,
    name: str = "",
) -> list[Output]:
    """What `export_clip` makes of these. Raises ExportError as it does.

    A `name` that ends with the template's extension, as people type it, stands for the name before it.
    """
    together = template.combines(combined)
    extension = "" if template.folder else template.extension
    if name and extension and destination.suffix.lower() == extension:
        raise ExportError(
            tr("{file} names the file already, and so does the name {name!r}; leave one of them out.").format(
                file=destination, name=name
            )
        )
    if name.lower().endswith(template.extension):
        name = name[: -len(template.extension)]
    pattern = name or template.usual_name(together)
    return plan_outputs(info, sources, destination, extension, together, pattern)


def _write(
    template: Template, plan: Plan, outputs: list[Output], paths: list[Path]
) -> Generator[ExportProgress, None, None]:
    count, done = len(plan.span), 0
    total = 2 * count * len(outputs)
    what = (
        tr("Writing {name}").format(name=outputs[0].name)
        if len(outputs) == 1
        else trn("Writing {count} output", "Writing {count} outputs", len(outputs)).format(count=len(outputs))
    )
    with ExitStack() as writers:
        adders = [
            writers.enter_context(template.write(plan, output, path))
            for output, path in zip(outputs, paths, strict=True)
        ]
        # Frame by frame over all outputs, so that the footage is decoded once.
        for place, frame in enumerate(plan.span, 1):
            for add in adders:
                add(frame)
                done += 1
                yield ExportProgress(
                    done, total, what, tr("frame {place} of {count}").format(place=place, count=count)
                )


def _check(
    template: Template, plan: Plan, outputs: list[Output], paths: list[Path]
) -> Generator[ExportProgress, None, tuple[str, ...]]:
    count = len(plan.span)
    done = written = count * len(outputs)
    report: list[str] = []
    for output, path in zip(outputs, paths, strict=True):
        with closing(template.check(plan, output, path)) as steps:
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    report.extend(end.value)
                    break
                done += 1
                place = (done - written - 1) % count + 1
                detail = tr("frame {place} of {count}").format(place=place, count=count)
                yield ExportProgress(
                    done, 2 * written, tr("Checking {name}").format(name=output.name), detail
                )
    return tuple(report)


def _refuse_ids(template: Template, sources: tuple[ExportSource, ...]) -> None:
    ids = [source.object_id for source in sources]
    if len(set(ids)) < len(ids):
        raise ExportError(tr("Two exported objects have the same id; give each object an id of its own."))
    if template.largest_id is not None and max(ids, default=0) > template.largest_id:
        raise ExportError(
            tr("{label} holds ids up to {largest}; export at most that many objects.").format(
                label=template.label, largest=template.largest_id
            )
        )


@contextmanager
def explained(destination: Path) -> Iterator[None]:
    """Turn what the system says of disks and folders into an ExportError."""
    try:
        yield
    except (OSError, av.FFmpegError) as error:
        reason = error.strerror or str(error)
        raise ExportError(
            tr(
                "The export to {destination} failed ({reason}); free some space or choose another "
                "destination."
            ).format(destination=destination, reason=reason)
        ) from error
    except EngineError as error:
        if type(error) is EngineError:  # a picture that could not be written
            raise ExportError(str(error)) from error
        raise
