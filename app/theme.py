"""The dark look: palette, style sheet and icons tinted for it."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

WINDOW = "#1b1d21"
PANEL = "#23262b"
RAISED = "#2e3238"
LINE = "#3b4048"
TEXT = "#e6e8eb"
MUTED = "#a3aab4"  # 7:1 on WINDOW: still readable
DISABLED = "#6b727c"
ACCENT = "#4da3ff"
ACCENT_TEXT = "#08121d"
CANVAS = "#141518"
WARNING = "#ffb454"
DANGER = "#ff6b6b"
GOOD = "#5fd38d"

# The timeline's states, told apart by brightness and shape as well as by hue.
ANNOTATED = "#ffffff"
IN_OUT = "#ffd166"
PLAYHEAD = "#ff5d5d"

ICON_SIDES = (16, 20, 24, 32, 40, 48, 64)


def apply_theme(application: QApplication) -> None:
    """Fusion with the dark palette and the style sheet; fonts follow the desktop, at least 9.5 points."""
    application.setStyle("Fusion")
    application.setPalette(_palette())
    font = QFont(application.font())
    if font.pointSizeF() < 9.5:
        font.setPointSizeF(9.5)
    application.setFont(font)
    application.setStyleSheet(
        STYLE.replace("{chevron}", _icon_path("chevron")).replace("{check}", _icon_path("check"))
    )


def _icon_path(name: str) -> str:
    """The path of an icon that is not tinted, as style sheets want it."""
    return str(files("resources").joinpath("icons", f"{name}.svg")).replace("\\", "/")


def _palette() -> QPalette:
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: WINDOW,
        QPalette.ColorRole.WindowText: TEXT,
        QPalette.ColorRole.Base: PANEL,
        QPalette.ColorRole.AlternateBase: RAISED,
        QPalette.ColorRole.Text: TEXT,
        QPalette.ColorRole.Button: RAISED,
        QPalette.ColorRole.ButtonText: TEXT,
        QPalette.ColorRole.ToolTipBase: RAISED,
        QPalette.ColorRole.ToolTipText: TEXT,
        QPalette.ColorRole.PlaceholderText: MUTED,
        QPalette.ColorRole.Highlight: ACCENT,
        QPalette.ColorRole.HighlightedText: ACCENT_TEXT,
        QPalette.ColorRole.Link: ACCENT,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(DISABLED))
    return palette


@cache
def icon(name: str, colour: str = TEXT) -> QIcon:
    """The line icon `resources/icons/NAME.svg` in `colour`, greyed when disabled, sharp on any screen."""
    svg = files("resources").joinpath("icons", f"{name}.svg").read_text(encoding="utf-8")
    result = QIcon()
    for tint, mode, state in (
        (colour, QIcon.Mode.Normal, QIcon.State.Off),
        (ACCENT_TEXT, QIcon.Mode.Normal, QIcon.State.On),
        (DISABLED, QIcon.Mode.Disabled, QIcon.State.Off),
    ):
        renderer = QSvgRenderer(QByteArray(svg.replace("currentColor", tint).encode()))
        for side in ICON_SIDES:
            result.addPixmap(_rendered(renderer, side), mode, state)
    return result


def _rendered(renderer: QSvgRenderer, side: int) -> QPixmap:
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    return pixmap


STYLE = f"""
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMenuBar {{ background: {WINDOW}; padding: 1px 4px; }}
QMenuBar::item {{ padding: 4px 9px; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px 28px 5px 26px; border-radius: 4px; }}
QMenu::item:selected {{ background: {ACCENT}; color: {ACCENT_TEXT}; }}
QMenu::item:disabled {{ color: {DISABLED}; background: transparent; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolBar {{ background: {WINDOW}; border: none; spacing: 2px; padding: 3px 6px; }}
QToolBar::separator {{ background: {LINE}; width: 1px; height: 1px; margin: 5px; }}
QToolButton {{ border: 1px solid transparent; border-radius: 5px; padding: 4px; color: {TEXT}; }}
QToolButton:hover {{ background: {RAISED}; }}
QToolButton:pressed {{ background: {LINE}; }}
QToolButton:checked {{ background: {ACCENT}; color: {ACCENT_TEXT}; }}
QToolButton:disabled {{ color: {DISABLED}; }}
QPushButton {{
  background: {RAISED}; border: 1px solid {LINE}; border-radius: 5px; padding: 5px 12px; min-height: 18px;
}}
QPushButton:hover {{ border-color: {MUTED}; }}
QPushButton:focus {{ border-color: {ACCENT}; }}
QPushButton:pressed {{ background: {LINE}; }}
QPushButton:disabled {{ color: {DISABLED}; background: {PANEL}; border-color: {RAISED}; }}
QPushButton[primary="true"] {{
  background: {ACCENT}; border-color: {ACCENT}; color: {ACCENT_TEXT}; font-weight: 600;
}}
QPushButton[primary="true"]:hover {{ background: #6bb3ff; }}
QPushButton[primary="true"]:disabled {{ background: {RAISED}; border-color: {RAISED}; color: {DISABLED}; }}
QComboBox, QLineEdit, QSpinBox {{
  background: {WINDOW}; border: 1px solid {LINE}; border-radius: 5px; padding: 4px 8px; min-height: 18px;
  selection-background-color: {ACCENT}; selection-color: {ACCENT_TEXT};
}}
QComboBox:focus, QLineEdit:focus, QSpinBox:focus {{ border-color: {ACCENT}; }}
QComboBox::drop-down {{ border: none; width: 22px; }}
QComboBox::down-arrow {{ image: url({{chevron}}); width: 12px; height: 12px; }}
QSpinBox QLineEdit {{ background: transparent; border: none; padding: 0 8px; min-height: 0; }}
QSpinBox::up-button, QSpinBox::down-button {{ width: 0; border: none; }}
QComboBox QAbstractItemView {{ background: {PANEL}; border: 1px solid {LINE}; outline: none; }}
QProgressBar {{
  background: {WINDOW}; border: 1px solid {LINE}; border-radius: 4px; height: 10px; text-align: center;
}}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
QCheckBox {{ spacing: 7px; }}
QCheckBox::indicator {{
  width: 14px; height: 14px; border: 1px solid {DISABLED}; border-radius: 3px; background: {WINDOW};
}}
QCheckBox::indicator:hover, QCheckBox:focus::indicator {{ border-color: {ACCENT}; }}
QCheckBox::indicator:checked {{ background: {ACCENT}; border-color: {ACCENT}; image: url({{check}}); }}
QDockWidget::title {{ background: {WINDOW}; padding: 7px 4px 5px 8px; }}
QSlider::groove:horizontal {{ height: 4px; background: {LINE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; margin: -5px 0; border-radius: 7px; background: {TEXT}; }}
QSlider::handle:horizontal:disabled {{ background: {DISABLED}; }}
QSlider::sub-page:horizontal:disabled {{ background: {LINE}; }}
QListWidget, QTableView, QPlainTextEdit {{
  background: {WINDOW}; border: 1px solid {LINE}; border-radius: 5px; outline: none;
}}
QListWidget::item {{ border-radius: 4px; padding: 2px; }}
QListWidget::item:hover {{ background: {PANEL}; }}
QListWidget::item:selected {{ background: {RAISED}; color: {TEXT}; border-left: 3px solid {ACCENT}; }}
QHeaderView::section {{ background: {PANEL}; color: {MUTED}; border: none; padding: 4px 8px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 0; }}
QScrollBar::handle {{
  background: {LINE}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px;
}}
QScrollBar::handle:hover {{ background: {DISABLED}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QStatusBar {{ background: {WINDOW}; color: {MUTED}; border-top: 1px solid {LINE}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {MUTED}; padding: 0 6px; }}
QSplitter::handle {{ background: {WINDOW}; }}
QSplitter::handle:hover {{ background: {ACCENT}; }}
QWidget[card="true"] {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 7px; }}
QLabel[heading="true"] {{ font-weight: 600; color: {TEXT}; }}
QLabel[muted="true"] {{ color: {MUTED}; }}
"""
