"""Expected failures. Each message is one sentence that names the remedy; anything else is a bug.

EngineError
├── ClipError            the footage cannot be opened or decoded
├── AnnotationError      a mask, box or scribble does not fit the clip
├── WeightsError         a checkpoint is missing, damaged or of another architecture
├── ProjectError         a project folder is missing, locked, newer or damaged
├── ExportError          an export cannot be written or failed its verification
├── DatasetError         a data set for training or evaluation is missing or malformed
└── UsageError           options of the command line that do not go together
"""


class EngineError(Exception):
    """Base of all expected failures."""


class ClipError(EngineError):
    """The footage cannot be opened or decoded."""


class AnnotationError(EngineError):
    """A mask, box or scribble does not fit the clip."""


class WeightsError(EngineError):
    """A checkpoint is missing, damaged or of another architecture."""


class ProjectError(EngineError):
    """A project folder is missing, locked, newer or damaged."""


class ExportError(EngineError):
    """An export cannot be written or failed its verification."""


class DatasetError(EngineError):
    """A data set for training or evaluation is missing or malformed."""


class UsageError(EngineError):
    """Options of the command line do not go together."""
