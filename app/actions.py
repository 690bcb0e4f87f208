"""The one table of actions: menus, toolbars, shortcuts, tooltips and the shortcut sheet all come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget

from app.theme import icon

# What an action may need, and the sentence its tooltip gives while that is missing.
REASONS: dict[str, str] = {
    "clip": "Open a clip first.",
    "object": "Add an object first.",
    "idle": "Wait for the run to end, or cancel it with Esc.",
    "annotation": "Mark an object on at least one frame first.",
    "marked": "This object has no mask or box on this frame.",
    "drawn": "Nothing is drawn or approved for this object on this frame.",
    "masked": "This object has no mask on this frame.",
    "previous": "The previous frame has no mask for this object.",
    "next": "The next frame has no mask for this object.",
    "above": "This object is the topmost.",
    "below": "This object is the lowest.",
    "result": "There is no mask to export yet: mark a frame and run.",
    "running": "Nothing is running.",
    "undo": "Nothing to undo.",
    "redo": "Nothing to redo.",
    "several": "The clip has a single frame.",
    "worst": "There is no prediction to judge yet: mark a frame and run.",
    "predicted": "This frame shows no prediction of this object.",
    "former": "There is nothing to compare with yet: run first.",
}


@dataclass(frozen=True)
class ActionSpec:
    """One thing the user can do. `name` is stable: settings rebind shortcuts by it.

    menu: the menu that lists it. toolbar: "main", "tools", "mask", "view", "transport" or "" for none.
    group: checkable, exclusive with the others of the group; `checkable`: a toggle of its own.
    needs: keys of REASONS that must all hold for the action to be enabled.
    """

    name: str
    text: str
    menu: str
    shortcuts: tuple[str, ...] = ()
    icon: str = ""
    tip: str = ""
    toolbar: str = ""
    group: str = ""
    checkable: bool = False
    needs: tuple[str, ...] = ()
    separator: bool = False


MENUS = ("&File", "&Edit", "&Object", "&Tool", "&Cut out", "&Judge", "&Playback", "&View", "&Help")
FILE, EDIT, OBJECT, TOOL, CUT, JUDGE, PLAYBACK, VIEW, HELP = MENUS
CLIP, SELECTED = ("clip",), ("clip", "object")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_clip", "&Open clip…", FILE, ("Ctrl+O",), "open", "Open a video file", "main"),
    ActionSpec("open_sequence", "Open image &sequence…", FILE, ("Ctrl+Shift+O",), "sequence"),
    ActionSpec("open_project", "Open &project…", FILE, ("Ctrl+Alt+O",), "project"),
    ActionSpec("import_masks", "&Import masks…", FILE, ("Ctrl+I",), "import",
               "Take masks or mattes from pictures: PNG, DAVIS palette, EXR, or the alpha of a clip",
               needs=("clip", "idle"), separator=True),
    ActionSpec("export", "&Export…", FILE, ("Ctrl+E",), "export", "Write mattes to files", "main",
               needs=("clip", "idle", "result")),
    ActionSpec("show_folder", "Show project &folder", FILE, (), "open", needs=CLIP),
    ActionSpec("close_project", "&Close project", FILE, ("Ctrl+W",), needs=CLIP, separator=True),
    ActionSpec("quit", "&Quit", FILE, ("Ctrl+Q",)),
    ActionSpec("undo", "&Undo", EDIT, ("Ctrl+Z",), "undo", "Undo", "main", needs=("undo",)),
    ActionSpec("redo", "&Redo", EDIT, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo", "Redo", "main", needs=("redo",)),
    ActionSpec("approve", "&Approve frame", EDIT, ("A",), "approve",
               "Keep this mask as it is: runs will not change it",
               needs=(*SELECTED, "marked"), separator=True),
    ActionSpec("copy_previous", "&Copy mask from previous frame", EDIT, ("Ctrl+D",), "copy_previous",
               "Start this frame from the mask of the frame before", needs=(*SELECTED, "previous")),
    ActionSpec("copy_next", "Copy mask from &next frame", EDIT, ("Ctrl+Shift+D",), "copy_next",
               "Start this frame from the mask of the frame after", needs=(*SELECTED, "next")),
    ActionSpec("clear", "C&lear this frame", EDIT, ("Del",), "clear",
               "Take what was drawn of this object off this frame", needs=(*SELECTED, "drawn")),
    ActionSpec("fill_holes", "&Fill holes", EDIT, ("H",), "fill_holes", "Fill the holes of this mask",
               "mask", needs=(*SELECTED, "masked"), separator=True),
    ActionSpec("remove_specks", "Remove &specks", EDIT, ("Shift+H",), "specks",
               "Remove tiny parts and pinholes from this mask", "mask", needs=(*SELECTED, "masked")),
    ActionSpec("grow", "&Grow mask", EDIT, ("Ctrl+]",), "grow", "Grow this mask by one pixel", "mask",
               needs=(*SELECTED, "masked")),
    ActionSpec("shrink", "S&hrink mask", EDIT, ("Ctrl+[",), "shrink", "Shrink this mask by one pixel",
               "mask", needs=(*SELECTED, "masked")),
    ActionSpec("add_object", "&Add object", OBJECT, ("Ctrl+N",), "add", "Add an object", needs=CLIP),
    ActionSpec("rename_object", "&Rename object", OBJECT, ("F2",), "rename", "Rename this object",
               needs=SELECTED),
    ActionSpec("toggle_object", "&Show or hide object", OBJECT, ("V",), "visible",
               "Show or hide this object's mask", needs=SELECTED),
    ActionSpec("solo", "S&olo", OBJECT, ("Shift+V",), "solo", "Show the selected object alone",
               checkable=True, needs=SELECTED),
    ActionSpec("lock_object", "&Lock or unlock object", OBJECT, ("Ctrl+Shift+L",), "lock",
               "Keep this object as it is: nothing draws on it or runs over it", needs=SELECTED),
    ActionSpec("object_up", "Move object &up", OBJECT, ("Alt+Up",), "up",
               "Move this object up; the topmost covers the others",
               needs=(*SELECTED, "above"), separator=True),
    ActionSpec("object_down", "Move object &down", OBJECT, ("Alt+Down",), "down",
               "Move this object down", needs=(*SELECTED, "below")),
    ActionSpec("delete_object", "&Delete object", OBJECT, ("Ctrl+Del",), "clear", "Delete this object",
               needs=(*SELECTED, "idle"), separator=True),
    ActionSpec("brush", "&Brush", TOOL, ("P",), "brush", "Paint the mask", "tools", "tool", needs=CLIP),
    ActionSpec("eraser", "&Eraser", TOOL, ("E",), "eraser", "Erase from the mask", "tools", "tool",
               needs=CLIP),
    ActionSpec("foreground", "&Foreground scribble", TOOL, ("S",), "foreground",
               "Scribble on the object: GrabCut finds its outline", "tools", "tool", needs=CLIP),
    ActionSpec("background", "Back&ground scribble", TOOL, ("D",), "background",
               "Scribble on what is not the object", "tools", "tool", needs=CLIP),
    ActionSpec("box", "Bo&x", TOOL, ("X",), "box", "Drag a box round the object", "tools", "tool",
               needs=CLIP),
    ActionSpec("lasso", "&Lasso", TOOL, ("L",), "lasso", "Draw round an area freehand", "tools", "tool",
               needs=CLIP),
    ActionSpec("polygon", "&Polygon", TOOL, ("G",), "polygon",
               "Click the corners of an area; double-click or Enter closes it", "tools", "tool", needs=CLIP),
    ActionSpec("magnetic", "&Magnetic lasso", TOOL, ("Y",), "magnetic",
               "Click along an edge: the line follows it", "tools", "tool", needs=CLIP),
    ActionSpec("colour", "Eye&dropper", TOOL, ("K",), "colour",
               "Click a colour to select what has it; drag away to take in more", "tools", "tool",
               needs=CLIP),
    ActionSpec("smaller", "S&maller brush", TOOL, ("[",), needs=CLIP, separator=True),
    ActionSpec("larger", "La&rger brush", TOOL, ("]",), needs=CLIP),
    ActionSpec("harder", "&Harder brush edge", TOOL, ("{",), needs=CLIP),
    ActionSpec("softer", "S&ofter brush edge", TOOL, ("}",), needs=CLIP),
    ActionSpec("pen_pressure", "Pen press&ure sets the size", TOOL, checkable=True, needs=CLIP),
    ActionSpec("run", "&Run", CUT, ("Ctrl+R", "Ctrl+Return"), "run",
               "Learn the objects from the marked frames, then cut them out of every frame",
               needs=("clip", "idle", "annotation")),
    ActionSpec("propagate_forward", "Propagate &forward", CUT, ("F",), "forward",
               "From this frame to the out point, with what was learned last",
               needs=("clip", "idle", "annotation")),
    ActionSpec("propagate_backward", "Propagate &backward", CUT, ("B",), "backward",
               "From this frame back to the in point, with what was learned last",
               needs=("clip", "idle", "annotation")),
    ActionSpec("update_at_once", "&Update after each correction", CUT, (), tip=
               "Run by itself when a frame was corrected: only what the correction may change is done again",
               checkable=True, needs=CLIP),
    ActionSpec("cancel", "&Cancel", CUT, ("Esc",), "cancel", "Stop; what is finished stays",
               needs=("running",),
               separator=True),
    ActionSpec("next_worst", "&Next worst frame", JUDGE, ("N",), "next_worst",
               "Go to the next frame that is probably wrong", needs=("clip", "worst")),
    ActionSpec("previous_worst", "&Previous worst frame", JUDGE, ("Shift+N",), "previous_worst",
               "Back to the worse frame before", needs=("clip", "worst")),
    ActionSpec("correct", "&Correct frame", JUDGE, ("C",), "correct",
               "Scribble on this frame if it is listed, else on the worst one", needs=("clip", "worst"),
               separator=True),
    ActionSpec("mute", "&Mute frame", JUDGE, ("M",), "mute",
               "Good enough: do not list this frame again until it changes", needs=(*SELECTED, "predicted")),
    ActionSpec("worst_frames", "&Worst frames", JUDGE, ("F4",), "worst_frames",
               "Show or hide the list of frames that are probably wrong", "view",
               checkable=True, needs=CLIP, separator=True),
    ActionSpec("first", "&First frame", PLAYBACK, ("Home",), "first", "First frame", "transport", needs=CLIP),
    ActionSpec("previous_annotation", "Previous &marked frame", PLAYBACK, ("PgUp",), "previous_annotation",
               "Previous marked frame", "transport", needs=CLIP),
    ActionSpec("previous", "&Previous frame", PLAYBACK, ("Left",), "previous", "Previous frame", "transport",
               needs=CLIP),
    ActionSpec("play", "P&lay", PLAYBACK, ("Space",), "play", "Play or pause", "transport",
               needs=("clip", "several")),
    ActionSpec("next", "&Next frame", PLAYBACK, ("Right",), "next", "Next frame", "transport", needs=CLIP),
    ActionSpec("next_annotation", "Next mar&ked frame", PLAYBACK, ("PgDown",), "next_annotation",
               "Next marked frame", "transport", needs=CLIP),
    ActionSpec("last", "L&ast frame", PLAYBACK, ("End",), "last", "Last frame", "transport", needs=CLIP),
    ActionSpec("back_ten", "Back 10 frames", PLAYBACK, ("Shift+Left",), needs=CLIP, separator=True),
    ActionSpec("ahead_ten", "Ahead 10 frames", PLAYBACK, ("Shift+Right",), needs=CLIP),
    ActionSpec("mark_in", "Set &in point", PLAYBACK, ("I",), "mark_in", "Set in point", "transport",
               needs=CLIP, separator=True),
    ActionSpec("mark_out", "Set &out point", PLAYBACK, ("O",), "mark_out", "Set out point", "transport",
               needs=CLIP),
    ActionSpec("clear_range", "Clear in and out", PLAYBACK, ("Alt+X",), needs=CLIP),
    ActionSpec("loop", "Loop", PLAYBACK, ("Ctrl+L",), "loop", "Loop between in and out", "transport",
               checkable=True, needs=CLIP),
    ActionSpec("overlay", "&Overlay", VIEW, ("F5",), "overlay", "Masks over the clip", "view", "view",
               needs=CLIP, separator=True),
    ActionSpec("outline", "Ou&tline", VIEW, ("Shift+F5",), "outline", "Only the objects' outlines", "view",
               "view", needs=CLIP),
    ActionSpec("matte", "&Matte", VIEW, ("F6",), "matte", "The visible objects' mattes, in grey", "view",
               "view",
               needs=CLIP),
    ActionSpec("checkerboard", "Alpha on &checkerboard", VIEW, ("F7",), "checker",
               "Cut out on a checkerboard", "view",
               "view", needs=CLIP),
    ActionSpec("black", "Foreground only, on &black", VIEW, ("F8",), "black", "Foreground only, on black",
               "view", "view", needs=CLIP),
    ActionSpec("backdrop", "Alpha on a co&lour", VIEW, ("Shift+F8",), "backdrop",
               "Cut out on a colour of your choice", "view", "view", needs=CLIP),
    ActionSpec("difference", "&Difference from the last run", VIEW, ("F9",), "difference",
               "What the last run changed: blue was added, orange was taken away", "view", "view",
               needs=("clip", "former")),
    ActionSpec("confidence", "&Edge confidence", VIEW, ("Shift+F9",), "confidence",
               "Glows where the matte is undecided or soft", "view", "view", needs=CLIP),
    ActionSpec("choose_backdrop", "Back&ground colour…", VIEW, (), needs=CLIP),
    ActionSpec("wipe", "&Wipe against the last run", VIEW, ("W",), "wipe",
               "Drag a line between the result before the last run and the present one", "view",
               checkable=True, needs=("clip", "former"), separator=True),
    ActionSpec("skins", "O&nion skin", VIEW, ("T",), "skins",
               "The object's outlines on the frame before (white) and after (yellow)", "view",
               checkable=True, needs=CLIP),
    ActionSpec("fit", "&Fit to window", VIEW, ("Ctrl+0",), "fit", "Fit the frame to the window", "view",
               needs=CLIP, separator=True),
    ActionSpec("actual", "&Actual size (1:1)", VIEW, ("Ctrl+1",), "actual",
               "One clip pixel to one screen pixel",
               "view", needs=CLIP),
    ActionSpec("zoom_in", "Zoom &in", VIEW, ("Ctrl++", "Ctrl+="), "zoom_in", needs=CLIP),
    ActionSpec("zoom_out", "Zoom o&ut", VIEW, ("Ctrl+-",), "zoom_out", needs=CLIP),
    ActionSpec("shortcuts", "&Keyboard shortcuts", HELP, ("F1",), "help"),
    ActionSpec("about", "&About Rotoshot", HELP),
)  # fmt: skip


class ActionSet:
    """The table as QActions of one window; `actions.set["run"]`-style access by name."""

    def __init__(
        self,
        window: QWidget,
        handlers: Mapping[str, Callable[[], object]],
        rebound: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """Build all actions; `handlers` maps every name to what it does, `rebound` replaces shortcuts."""
        self._actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        for spec in ACTIONS:
            action = self._make(window, spec, (rebound or {}).get(spec.name, spec.shortcuts))
            # QAction.triggered passes `checked`; the handlers take nothing.
            action.triggered.connect(lambda _checked=False, handler=handlers[spec.name]: handler())
            self._actions[spec.name] = action

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def __iter__(self) -> Iterator[tuple[ActionSpec, QAction]]:
        return ((spec, self._actions[spec.name]) for spec in ACTIONS)

    def _make(self, window: QWidget, spec: ActionSpec, shortcuts: tuple[str, ...]) -> QAction:
        action = QAction(spec.text, window)
        action.setObjectName(spec.name)
        action.setShortcuts([QKeySequence(keys) for keys in shortcuts])
        if spec.icon:
            action.setIcon(icon(spec.icon))
            action.setIconVisibleInMenu(False)
        if spec.group:
            self._groups.setdefault(spec.group, QActionGroup(window)).addAction(action)
        action.setCheckable(spec.checkable or bool(spec.group))
        window.addAction(action)
        return action

    def refresh(self, facts: set[str]) -> None:
        """Enable what `facts` (keys of REASONS) allow; the tooltip of the rest says what is missing."""
        for spec, action in self:
            missing = [need for need in spec.needs if need not in facts]
            action.setEnabled(not missing)
            action.setToolTip(tooltip(spec, action, REASONS[missing[0]] if missing else ""))

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """One menu for each of MENUS, in the table's order."""
        menus = {title: bar.addMenu(title) for title in MENUS}
        for spec, action in self:
            if spec.separator:
                menus[spec.menu].addSeparator()
            menus[spec.menu].addAction(action)
        return menus

    def fill_toolbar(self, bar: QToolBar, name: str) -> None:
        """Add the actions of toolbar `name`, with the table's separators."""
        for spec, action in self:
            if spec.toolbar == name:
                if spec.separator:
                    bar.addSeparator()
                bar.addAction(action)


def tooltip(spec: ActionSpec, action: QAction, reason: str = "") -> str:
    """What the action does, its key, and why it cannot be done now."""
    text = spec.tip or plain(spec.text)
    if not action.shortcut().isEmpty():
        text += f"  ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})"
    return f"{text}\n{reason}" if reason else text


def plain(text: str) -> str:
    """A menu text without its mnemonic and ellipsis."""
    return text.replace("&", "").rstrip("…")
