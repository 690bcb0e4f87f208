"""Which of an object's annotations a look at another frame is compared with."""

from __future__ import annotations


def closeness(annotated: int, is_box: bool, frame: int) -> tuple[bool, int, int]:
    """The least for the best: drawn masks rather than boxes, then the nearest, then the earlier one."""
    return is_box, abs(annotated - frame), annotated
