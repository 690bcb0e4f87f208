"""The measure: J, F and T after the DAVIS benchmark, its protocol and its reports."""

from __future__ import annotations

from vosengine.evaluation.metrics import AlphaError, Scores, alpha_error, score

__all__ = ["AlphaError", "Scores", "alpha_error", "score"]
