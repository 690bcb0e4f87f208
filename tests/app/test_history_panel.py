"""The history panel and what the start screen offers after a crash, as a person meets them."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.history_panel import HistoryModel, HistoryPanel
from app.main_window import MainWindow
from app.settings import Settings
from app.undo import Step
from app.workspace import Workspace
from tests.app.conftest import FRAMES, Confirm, open_and_wait
from tests.app.document.edited import FRAMES as MANY  # noqa: F401
from tests.app.fake_engine import FakeEngine
from tests.app.mouse import click
from tests.app.person import do, document_of, run, scribble
