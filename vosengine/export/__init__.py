"""Exports that are right the first time: written, read back, checked and only then moved into place."""

from __future__ import annotations

from vosengine.export.exporting import export_clip
from vosengine.export.forecasting import Announced, Forecast, forecast
from vosengine.export.overlay import write_overlay
from vosengine.export.plan import ExportProgress, ExportResult
from vosengine.export.templates import TEMPLATES, Template, template_named

__all__ = [
    "TEMPLATES",
    "Announced",
    "ExportProgress",
    "ExportResult",
    "Forecast",
    "Template",
    "export_clip",
    "forecast",
    "template_named",
    "write_overlay",
]
