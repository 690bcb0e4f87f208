"""What the export dialog ordered, and what became of it, also when the queue has forgotten it. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.jobs import Job
from app.language import tr
from vosengine.export.forecasting import size_of
from vosengine.messages import ExportWritten


@dataclass(frozen=True)
class WrittenFile:
    """A movie or folder that an export wrote; `size` in bytes, `count` frames."""

    path: Path
    count: int
    size: int


@dataclass(frozen=True)
class Outcome:
    """How one export ended: `sentence`, and its files and checks where it was written."""

    title: str
    sentence: str
    files: tuple[WrittenFile, ...] = ()
    report: tuple[str, ...] = ()


@dataclass(eq=False)
class OrderedExport:
    """One export: its job's number, its `count` frames, where to; `sentence`: how it ended, "" before."""

    number: int
    title: str
    count: int
    targets: tuple[Path, ...]
    sentence: str = ""
    is_over: bool = False
    written: ExportWritten | None = None

    def note(self, job: Job | None) -> None:
        """The job as the queue has it; None where it was taken out."""
        if self.is_over:
            return
        self.is_over = job is None or job.is_over
        self.sentence = tr("Taken out of the queue.") if job is None else job.sentence

    def outcome(self) -> Outcome:
        """Looks at the disk for the sizes: not for a GUI's thread."""
        if self.written is None:
            return Outcome(self.title, self.sentence)
        files = tuple(WrittenFile(path, self.count, size_of(path)) for path in self.written.files)
        return Outcome(self.title, self.sentence, files, self.written.report)


class ExportOrders:
    """The exports ordered since the last were all over."""

    def __init__(self) -> None:
        self._all: list[OrderedExport] = []

    def add(self, order: OrderedExport) -> None:
        """Follow one more."""
        self._all.append(order)

    @property
    def under_way(self) -> list[OrderedExport]:
        """Those that have not ended, in the order they were asked for."""
        return [each for each in self._all if not each.is_over]

    @property
    def promised(self) -> frozenset[Path]:
        """What they will write."""
        return frozenset(target for each in self.under_way for target in each.targets)

    def note(self, job_of: Callable[[int], Job | None]) -> None:
        """Look at the queue's jobs, by number."""
        for each in self._all:
            each.note(job_of(each.number))

    def note_written(self, number: int, event: ExportWritten) -> None:
        """The files of one are in place."""
        for each in self._all:
            if each.number == number:
                each.written = event

    def take_ended(self) -> list[OrderedExport]:
        """All of them, to be followed no more; none as long as one is under way."""
        if self.under_way:
            return []
        ended, self._all = self._all, []
        return ended


def reasons(ended: Sequence[OrderedExport]) -> str:
    """How each ended, a line each; one alone needs no title."""
    if len(ended) == 1:
        return ended[0].sentence
    return "\n".join(f"{each.title}: {each.sentence}" for each in ended)


def in_all(outcomes: Sequence[Outcome]) -> str:
    """How they ended, in a sentence."""
    if len(outcomes) == 1:
        return outcomes[0].sentence
    done = sum(bool(each.files) for each in outcomes)
    return tr("{done} of {count} exports written and checked.").format(done=done, count=len(outcomes))


def told(outcomes: Sequence[Outcome]) -> str:
    """The same to one who does not see the files, with why some were not written."""
    if len(outcomes) == 1:
        return f"{outcomes[0].title}: {outcomes[0].sentence}"
    failed = (f"{each.title}: {each.sentence}" for each in outcomes if not each.files)
    return "\n".join((in_all(outcomes), *failed))
