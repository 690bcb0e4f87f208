"""What a run costs, in two short lines and at length. No Qt."""

from __future__ import annotations

from collections.abc import Sequence

from app.costs import Cost, Work
from app.language import tr, trn
from app.progress import duration_text
from vosengine.published import Published, cache_folder


def cost_lines(cost: Cost | None, work: Work, missing: Sequence[Published]) -> tuple[str, str]:
    """Two lines of some forty letters."""
    if missing:
        size = sum(each.megabytes for each in missing)
        names = ", ".join(each.network for each in missing)
        return tr("Not bundled, downloads {size} MB:").format(size=size), names
    if not work.steps and not work.frames:
        return tr("Next run: nothing is out of date"), ""
    if cost is None:
        return tr("Next run: not measured here yet"), "  +  ".join(_counts(work))
    time = duration_text(cost.seconds)
    if cost.source:
        first = tr("Next run: about {time} (from {source})").format(time=time, source=cost.source)
    else:
        first = tr("Next run: about {time} here").format(time=time)
    return first, "  +  ".join(part for part in (_learning(cost), _frames(cost)) if part)


def cost_tip(cost: Cost | None, work: Work, missing: Sequence[Published], device: str) -> str:
    """The same at length."""
    lines = [work_text(work)]
    if cost is None:
        lines.append(tr("What that takes is known once these settings have run on this machine."))
    elif cost.source:
        lines.append(
            tr("Not run here yet: reckoned from what {source} took on {device}.").format(
                source=cost.source, device=device
            )
        )
    else:
        lines.append(tr("As measured on {device} in the last runs.").format(device=device))
    for each in missing:
        text = tr(
            "{network} with {data} weights is not bundled: {size} MB are downloaded once, as the run starts, "
            "to {folder}."
        )
        figures = {"network": each.network, "data": each.data, "size": each.megabytes}
        lines.append(text.format(**figures, folder=cache_folder()))
    return "\n".join(lines)


def work_text(work: Work) -> str:
    """What has to be done."""
    counts = tr(" and ").join(_counts(work))
    return tr("The next run has {counts} to do.").format(counts=counts or tr("nothing"))


def _counts(work: Work) -> list[str]:
    steps = trn("{count} learning step", "{count} learning steps", work.steps)
    frames = trn("{count} frame", "{count} frames", work.frames)
    return [text.format(count=n) for text, n in ((steps, work.steps), (frames, work.frames)) if n]


def _learning(cost: Cost) -> str:
    if not cost.work.steps:
        return ""
    return tr("{time} learning").format(time=duration_text(cost.learning))


def _frames(cost: Cost) -> str:
    count = cost.work.frames
    if not count:
        return ""
    many = trn("{count} frame at {seconds:.{digits}f} s", "{count} frames at {seconds:.{digits}f} s", count)
    return many.format(count=count, seconds=cost.a_frame, digits=2 if cost.a_frame < 1 else 1)
