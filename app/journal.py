"""The steps of undo and redo on disk: one SQLite file, written ahead of what it tells of.

    step     number, name, time (seconds since 1970), subject, done, outcome (of its predictions), dropped
    change   of a step: kind, object_id, frame, and the values before and after (see `app.values`)
    picture  digest, content: masks and marks, each once

A step that no one can undo or redo any more is `dropped` first and deleted once the project holds what
followed, so that a process killed in between leaves enough to tell what the project should hold. SQLite
(write-ahead log) keeps every transaction whole; its file is the journal's alone while the project is open.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.cells import Cell, Kind
from app.language import tr
from app.packed import Packed
from app.values import Raw
from vosengine.errors import ProjectError
from vosengine.project_io import unused

_log = logging.getLogger(__name__)

FILE = "steps.sqlite"
VERSION = 1
_SCHEMA = """
CREATE TABLE step (number INTEGER PRIMARY KEY, name TEXT NOT NULL, time REAL NOT NULL, subject TEXT NOT NULL,
    done INTEGER NOT NULL, outcome TEXT NOT NULL DEFAULT '', dropped INTEGER NOT NULL DEFAULT 0);
CREATE TABLE change (step INTEGER NOT NULL, kind TEXT NOT NULL, object_id INTEGER NOT NULL,
    frame INTEGER NOT NULL, before, after, PRIMARY KEY (step, kind, object_id, frame)) WITHOUT ROWID;
CREATE TABLE picture (digest BLOB PRIMARY KEY, content BLOB NOT NULL);
"""
_FORGET_PICTURES = """
DELETE FROM picture WHERE digest NOT IN (SELECT before FROM change WHERE typeof(before) = 'blob'
    UNION SELECT after FROM change WHERE typeof(after) = 'blob')
"""

RawChanges = dict[Cell, tuple[Raw, Raw]]
Pictures = dict[bytes, Packed]


@dataclass(eq=False)
class Record:
    """A step as the journal holds it."""

    number: int
    name: str
    time: float
    subject: str
    done: bool
    outcome: str = ""
    dropped: bool = False
    changes: RawChanges = field(default_factory=dict)


class Journal:
    """One project's steps. Each method is one transaction; call them from any thread.

    message: a sentence for the user when the stored steps could not be used, "" otherwise. The methods that
    write raise ProjectError when the disk is full; they can be tried again.
    """

    def __init__(self, folder: Path) -> None:
        """Open the steps in `folder`, or begin there; what is damaged is set aside, and where nothing can be
        written the steps last as long as the session.
        """
        self._lock = threading.Lock()
        self.message = ""
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._database = _opened(path)
        except (sqlite3.OperationalError, OSError) as error:
            text = tr("Undo will not outlast this session: {path} cannot be used ({error}).")
            self.message = text.format(path=path, error=error)
            self._database = _opened(None)
        except sqlite3.DatabaseError as error:
            text = tr("The stored undo steps were damaged ({error}) and set aside.")
            self.message = text.format(error=error)
            _set_aside(path)
            self._database = _opened(path)

    def close(self) -> None:
        """Leave the file to others."""
        with self._lock, suppress(sqlite3.Error):
            self._database.close()

    # --- reading ------------------------------------------------------------------------------------------

    def records(self) -> list[Record]:
        """All steps in order, those dropped included. Kinds of other editions are left out."""
        kinds = {kind.value: kind for kind in Kind}
        with self._lock:
            query = "SELECT number, name, time, subject, done, outcome, dropped FROM step"
            found = {
                number: Record(number, name, moment, subject, bool(done), outcome, bool(dropped))
                for number, name, moment, subject, done, outcome, dropped in self._database.execute(query)
            }
            query = "SELECT step, kind, object_id, frame, before, after FROM change"
            for number, kind, object_id, frame, before, after in self._database.execute(query):
                if kind in kinds and number in found:
                    found[number].changes[Cell(kinds[kind], object_id, frame)] = before, after
        return [found[number] for number in sorted(found)]

    def shelf(self) -> dict[bytes, int]:
        """The pictures' sizes in bytes; none is read."""
        with self._lock:
            return dict(self._database.execute("SELECT digest, length(content) FROM picture"))

    def picture(self, digest: bytes) -> Packed:
        """Read a picture. Raises ProjectError when it is gone."""
        try:
            with self._lock:
                query = "SELECT content FROM picture WHERE digest = ?"
                (content,) = self._database.execute(query, (digest,)).fetchone()
            return Packed.from_bytes(content)
        except (sqlite3.Error, TypeError, ValueError) as error:
            raise ProjectError(
                tr("A stored step cannot be read ({error}); undo goes no further back.").format(error=error)
            ) from error

    # --- writing ------------------------------------------------------------------------------------------

    def add(self, record: Record, pictures: Pictures) -> None:
        """A new step, or more changes of one; a change of the same cell takes the older one's place."""
        with self._transaction() as database:
            step = record.number, record.name, record.time, record.subject, record.done
            database.execute(
                "INSERT INTO step (number, name, time, subject, done) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (number) DO UPDATE SET subject = excluded.subject",
                step,
            )
            rows = [
                (record.number, cell.kind.value, *cell[1:], *pair) for cell, pair in record.changes.items()
            ]
            database.executemany("INSERT OR REPLACE INTO change VALUES (?, ?, ?, ?, ?, ?)", rows)
            stored = [(digest, picture.to_bytes()) for digest, picture in pictures.items()]
            database.executemany("INSERT OR IGNORE INTO picture VALUES (?, ?)", stored)

    def mark(self, numbers: Iterable[int], done: bool) -> None:
        """Steps were undone, or redone."""
        with self._transaction() as database:
            database.executemany("UPDATE step SET done = ? WHERE number = ?", [(done, n) for n in numbers])

    def finish(self, number: int, outcome: str) -> None:
        """A step grows no more."""
        with self._transaction() as database:
            database.execute("UPDATE step SET outcome = ? WHERE number = ?", (outcome, number))

    def drop(self, numbers: Iterable[int]) -> None:
        """Nobody can undo or redo these steps any more."""
        with self._transaction() as database:
            database.executemany("UPDATE step SET dropped = 1 WHERE number = ?", [(n,) for n in numbers])

    def purge(self) -> None:
        """Delete what was dropped: the project holds what followed."""
        with self._transaction() as database:
            if database.execute("DELETE FROM step WHERE dropped").rowcount:
                database.execute("DELETE FROM change WHERE step NOT IN (SELECT number FROM step)")
                database.execute(_FORGET_PICTURES)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Whole or not at all. A file that breaks meanwhile ends the writing, not the session."""
        try:
            with self._lock, self._database:
                yield self._database
        except sqlite3.OperationalError as error:
            raise ProjectError(
                tr(
                    "The undo steps could not be written ({error}); free some space or choose another place."
                ).format(error=error)
            ) from error
        except sqlite3.DatabaseError:
            _log.exception("the journal is broken")


def _opened(path: Path | None) -> sqlite3.Connection:
    """A connection with the tables there; None: in memory. Raises sqlite3.DatabaseError."""
    database = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=2)
    try:
        for setting in ("locking_mode = EXCLUSIVE", "auto_vacuum = FULL", "journal_mode = WAL"):
            database.execute(f"PRAGMA {setting}")
        database.execute("PRAGMA synchronous = NORMAL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")
        elif version != VERSION:
            raise sqlite3.DatabaseError(tr("they are of edition {version}").format(version=version))
        database.execute("SELECT count(*) FROM change").fetchone()
    except sqlite3.Error:
        database.close()
        raise
    return database


def _set_aside(path: Path) -> None:
    aside = unused(path.with_name(path.name + ".damaged"))
    with suppress(OSError):
        path.replace(aside)
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
