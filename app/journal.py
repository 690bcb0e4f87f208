"""The steps of undo and redo on disk: one SQLite file, written ahead of what it tells of.

    step     number, name, time (seconds since 1970), subject, done, outcome (of its predictions), dropped
    change   of a step: kind, object_id, frame, and the values before and after (see `app.values`)
    picture  digest, content: masks and marks, each once
    session  whether one is under way, or was killed

A step that no one can undo or redo any more is `dropped` first and deleted once the project holds what
followed, so that a process killed in between leaves enough to tell what the project should hold. SQLite
(write-ahead log) keeps every transaction whole; its file is the journal's alone while the project is open.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from app.cells import Cell, Kind
from app.language import tr
from app.packed import Packed
from app.values import Raw
from vosengine.errors import ProjectError
from vosengine.project_io import remove, unused
from vosengine.project_io import write as write_file

_log = logging.getLogger(__name__)

FILE = "steps.sqlite"
BEHIND = "history.behind"  # beside `project.roto`: the project went on without the journal
_DAMAGED = b"damaged"  # in that mark
VERSION = 1
_SCHEMA = """
CREATE TABLE step (number INTEGER PRIMARY KEY, name TEXT NOT NULL, time REAL NOT NULL, subject TEXT NOT NULL,
    done INTEGER NOT NULL, outcome TEXT NOT NULL DEFAULT '', dropped INTEGER NOT NULL DEFAULT 0);
CREATE TABLE change (step INTEGER NOT NULL, kind TEXT NOT NULL, object_id INTEGER NOT NULL,
    frame INTEGER NOT NULL, before, after, PRIMARY KEY (step, kind, object_id, frame)) WITHOUT ROWID;
CREATE TABLE picture (digest BLOB PRIMARY KEY, content BLOB NOT NULL);
"""
_SESSION = "CREATE TABLE IF NOT EXISTS session (number INTEGER PRIMARY KEY, open INTEGER NOT NULL)"
_FORGET_PICTURES = """
DELETE FROM picture WHERE digest NOT IN (SELECT before FROM change WHERE typeof(before) = 'blob'
    UNION SELECT after FROM change WHERE typeof(after) = 'blob')
"""
_UNUSABLE = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}

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

    message: a sentence for the user when the stored steps could not be used, "" otherwise. left_open: whether
    the session that wrote it did not end with `close`; None where the journal cannot tell. Only a full disk
    makes the methods that write raise ProjectError, to be tried again: a journal that fails in another way
    is written no more, and a mark beside it says that the project has gone on without it.
    """

    def __init__(self, folder: Path) -> None:
        """Open the steps in `folder`, or begin there; what is damaged is set aside, and where nothing can be
        written the steps last as long as the session.
        """
        self._lock = threading.Lock()
        self._path = folder / FILE
        self._mark = folder.parent / BEHIND
        self._database: sqlite3.Connection | None = None
        self._given_up = self._marked = False
        self._reason = b""
        self.message = ""
        self.left_open: bool | None = None
        try:
            self._open()
        except (sqlite3.Error, OSError) as error:
            self.unreadable(error)

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        behind = self._mark.exists()
        if behind and self._mark.read_bytes() == _DAMAGED:
            raise sqlite3.DatabaseError(tr("they could not be written the last time"))
        self._database = _opened(self._path)
        found = self._database.execute("SELECT open FROM session").fetchone()
        self.left_open = None if found is None else bool(found[0]) and not behind

    def unreadable(self, error: Exception) -> None:
        """What was read made no sense, or could not be read: go on without it."""
        _log.warning("the journal cannot be used", exc_info=error)
        self._leave()
        if _is_unusable(error):
            self._give_up(error)
            return
        text = tr("The stored undo steps were damaged ({error}) and set aside.")
        self.message = text.format(error=error)
        self.left_open = None
        try:
            _set_aside(self._path)
            remove(self._mark)
            self._open()
        except (sqlite3.Error, OSError, ProjectError) as again:
            self._give_up(again)

    def close(self, clean: bool = True) -> None:
        """Leave the file to others. clean: the project holds all that it tells of."""
        if clean and not self._given_up:
            with suppress(ProjectError):  # then the next session finds out what is true
                self._write(lambda database: database.execute("UPDATE session SET open = 0"))
        self._leave()

    def _leave(self) -> None:
        with self._lock, suppress(sqlite3.Error):
            if self._database is not None:
                self._database.close()

    # --- reading ------------------------------------------------------------------------------------------

    def records(self) -> list[Record]:
        """All steps in order, those dropped included. Kinds of other editions are left out."""
        if self._given_up:
            return []
        kinds = {kind.value: kind for kind in Kind}
        with self._lock:
            query = "SELECT number, name, time, subject, done, outcome, dropped FROM step"
            found = {
                number: Record(number, name, moment, subject, bool(done), outcome, bool(dropped))
                for number, name, moment, subject, done, outcome, dropped in self._connection().execute(query)
            }
            query = "SELECT step, kind, object_id, frame, before, after FROM change"
            for number, kind, object_id, frame, before, after in self._connection().execute(query):
                if kind in kinds and number in found:
                    found[number].changes[Cell(kinds[kind], object_id, frame)] = before, after
        return [found[number] for number in sorted(found)]

    def shelf(self) -> dict[bytes, int]:
        """The pictures' sizes in bytes; none is read."""
        if self._given_up:
            return {}
        with self._lock:
            return dict(self._connection().execute("SELECT digest, length(content) FROM picture"))

    def picture(self, digest: bytes) -> Packed:
        """Read a picture. Raises ProjectError when it is gone or damaged."""
        try:
            with self._lock:
                query = "SELECT content FROM picture WHERE digest = ?"
                (content,) = self._connection().execute(query, (digest,)).fetchone()
            picture = Packed.from_bytes(content)
            if picture.digest != digest:
                raise ValueError("a picture is damaged")
            return picture
        except (sqlite3.Error, TypeError, ValueError, zlib.error) as error:
            raise ProjectError(
                tr("A stored step cannot be read ({error}); undo goes no further back.").format(error=error)
            ) from error

    def _connection(self) -> sqlite3.Connection:
        if self._database is None:
            raise sqlite3.OperationalError("it is not open")
        return self._database

    # --- writing ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A session goes on from here: the project holds all that it tells of."""

        def write(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO session VALUES (1, 1)")

        self._write(write)
        if not self._given_up:
            remove(self._mark)

    def add(self, record: Record, pictures: Pictures) -> None:
        """A new step, or more changes of one; a change of the same cell takes the older one's place."""
        step = record.number, record.name, record.time, record.subject, record.done
        rows = [(record.number, cell.kind.value, *cell[1:], *pair) for cell, pair in record.changes.items()]
        stored = [(digest, picture.to_bytes()) for digest, picture in pictures.items()]

        def write(database: sqlite3.Connection) -> None:
            database.execute(
                "INSERT INTO step (number, name, time, subject, done) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (number) DO UPDATE SET subject = excluded.subject",
                step,
            )
            database.executemany("INSERT OR REPLACE INTO change VALUES (?, ?, ?, ?, ?, ?)", rows)
            database.executemany("INSERT OR IGNORE INTO picture VALUES (?, ?)", stored)

        self._write(write, durable=any(cell.kind is not Kind.PREDICTION for cell in record.changes))

    def mark(self, numbers: Iterable[int], done: bool) -> None:
        """Steps were undone, or redone."""
        rows = [(done, number) for number in numbers]
        self._write(lambda database: database.executemany("UPDATE step SET done = ? WHERE number = ?", rows))

    def finish(self, number: int, outcome: str) -> None:
        """A step grows no more."""
        row = outcome, number
        self._write(lambda database: database.execute("UPDATE step SET outcome = ? WHERE number = ?", row))

    def drop(self, numbers: Iterable[int]) -> None:
        """Nobody can undo or redo these steps any more."""
        rows, change = [(number,) for number in numbers], "UPDATE step SET dropped = 1 WHERE number = ?"
        self._write(lambda database: database.executemany(change, rows))

    def purge(self) -> None:
        """Delete what was dropped: the project holds what followed."""

        def write(database: sqlite3.Connection) -> None:
            if database.execute("DELETE FROM step WHERE dropped").rowcount:
                database.execute("DELETE FROM change WHERE step NOT IN (SELECT number FROM step)")
                database.execute(_FORGET_PICTURES)

        self._write(write)

    def _write(self, write: Callable[[sqlite3.Connection], object], durable: bool = True) -> None:
        """Whole or not at all; `durable` waits for the disk. Raises ProjectError to be tried again."""
        with self._lock:
            if self._database is not None and not self._given_up:
                try:
                    self._database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                    with self._database:
                        write(self._database)
                    return
                except sqlite3.Error as error:
                    if _code(error) == sqlite3.SQLITE_FULL:
                        text = tr("The undo steps could not be written ({error}); free some space.")
                        raise ProjectError(text.format(error=error)) from error
                    _log.exception("the journal cannot be written")
                    self._give_up(error)
            if not self._marked:  # first: nothing may reach the project that the journal does not tell of
                write_file(self._mark, self._reason, durable=False)
                self._marked = True

    def _give_up(self, error: Exception) -> None:
        self._given_up, self._reason = True, b"" if _is_unusable(error) else _DAMAGED
        text = tr("Undo will not outlast this session: {path} cannot be used ({error}).")
        self.message = text.format(path=self._path, error=error)


def _opened(path: Path) -> sqlite3.Connection:
    """A connection with the tables there; `begin` it. Raises sqlite3.DatabaseError."""
    database = sqlite3.connect(path, check_same_thread=False, timeout=2)
    try:
        for setting in ("locking_mode = EXCLUSIVE", "auto_vacuum = FULL", "journal_mode = WAL"):
            database.execute(f"PRAGMA {setting}")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == 0:
            database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT")
        elif version != VERSION:
            raise sqlite3.DatabaseError(tr("they are of edition {version}").format(version=version))
        database.execute(_SESSION)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _set_aside(path: Path) -> None:
    """With the changes that SQLite had not moved into it yet: another one's must not be taken for its own."""
    aside = unused(path.with_name(path.name + ".damaged"))
    for suffix in ("-wal", ""):
        if (part := path.with_name(path.name + suffix)).exists():
            part.replace(aside.with_name(aside.name + suffix))


def _is_unusable(error: Exception) -> bool:
    """Whether the file may be sound but cannot be used at the moment."""
    return isinstance(error, OSError) or _code(error) in _UNUSABLE


def _code(error: Exception) -> int:
    """SQLite's primary code, 0 for what is not its own."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
