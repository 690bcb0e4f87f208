from fractions import Fraction

import pytest
from pytestqt.qtbot import QtBot

from app.playback import Player
from vosengine.types import Span

STEADY = tuple(Fraction(n, 25) for n in range(10))
UNEVEN = tuple(map(Fraction, ("0", "0.5", "0.6", "2")))


@pytest.fixture
def player(qtbot: QtBot) -> Player:
    return Player()


@pytest.mark.parametrize(("elapsed", "frame"), [("0", 2), ("0.039", 2), ("0.04", 3), ("0.2", 7)])
def test_the_frame_due_by_the_clock(player: Player, elapsed: str, frame: int):
    player.play(STEADY, Fraction(25), Span(0, 10), 2)
    assert player.due(Fraction(elapsed)) == (frame, False)


def test_variable_rate_follows_the_timestamps(player: Player):
    player.play(UNEVEN, Fraction(2), Span(0, 4), 0)
    assert [player.due(Fraction(t))[0] for t in ("0.49", "0.55", "1.9", "2.1")] == [0, 1, 2, 3]


def test_it_ends_on_the_last_frame(player: Player):
    player.play(STEADY, Fraction(25), Span(2, 6), 2)
    assert player.due(Fraction(3, 25)) == (5, False)
    assert player.due(Fraction(4, 25)) == (5, True)


def test_a_loop_goes_on_from_in(player: Player):
    player.loops = True
    player.play(STEADY, Fraction(25), Span(2, 6), 4)
    assert [player.due(Fraction(n, 25))[0] for n in range(8)] == [4, 5, 2, 3, 4, 5, 2, 3]


@pytest.mark.parametrize("frame", [0, 5, 9])
def test_playing_from_outside_or_the_end_starts_at_in(player: Player, frame: int):
    player.play(STEADY, Fraction(25), Span(2, 6), frame)
    assert player.due(Fraction(0)) == (2, False)


def test_it_plays_to_the_end_and_tells(player: Player, qtbot: QtBot):
    shown: list[int] = []
    player.frame_due.connect(shown.append)
    with qtbot.waitSignal(player.playing_changed, check_params_cb=lambda playing: not playing):
        player.play(STEADY, Fraction(25), Span(0, 10), 5)
    assert shown[-1] == 9
    assert shown == sorted(shown)


def test_a_single_frame_does_not_play(player: Player):
    player.play((Fraction(0),), Fraction(25), Span(0, 1), 0)
    assert not player.is_playing
