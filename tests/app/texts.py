"""Every text that a window shows or tells, by walking over it."""

import re
from collections.abc import Iterator

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QAbstractTableModel,
    QModelIndex,
    QObject,
    Qt,
)
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QTabBar,
    QWidget,
)

OF_WIDGETS = ("windowTitle", "toolTip", "statusTip", "whatsThis", "accessibleName", "accessibleDescription")
OF_KINDS = (
    "text",
    "title",
    "placeholderText",
    "prefix",
    "suffix",
    "specialValueText",
    "currentText",
    "format",
)
OF_QT = re.compile(r"qt_|Scroll\w+Button$")  # parts that Qt's own widgets are made of
ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.StatusTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
)


def texts(window: QWidget) -> Iterator[tuple[str, str]]:
    """(where, text) of the window and all in it, its menus and its lists' rows included."""
    for widget in (window, *window.findChildren(QWidget)):
        if not OF_QT.match(widget.objectName()):
            yield from _own(widget)
    for action in window.findChildren(QAction):
        where = f"action {action.objectName()}"
        yield from ((where, text) for text in (action.text(), action.toolTip(), action.statusTip()))


def _own(widget: QWidget) -> Iterator[tuple[str, str]]:
    where = f"{type(widget).__name__} {widget.objectName()} in {type(widget.parent()).__name__}"
    for name in (*OF_WIDGETS, *OF_KINDS):
        yield from _value(widget, name, where)
    if isinstance(widget, QTabBar):
        for place in range(widget.count()):
            yield from ((where, text) for text in (widget.tabText(place), widget.tabToolTip(place)))
    if isinstance(widget, QAbstractItemView | QComboBox) and widget.model() is not None:
        yield from ((where, text) for text in _items(widget.model(), QModelIndex()))


def _value(widget: QObject, name: str, where: str) -> Iterator[tuple[str, str]]:
    read = getattr(widget, name, None)
    try:
        value = read() if callable(read) else None
    except TypeError:  # takes an argument, as a tab bar's text does
        return
    if isinstance(value, str) and value:
        yield f"{where}, {name}", value


def _items(model: QAbstractItemModel, above: QModelIndex) -> Iterator[str]:
    flat = isinstance(model, QAbstractListModel | QAbstractTableModel)
    # PySide6 hides that a list has one column.
    columns = range(1 if isinstance(model, QAbstractListModel) else model.columnCount(above))
    for row in range(model.rowCount(above)):
        for index in (model.index(row, column, above) for column in columns):
            yield from (str(index.data(role)) for role in ROLES if isinstance(index.data(role), str))
            if not flat:
                yield from _items(model, index)
    for column in columns:
        title = model.headerData(column, Qt.Orientation.Horizontal)
        yield from [title] if isinstance(title, str) else []
