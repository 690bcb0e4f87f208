"""Which keys each action has: the table's own, changed by the user, and the keys that nothing may take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtGui import QKeySequence

from app.actions import ACTIONS, MENUS
from app.language import tr

Keys = tuple[str, ...]  # portable texts of key sequences, as "Ctrl+Shift+Z"


def portable(text: str) -> str:
    """One key sequence in its usual spelling; "" where `text` is none."""
    keys = QKeySequence.fromString(text)
    spelt = keys.toString()
    return spelt if spelt.isprintable() else ""  # an unknown key is spelt as no character at all


def native(keys: str) -> str:
    """The same as this system writes it."""
    return QKeySequence.fromString(keys).toString(QKeySequence.SequenceFormat.NativeText)


def split(stored: str) -> Keys:
    """The sequences of a stored text: one, or several with "; " between them. Nonsense is left out."""
    found = (portable(keys.toString()) for keys in QKeySequence.listFromString(stored))
    return tuple(dict.fromkeys(keys for keys in found if keys))


def joined(keys: Iterable[str]) -> str:
    """As `split` reads it."""
    return QKeySequence.listToString([QKeySequence.fromString(each) for each in keys])


def fixed_uses() -> dict[str, str]:
    """What the keys do that no action may take, by key."""
    uses = {
        "Space": tr("plays, and pans while the mouse drags"),
        "Esc": tr("cancels"),
        "Return": tr("closes an outline and confirms"),
        "Enter": tr("closes an outline and confirms"),
        "Backspace": tr("takes an outline's last corner back"),
        "Tab": tr("moves on to the next control"),
        "Shift+Tab": tr("moves back to the control before"),
        "Backtab": tr("moves back to the control before"),
    }
    uses |= {str(place): tr("picks object {place}").format(place=place) for place in range(1, 10)}
    for menu in MENUS:
        name = menu.replace("&", "")
        letter = menu.partition("&")[2][:1].upper()  # a translation may have none
        uses |= {f"Alt+{letter}": tr("opens the menu {menu}").format(menu=name)} if letter else {}
    return uses


class Keymap:
    """All keys of all actions. No sequence has two actions."""

    def __init__(self, stored: Mapping[str, str], defaults: Mapping[str, Keys] | None = None) -> None:
        """`stored`: what `stored` gave. Names of other editions are kept, keys that are taken are not."""
        given = {spec.name: spec.shortcuts for spec in ACTIONS} if defaults is None else defaults
        self._defaults = {name: tuple(map(portable, keys)) for name, keys in given.items()}
        self.fixed = fixed_uses()
        self._foreign = {name: text for name, text in stored.items() if name not in given}
        self._changed: dict[str, Keys] = {}
        for name in given:
            if name in stored:
                free = [keys for keys in split(stored[name]) if self._is_free(keys)]
                self._set(name, (*self.permanent(name), *free))

    def _is_free(self, keys: str) -> bool:
        return keys not in self.fixed and not any(keys in each for each in self._changed.values())

    def __getitem__(self, name: str) -> Keys:
        if name in self._changed:
            return self._changed[name]
        # Keys that the user gave to another action; a later edition may have made them this one's.
        taken = {keys for each in self._changed.values() for keys in each}
        return tuple(keys for keys in self._defaults[name] if keys not in taken)

    def all(self) -> dict[str, Keys]:
        """The keys of every action by its name."""
        return {name: self[name] for name in self._defaults}

    def holder(self, keys: str) -> str:
        """The name of the action that has these keys, or ""."""
        return next((name for name in self._defaults if keys in self[name]), "")

    def permanent(self, name: str) -> Keys:
        """Those of an action's keys that cannot be taken from it."""
        return tuple(keys for keys in self._defaults[name] if keys in self.fixed)

    def is_changed(self, name: str) -> bool:
        """Whether an action has other keys than by default."""
        return self[name] != self._defaults[name]

    def add(self, name: str, keys: str) -> None:
        """Give an action one more sequence, taking it from where it was."""
        self._take([keys])
        self._set(name, (*self[name], keys))

    def remove(self, name: str, keys: str) -> None:
        """Take a sequence from an action."""
        self._set(name, tuple(each for each in self[name] if each != keys))

    def reset(self, name: str) -> None:
        """The default keys again, taken back from where they went."""
        self._changed.pop(name, None)
        self._take(keys for keys in self._defaults[name] if keys not in self.permanent(name))

    def reset_all(self) -> None:
        """As on the first day."""
        self._changed.clear()

    def stored(self) -> dict[str, str]:
        """What is not as by default, to be kept in the settings."""
        return self._foreign | {name: joined(keys) for name, keys in self._changed.items()}

    def _take(self, wanted: Iterable[str]) -> None:
        """From whom the user gave them to; whose they are by default gives way by itself."""
        for keys in list(wanted):
            for name, held in list(self._changed.items()):
                if keys in held:
                    self._set(name, tuple(each for each in held if each != keys))

    def _set(self, name: str, keys: Keys) -> None:
        self._changed[name] = keys
        if keys == self._defaults[name]:
            del self._changed[name]
