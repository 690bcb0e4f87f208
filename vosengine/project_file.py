"""The project folder on disk, for the command line and the application alike.

::

    project.roto                 the manifest, see `vosengine.manifest`
    annotations/OBJECT/FRAME.png what a person drew: 8-bit masks, authoritative
    scribbles/OBJECT/FRAME.png   the marks behind them: 0 unmarked, 1 background, 2 foreground
    mattes/OBJECT/FRAME.png      what was predicted: 16-bit mattes, see `vosengine.batches`
    history/                     the application's steps of undo and redo
    history.behind               a mark: the project went on without those
    models/*.safetensors         fine-tuned weights
    cache/                       disposable

The manifest is written last, so that a process killed at any moment loses at most the change it was writing;
opening repairs the rest: half-written files go, damaged pictures are set aside, the drawn is never deleted.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from vosengine import project_io
from vosengine.errors import ProjectError
from vosengine.language import tr, trn
from vosengine.manifest import VERSION, Key, Manifest, RotoObject, colour_of, load, name_of
from vosengine.project import (
    MANIFEST,
    Origin,
    Project,
    StoredMask,
    StoredPrediction,
    check_free,
    check_same_clip,
    harden,
    soften,
    without_soft_edges,
)
from vosengine.project_lock import ProjectLock
from vosengine.types import ClipInfo

__all__ = [
    "MANIFEST",
    "Key",
    "Manifest",
    "Origin",
    "Project",
    "RotoObject",
    "StoredMask",
    "StoredPrediction",
    "check_same_clip",
    "create_project",
    "harden",
    "open_project",
    "soften",
    "suggested_folder",
    "without_soft_edges",
]

_BACKUP = "project.roto.backup"


def create_project(folder: Path, clip: ClipInfo, objects: Sequence[RotoObject] = ()) -> Project:
    """A new project folder, locked, its manifest written.

    Raises ProjectError when the folder holds a project already or cannot be written.
    """
    folder = project_io.absolute(folder)
    check_free(folder)
    with project_io.unwritable(folder):
        folder.mkdir(parents=True, exist_ok=True)
    first_free = max((each.object_id for each in objects), default=0) + 1
    project = Project(folder, Manifest(clip, tuple(objects), next_object_id=first_free), ProjectLock(folder))
    try:
        project.write_manifest()
    except ProjectError:
        project.close()
        raise
    return project


def open_project(folder: Path) -> Project:
    """Open and lock a project, given its folder or its `project.roto`.

    Missing footage does not keep it closed, nor does a damaged picture. Raises ProjectError when it is no
    project, open elsewhere, newer than this edition or beyond repair.
    """
    folder = project_io.absolute(folder.parent if folder.name == MANIFEST else folder)
    if not (folder / MANIFEST).exists() and not (folder / _BACKUP).exists():
        raise ProjectError(
            tr("{folder} holds no {manifest} and so is no project; choose another folder.").format(
                folder=folder, manifest=MANIFEST
            )
        )
    lock = ProjectLock(folder)
    try:
        manifest, messages = _read_manifest(folder)
        _tidy(folder)
        project = Project(folder, manifest, lock, messages)
        _adopt_orphans(project)
    except BaseException:
        lock.release()
        raise
    return project


def suggested_folder(clip: Path, fallback: Path) -> Path:
    """Where a new project for a clip should go: beside it, or in `fallback` where that cannot be written.

    Never an existing folder: a number is added.
    """
    parent = clip.parent if os.access(clip.parent, os.W_OK) else fallback
    return project_io.unused(parent / f"{clip.stem}.rotoshot")


def _read_manifest(folder: Path) -> tuple[Manifest, list[str]]:
    """The manifest, or its backup when it is damaged, and what to tell the user."""
    path, backup = folder / MANIFEST, folder / _BACKUP
    try:
        text = path.read_text("utf-8")
        manifest = load(text, folder)
    except (OSError, ValueError) as damage:
        return _read_backup(backup, folder, damage)
    version = json.loads(text)["version"]
    with suppress(ProjectError):  # a full disk still opens
        if version != VERSION:
            project_io.write(folder / f"{MANIFEST}.version{version}", text.encode("utf-8"))
        project_io.write(backup, text.encode("utf-8"), durable=False)
    return manifest, []


def _read_backup(backup: Path, folder: Path, damage: Exception) -> tuple[Manifest, list[str]]:
    try:
        manifest = load(backup.read_text("utf-8"), folder)
    except (OSError, ValueError):
        raise ProjectError(
            tr(
                "{path} is damaged ({damage}); restore it from a backup, the drawn masks are safe in its "
                "annotations folder."
            ).format(path=folder / MANIFEST, damage=damage)
        ) from damage
    return manifest, [
        tr("{manifest} was damaged ({damage}), so its state at the last opening was used.").format(
            manifest=MANIFEST, damage=damage
        )
    ]


def _adopt_orphans(project: Project) -> None:
    """Take in masks whose object was not in the manifest yet when the process was killed."""
    known = project.manifest
    numbers = sorted(
        int(path.name) for path in (project.folder / "annotations").glob("*") if path.name.isdecimal()
    )
    found = tuple(
        RotoObject(number, name_of(number), colour_of(number))
        for number in numbers
        if number >= known.next_object_id and any(project.annotation_file(number, 0).parent.glob("*.png"))
    )
    if found:
        project.write_manifest(
            replace(known, objects=known.objects + found, next_object_id=found[-1].object_id + 1)
        )
        project.adopted = frozenset(each.object_id for each in found)
        text = trn(
            "{count} object drawn just before the last end was recovered.",
            "{count} objects drawn just before the last end were recovered.",
            len(found),
        )
        project.messages.append(text.format(count=len(found)))


def _tidy(folder: Path) -> None:
    """Remove what a killed process left half-written, and what only it could use."""
    for pictures in ("annotations", "scribbles", "mattes"):
        for path in (folder / pictures).glob("*/.*.part"):
            path.unlink(missing_ok=True)
    for path in folder.glob(".*.part"):
        path.unlink(missing_ok=True)
    for name in ("undo", "export"):  # the first: of earlier editions
        shutil.rmtree(folder / "cache" / name, ignore_errors=True)
