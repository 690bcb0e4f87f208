"""Renders `rotoshot.svg` to PNG files and to the Windows icon: python packaging/icons/render.py"""

from __future__ import annotations

import os
from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

HERE = Path(__file__).parent
SIZES = (16, 32, 48, 64, 128, 256)


def main() -> None:
    """Write `rotoshot-SIZE.png` and `rotoshot.ico` beside the drawing."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication([])
    drawing = QSvgRenderer(str(HERE / "rotoshot.svg"))
    for size in SIZES:
        picture = QImage(size, size, QImage.Format.Format_ARGB32)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        drawing.render(painter)
        painter.end()
        picture.save(str(HERE / f"rotoshot-{size}.png"))
    with Image.open(HERE / "rotoshot-256.png") as largest:
        largest.save(HERE / "rotoshot.ico", sizes=[(size, size) for size in SIZES])
    application.quit()


if __name__ == "__main__":
    main()
