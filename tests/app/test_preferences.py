"""Theme, size and the look of masks: what is chosen is seen at once and kept."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QSlider
from pytestqt.qtbot import QtBot

from app import theme
from app.film_strip import FilmStrip
from app.lane import STRIP
from app.main_window import MainWindow
from app.preferences import Preferences
from app.settings import Settings
from app.theme import DARK, LIGHT, Colours, Theme, apply_theme
from app.time_axis import TimeAxis
from tests.app.person import do


@pytest.fixture
def light(themed: QApplication) -> Iterator[QApplication]:
    apply_theme(themed, Theme.LIGHT)
    yield themed
    apply_theme(themed)


def luminance(colour: str) -> float:
    """WCAG 2.1's relative luminance."""
    parsed = QColor(colour)
    parts = [parsed.redF(), parsed.greenF(), parsed.blueF()]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.1's contrast ratio."""
    brighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("shown", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("ground", ["window", "panel", "raised"])
def test_words_are_readable_in_every_theme(shown: Colours, ground: str):
    behind = getattr(shown, ground)
    assert contrast(shown.text, behind) >= 7
    for role in ("muted", "warning", "danger"):
        assert contrast(getattr(shown, role), behind) >= 4.3
    assert contrast(shown.accent_text, shown.accent) >= 4.5


def test_icons_follow_the_theme(light: QApplication):
    def darkest() -> int:
        picture = theme.icon("help").pixmap(32, 32).toImage()
        solid = [picture.pixelColor(x, y) for x in range(32) for y in range(32)]
        return min(c.lightness() for c in solid if c.alpha() > 200)

    assert darkest() < 60
    apply_theme(light, Theme.DARK)
    assert darkest() > 180


def in_preferences(
    window: MainWindow, monkeypatch: pytest.MonkeyPatch, change: Callable[[Preferences], object]
) -> None:
    """Open the dialog by its action, `change` something in it, close it."""

    def use(dialog: Preferences) -> int:
        change(dialog)
        return 0

    monkeypatch.setattr(Preferences, "exec", use)
    do(window, "preferences")


def test_the_window_turns_light_and_back(
    opened: MainWindow, monkeypatch: pytest.MonkeyPatch, themed: QApplication
):
    def ground() -> int:
        return opened.grab().toImage().pixelColor(opened.width() - 4, opened.height() - 4).lightness()

    def choose(theme: str) -> Callable[[Preferences], object]:
        return lambda dialog: dialog.themes.setCurrentIndex(dialog.themes.findData(theme))

    assert ground() < 60
    kept: list[str] = []
    opened.appearance.settings_changed.connect(lambda: kept.append(opened.settings.theme))
    in_preferences(opened, monkeypatch, choose("light"))
    assert kept == ["light"]
    assert ground() > 200
    timeline = opened.timeline.grab().toImage()
    assert timeline.pixelColor(2, timeline.height() - 2).lightness() > 200
    in_preferences(opened, monkeypatch, choose("dark"))
    assert ground() < 60


def test_the_film_strips_ground_turns_light_too(light: QApplication):
    strip, axis = FilmStrip(), TimeAxis(0)
    strip.set_clip((64, 48))
    axis.frame_count = 40
    axis.resize(300)

    def ground() -> int:
        picture = QImage(300, STRIP, QImage.Format.Format_RGB32)
        painter = QPainter(picture)
        strip.draw(painter, axis, 0, 1.0)
        painter.end()
        return picture.pixelColor(20, STRIP // 2).lightness()

    assert ground() > 150
    apply_theme(light, Theme.DARK)
    assert ground() < 60


def test_the_overlay_grows_fainter_with_its_slider(opened: MainWindow, monkeypatch: pytest.MonkeyPatch):
    def fade(dialog: Preferences) -> None:
        dialog.findChild(QSlider, "overlay_opacity").setValue(20)
        assert opened.viewer.look.opacity == 0.2  # at once

    in_preferences(opened, monkeypatch, fade)
    assert opened.settings.overlay_opacity == 0.2


def test_the_settings_start_the_dialog(qtbot: QtBot, themed: QApplication):
    dialog = Preferences(Settings(theme="system", interface_scale=1.5, outline_width=2.0))
    qtbot.addWidget(dialog)
    assert dialog.themes.currentData() == "system"
    assert dialog.scales.currentData() == 1.5
    assert dialog.findChild(QSlider, "outline_width").value() == 200
