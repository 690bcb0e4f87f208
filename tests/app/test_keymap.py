"""Which keys actions have, and who gives way."""

import pytest
from PySide6.QtGui import QKeySequence

from app.actions import ACTIONS
from app.keymap import Keymap, joined, portable, split

TABLE = {"run": ("Ctrl+R", "Ctrl+Return"), "copy": ("Ctrl+D",), "play": ("Space",), "loop": ()}


def keymap(**stored: str) -> Keymap:
    return Keymap(stored, TABLE)


def test_files_of_former_editions_hold_one_sequence_an_action():
    assert keymap(copy="Ctrl+J")["copy"] == ("Ctrl+J",)
    assert keymap(copy="")["copy"] == ()


@pytest.mark.parametrize("keys", [("A",), ("Ctrl+;", "A"), ("Ctrl+,", ";", "PgDown"), ()])
def test_several_sequences_are_stored_and_read(keys: tuple[str, ...]):
    assert split(joined(keys)) == keys


def test_nonsense_and_keys_of_others_are_left_out():
    assert split("Ctrl+Foo; B; B") == ("B",)
    assert portable("nonsense") == portable("") == ""
    changed = keymap(copy="Ctrl+J", loop="Ctrl+J; 5; Esc; L")
    assert changed["copy"] == ("Ctrl+J",)
    assert changed["loop"] == ("L",)


def test_what_an_unknown_edition_bound_is_kept():
    changed = keymap(future="Q")
    changed.add("loop", "L")
    assert changed.stored() == {"future": "Q", "loop": "L"}
    changed.reset_all()
    assert changed.stored() == {"future": "Q"}


def test_taking_a_key_leaves_it_with_one_action_until_it_is_reset():
    changed = keymap()
    changed.add("loop", "Ctrl+R")
    assert changed.holder("Ctrl+R") == "loop"
    assert changed["run"] == ("Ctrl+Return",)
    assert changed.is_changed("run")
    assert Keymap(changed.stored(), TABLE).all() == changed.all()
    changed.reset("run")
    assert changed["run"] == TABLE["run"]
    assert changed["loop"] == ()
    assert changed.stored() == {}


def test_a_key_taken_on_and_removed_goes_home():
    changed = keymap()
    changed.add("loop", "Ctrl+D")
    changed.add("run", "Ctrl+D")
    assert changed["loop"] == ()
    assert changed.holder("Ctrl+D") == "run"
    changed.remove("run", "Ctrl+D")
    assert changed.holder("Ctrl+D") == "copy"


def test_an_action_that_a_later_edition_binds_does_not_take_the_users_key():
    """The user gave J to the loop; then an edition comes whose copy has J by default."""
    later = Keymap({"loop": "J"}, {**TABLE, "copy": ("J",)})
    assert later["loop"] == ("J",)
    assert later["copy"] == ()


def test_fixed_keys_stay_with_their_action():
    changed = keymap(play="K")
    assert changed["play"] == ("Space", "K")
    assert changed.permanent("play") == ("Space",)
    for keys in ("Space", "Esc", "1", "9", "Return", "Tab", "Alt+F"):
        assert keys in changed.fixed


def test_the_tables_own_keys_need_no_change():
    plain = Keymap({})
    assert plain.stored() == {}
    for spec in ACTIONS:
        assert [QKeySequence(keys) for keys in plain[spec.name]] == [QKeySequence(k) for k in spec.shortcuts]
