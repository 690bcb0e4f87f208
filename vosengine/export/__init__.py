"""Exports that are right the first time: written, read back, checked and only then moved into place."""

from __future__ import annotations

from vosengine.export.exporting import export_clip
from vosengine.export.overlay import write_overlay
from vosengine.export.plan import ExportProgress, ExportResult
from vosengine.export.templates import TEMPLATES, Template, template_named

__all__ = [
    "TEMPLATES",
    "ExportProgress",
    "ExportResult",
    "Template",
    "export_clip",
    "template_named",
    "write_overlay",
]
