"""The look: dark and light colours, the style sheet and icons that follow them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from functools import cache
from string import Template

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from resources import resource

# Over the picture, on a dark halo: the same in every theme.
ON_PICTURE = "#e6e8eb"
DANGER_ON_PICTURE = "#ff6b6b"
SMALLEST_FONT = 9.5  # points


@dataclass(frozen=True)
class Colours:
    """The colours of a theme, "#rrggbb". Words in `text` and `muted` are readable on the first three."""

    window: str
    panel: str
    raised: str
    line: str
    seam: str  # between frames that lie side by side in a lane, "#aarrggbb"
    tick: str  # marks of the ruler, and what is cached
    text: str
    muted: str
    disabled: str
    accent: str
    accent_bright: str
    accent_text: str  # on the accent and on a warning
    canvas: str  # round the picture
    warning: str
    danger: str
    good: str
    # The timeline's states, told apart by brightness and shape as well as by hue.
    annotated: str
    halo: str  # round them
    in_out: str
    playhead: str


class Theme(Enum):
    """The themes to choose from; the values are what the settings keep."""

    DARK = "dark"
    LIGHT = "light"
    SYSTEM = "system"


DARK = Colours(
    window="#1b1d21",
    panel="#23262b",
    raised="#2e3238",
    line="#3b4048",
    seam="#46000000",
    tick="#586070",
    text="#e6e8eb",
    muted="#a3aab4",  # 7:1 on `window`
    disabled="#6b727c",
    accent="#4da3ff",
    accent_bright="#6bb3ff",
    accent_text="#08121d",
    canvas="#141518",
    warning="#ffb454",
    danger="#ff6b6b",
    good="#5fd38d",
    annotated="#ffffff",
    halo="#101114",
    in_out="#ffd166",
    playhead="#ff5d5d",
)
LIGHT = Colours(
    window="#e9ebee",
    panel="#f6f7f8",
    raised="#dadee3",
    line="#bcc2ca",
    seam="#26000000",
    tick="#939ba6",
    text="#1a1d21",
    muted="#4b535e",  # 6.5:1 on `window`
    disabled="#98a0aa",
    accent="#0a63c4",
    accent_bright="#1f7ae0",
    accent_text="#ffffff",
    canvas="#c9cdd2",
    warning="#964a00",
    danger="#b81d1d",
    good="#1c7a43",
    annotated="#15181c",
    halo="#ffffff",
    in_out="#b07400",
    playhead="#d12c2c",
)


class _Shown:
    """Which colours are on the screen."""

    colours = DARK


def colours() -> Colours:
    """The colours now in force: ask at each painting, they may change."""
    return _Shown.colours


def apply_theme(application: QApplication, theme: Theme = Theme.DARK) -> None:
    """Fusion with the theme's palette and style sheet; fonts follow the desktop, at least 9.5 points."""
    _Shown.colours = LIGHT if _is_light(application, theme) else DARK
    application.setStyle("Fusion")
    application.setPalette(_palette(_Shown.colours))
    font = QFont(application.font())
    if font.pointSizeF() < SMALLEST_FONT:
        font.setPointSizeF(SMALLEST_FONT)
        application.setFont(font)
    application.setStyleSheet(_style_sheet(_Shown.colours))


def _is_light(application: QApplication, theme: Theme) -> bool:
    if theme is Theme.SYSTEM:
        return application.styleHints().colorScheme() is Qt.ColorScheme.Light
    return theme is Theme.LIGHT


class _StyleTemplate(Template):
    """Style sheets use `$` for nothing and `@` for colours."""

    delimiter = "@"


def _style_sheet(shown: Colours) -> str:
    template = _StyleTemplate(resource("style/window.qss").read_text("utf-8"))
    kind = "" if shown is DARK else "_light"
    icons = {name: _icon_path(name + kind) for name in ("chevron", "check")}
    return template.substitute(asdict(shown), **icons)


def _icon_path(name: str) -> str:
    """The path of an icon that is not tinted, as style sheets want it."""
    return str(resource(f"icons/{name}.svg")).replace("\\", "/")


def _palette(shown: Colours) -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: shown.window,
        QPalette.ColorRole.WindowText: shown.text,
        QPalette.ColorRole.Base: shown.panel,
        QPalette.ColorRole.AlternateBase: shown.raised,
        QPalette.ColorRole.Text: shown.text,
        QPalette.ColorRole.Button: shown.raised,
        QPalette.ColorRole.ButtonText: shown.text,
        QPalette.ColorRole.ToolTipBase: shown.raised,
        QPalette.ColorRole.ToolTipText: shown.text,
        QPalette.ColorRole.PlaceholderText: shown.muted,
        QPalette.ColorRole.Highlight: shown.accent,
        QPalette.ColorRole.HighlightedText: shown.accent_text,
        QPalette.ColorRole.Link: shown.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(shown.disabled))
    return palette


@cache
def icon(name: str, role: str = "text") -> QIcon:
    """The line icon `resources/icons/NAME.svg` in the theme's colour of that `role` (a field of Colours).

    Greyed when disabled, sharp on any screen; it follows a change of theme.
    """
    return QIcon(_LineIcon(resource(f"icons/{name}.svg").read_text("utf-8"), role))


class _LineIcon(QIconEngine):
    """Draws an SVG whose strokes are `currentColor`."""

    def __init__(self, svg: str, role: str) -> None:
        super().__init__()
        self._svg, self._role = svg, role

    def clone(self) -> QIconEngine:
        """Another one that looks the same."""
        return _LineIcon(self._svg, self._role)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the icon into a rectangle."""
        role = self._role
        if mode is QIcon.Mode.Disabled:
            role = "disabled"
        elif state is QIcon.State.On:
            role = "accent_text"
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        _renderer(self._svg, getattr(colours(), role)).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """The same as a picture of `size` device pixels."""
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap


@cache
def _renderer(svg: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(svg.replace("currentColor", colour).encode()))
