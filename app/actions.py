"""The one table of actions: menus, toolbars, shortcuts, tooltips and the shortcut sheet all come from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget

from app.language import tr
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
    "open_frame": "This frame is drawn or approved for every marked object: it stays as it is.",
    "undo": "Nothing to undo.",
    "redo": "Nothing to redo.",
    "several": "The clip has a single frame.",
    "worst": "There is no prediction to judge yet: mark a frame and run.",
    "predicted": "This frame shows no prediction of this object.",
    "somewhere": "This object has no mask on any frame yet: mark it and run.",
    "unlocked": tr("This object is locked; unlock it first."),
    "finished": tr("This object has no edge controls set."),
    "key_before": tr("No edge key lies before this frame."),
    "key_after": tr("No edge key lies after this frame."),
    "others": tr("There is no other object."),
    "former": "There is nothing to compare with yet: run first.",
}


@dataclass(frozen=True)
class ActionSpec:
    """One thing the user can do. `name` is stable: settings rebind shortcuts by it.

    menu: the menu that lists it. toolbar: "main", "tools", "mask", "view", "transport" or "" for none.
    group: checkable, exclusive with the others of the group; `checkable`: a toggle of its own.
    needs: keys of REASONS that must all hold for the action to be enabled. submenu: the part of the menu,
    opened from there, that lists it.
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
    submenu: str = ""


MENUS = ("&File", "&Edit", "&Object", "&Tool", "&Cut out", "&Judge", "&Playback", "&View", "&Help")
BACKGROUND, TIMELINE = "&Background", "&Timeline"  # submenus
FILE, EDIT, OBJECT, TOOL, CUT, JUDGE, PLAYBACK, VIEW, HELP = MENUS
CLIP, SELECTED = ("clip",), ("clip", "object")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_clip", "&Open clip…", FILE, ("Ctrl+O",), "open", "Open a video file", "main"),
    ActionSpec("open_sequence", "Open image &sequence…", FILE, ("Ctrl+Shift+O",), "sequence",
               "Open numbered pictures: PNG, JPEG, TIFF, EXR, DPX"),
    ActionSpec("open_project", "Open &project…", FILE, ("Ctrl+Alt+O",), "project",
               "Go on with a project where you left it"),
    ActionSpec("import_masks", "&Import masks…", FILE, ("Ctrl+I",), "import",
               "Take masks or mattes from pictures: PNG, DAVIS palette, EXR, or the alpha of a clip",
               needs=("clip", "idle"), separator=True),
    ActionSpec("export", "&Export…", FILE, ("Ctrl+E",), "export",
               "Write mattes or cut-out footage for your editing or compositing program", "main",
               needs=("clip", "result")),
    ActionSpec("show_folder", "Show project &folder", FILE, (), "open",
               "Show the project in the file manager: masks, mattes, exports", needs=CLIP),
    ActionSpec("close_project", "&Close project", FILE, ("Ctrl+W",), "",
               "Back to the start screen; everything is saved", needs=CLIP, separator=True),
    ActionSpec("quit", "&Quit", FILE, ("Ctrl+Q",), "", "Leave Rotoshot; everything is saved"),
    ActionSpec("undo", "&Undo", EDIT, ("Ctrl+Z",), "undo",
               "Take the last step back, a whole run included", "main", needs=("undo",)),
    ActionSpec("redo", "&Redo", EDIT, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
               "Do again what was taken back", "main", needs=("redo",)),
    ActionSpec("history", "&History", EDIT, ("Ctrl+H",), "history",
               "Show or hide the list of steps: click one to go there", checkable=True, needs=CLIP),
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
    ActionSpec("preferences", "Pre&ferences…", EDIT, ("Ctrl+,",), "",
               "Theme, size of the interface, how masks are shown", separator=True),
    ActionSpec("add_object", "&Add object", OBJECT, ("Ctrl+N",), "add",
               "Add an object: it is cut out on its own, from whatever frame you mark it", needs=CLIP),
    ActionSpec("rename_object", "&Rename object", OBJECT, ("F2",), "rename", "Rename this object",
               needs=SELECTED),
    ActionSpec("recolour_object", "&Colour of object…", OBJECT, (), "",
               "Choose the colour that shows this object over the clip", needs=SELECTED),
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
               "Move this object down; those above it cover it", needs=(*SELECTED, "below")),
    ActionSpec("edge_key", tr("Set edge &key"), OBJECT, ("Shift+K",), "edge_key",
               tr("A key on this frame: the edge controls change between keys"), checkable=True,
               needs=(*SELECTED, "unlocked"), separator=True),
    ActionSpec("previous_edge_key", tr("Previous edge key"), OBJECT, ("Shift+PgUp",), "previous_edge_key",
               tr("To the edge key before this frame"), needs=(*SELECTED, "key_before")),
    ActionSpec("next_edge_key", tr("Next edge key"), OBJECT, ("Shift+PgDown",), "next_edge_key",
               tr("To the edge key after this frame"), needs=(*SELECTED, "key_after")),
    ActionSpec("copy_edges", tr("&Copy edges to all objects"), OBJECT, (), "copy_edges",
               tr("Finish all other objects with this one's edge controls and keys"),
               needs=(*SELECTED, "others")),
    ActionSpec("reset_edges", tr("R&eset edges"), OBJECT, (), "reset_edges",
               tr("Take all edge controls and keys off this object"),
               needs=(*SELECTED, "finished", "unlocked")),
    ActionSpec("delete_object", "&Delete object", OBJECT, ("Ctrl+Del",), "clear",
               "Delete this object with its masks; undo brings it back",
               needs=(*SELECTED, "idle"), separator=True),
    ActionSpec("brush", "&Brush", TOOL, ("P",), "brush", "Paint the mask by hand", "tools", "tool",
               needs=CLIP),
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
    ActionSpec("smaller", "S&maller brush", TOOL, ("[",), "", "Make the brush smaller", needs=CLIP,
               separator=True),
    ActionSpec("larger", "La&rger brush", TOOL, ("]",), "", "Make the brush larger", needs=CLIP),
    ActionSpec("harder", "&Harder brush edge", TOOL, ("{",), "", "Make the brush's edge crisper", needs=CLIP),
    ActionSpec("softer", "S&ofter brush edge", TOOL, ("}",), "", "Let the brush's edge fade out", needs=CLIP),
    ActionSpec("pen_pressure", "Pen press&ure sets the size", TOOL, (), "",
               "Press harder on a tablet for a larger brush", checkable=True, needs=CLIP),
    ActionSpec("run", "&Run", CUT, ("Ctrl+R", "Ctrl+Return"), "run",
               "Learn the objects from the marked frames, then cut them out of every frame out of date",
               needs=("clip", "annotation")),
    ActionSpec("learn", "&Learn only", CUT, ("Shift+R",), "learn",
               "Learn the objects from the marked frames and leave the masks as they are: "
               "then propagate where you like",
               needs=("clip", "annotation")),
    ActionSpec("propagate_forward", "Propagate &forward", CUT, ("F",), "forward",
               "From this frame to the out point, with what was learned last",
               needs=("clip", "annotation"), separator=True),
    ActionSpec("propagate_backward", "Propagate &backward", CUT, ("B",), "backward",
               "From this frame back to the in point, with what was learned last",
               needs=("clip", "annotation")),
    ActionSpec("propagate_span", "Propagate over this &span", CUT, ("Ctrl+Shift+R",), "span",
               "Every frame between in and out anew, both ways, with what was learned last; "
               "Run would learn and do only what is out of date",
               needs=("clip", "annotation")),
    ActionSpec("propagate_frame", "R&edo this frame", CUT, ("R",), "redo_frame",
               "This frame alone anew, from the nearest marked one, with what was learned last",
               needs=("clip", "annotation", "open_frame")),
    ActionSpec("update_at_once", "&Update after each correction", CUT, (), "",
               "Run by itself when a frame was corrected: only what the correction may change is done again",
               checkable=True, needs=CLIP),
    ActionSpec("cancel", "&Cancel", CUT, ("Esc",), "cancel",
               "Stop; what is finished stays, jobs that wait are held back",
               needs=("running",),
               separator=True),
    ActionSpec("jobs", "&Jobs", CUT, ("Ctrl+J",), "jobs",
               "Show or hide the list of jobs: what runs, what waits, what has ended",
               checkable=True, needs=CLIP),
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
    ActionSpec("first", "&First frame", PLAYBACK, ("Home",), "first", "Go to the first frame of the clip",
               "transport", needs=CLIP),
    ActionSpec("previous_annotation", "Previous &marked frame", PLAYBACK, ("PgUp",), "previous_annotation",
               "Back to the marked frame before this one", "transport", needs=CLIP),
    ActionSpec("previous", "&Previous frame", PLAYBACK, ("Left",), "previous", "One frame back", "transport",
               needs=CLIP),
    ActionSpec("play", "P&lay", PLAYBACK, ("Space",), "play", "Play at the clip's own rate, or pause",
               "transport", needs=("clip", "several")),
    ActionSpec("next", "&Next frame", PLAYBACK, ("Right",), "next", "One frame on", "transport", needs=CLIP),
    ActionSpec("next_annotation", "Next mar&ked frame", PLAYBACK, ("PgDown",), "next_annotation",
               "On to the marked frame after this one", "transport", needs=CLIP),
    ActionSpec("last", "L&ast frame", PLAYBACK, ("End",), "last", "Go to the last frame of the clip",
               "transport", needs=CLIP),
    ActionSpec("back_ten", "Back 10 frames", PLAYBACK, ("Shift+Left",), "", "Ten frames back", needs=CLIP,
               separator=True),
    ActionSpec("ahead_ten", "Ahead 10 frames", PLAYBACK, ("Shift+Right",), "", "Ten frames on", needs=CLIP),
    ActionSpec("mark_in", "Set &in point", PLAYBACK, ("I",), "mark_in",
               "Runs, playback and export begin at this frame", "transport",
               needs=CLIP, separator=True),
    ActionSpec("mark_out", "Set &out point", PLAYBACK, ("O",), "mark_out",
               "Runs, playback and export end with this frame", "transport",
               needs=CLIP),
    ActionSpec("clear_range", "Clear in and out", PLAYBACK, ("Alt+X",), "", "Work on the whole clip again",
               needs=CLIP),
    ActionSpec("loop", "Loop", PLAYBACK, ("Ctrl+L",), "loop", "Loop between in and out", "transport",
               checkable=True, needs=CLIP),
    ActionSpec("timeline_in", "Zoom timeline &in", PLAYBACK, ("=", "+"),
               tip="Show fewer frames on the timeline, wider", needs=CLIP, submenu=TIMELINE),
    ActionSpec("timeline_out", "Zoom timeline &out", PLAYBACK, ("-",), tip="Show more frames on the timeline",
               needs=CLIP, submenu=TIMELINE),
    ActionSpec("timeline_all", "Show &all frames", PLAYBACK, ("\\",),
               tip="Fit the whole clip into the timeline", needs=CLIP, submenu=TIMELINE),
    ActionSpec("follow_playhead", "&Follow the playhead", PLAYBACK,
               tip="Scroll the zoomed timeline along while playing", checkable=True, needs=CLIP,
               separator=True, submenu=TIMELINE),
    ActionSpec("film_strip", "Film &strip", PLAYBACK, tip="Small pictures of the frames along the timeline",
               checkable=True, needs=CLIP, submenu=TIMELINE),
    ActionSpec("lanes_taller", "&Taller lanes", PLAYBACK, ("Alt+=",),
               tip="Give each object's lane more height; so does Ctrl + wheel over its name",
               needs=CLIP, separator=True, submenu=TIMELINE),
    ActionSpec("lanes_lower", "&Lower lanes", PLAYBACK, ("Alt+-",),
               tip="Fit more objects into the timeline", needs=CLIP, submenu=TIMELINE),
    ActionSpec("overlay", "&Overlay", VIEW, ("F5",), "overlay", "Masks in colour over the clip", "view",
               "view", needs=CLIP, separator=True),
    ActionSpec("outline", "Ou&tline", VIEW, ("Shift+F5",), "outline",
               "Only the objects' outlines: look whether they sit on the edge", "view", "view", needs=CLIP),
    ActionSpec("matte", "&Matte", VIEW, ("F6",), "matte",
               "The visible objects' mattes in grey: holes and specks stand out", "view", "view", needs=CLIP),
    ActionSpec("confidence", "&Edge confidence", VIEW, ("Shift+F9",), "confidence",
               "Glows where the matte is undecided or soft", "view", "view", needs=CLIP),
    ActionSpec("difference", "&Difference from the last run", VIEW, ("F9",), "difference",
               "What the last run changed: blue was added, orange was taken away", "view", "view",
               needs=("clip", "former")),
    ActionSpec("checkerboard", "On a &checkerboard", VIEW, ("F7",), "checker",
               "Cut out, on a checkerboard: see-through parts show it", "view", "view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("black", "On blac&k", VIEW, ("F8",), "black", "Foreground only, on black", "view", "view",
               needs=CLIP, submenu=BACKGROUND),
    ActionSpec("backdrop", "On a co&lour", VIEW, ("Shift+F8",), "backdrop",
               "Cut out, on a colour of your choice: fringes show on one unlike the clip's", "view", "view",
               needs=CLIP, submenu=BACKGROUND),
    ActionSpec("picture", "On a &picture", VIEW, ("Ctrl+F8",),
               tip="Cut out, in front of a picture of your choice", group="view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("blurred", "On the &blurred clip", VIEW, ("Shift+F7",),
               tip="The clip itself behind the objects, out of focus", group="view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("greyscale", "On the clip in &grey", VIEW, ("Shift+F6",),
               tip="Colour only on the objects", group="view", needs=CLIP, submenu=BACKGROUND),
    ActionSpec("choose_backdrop", "C&hoose background colour…", VIEW,
               tip="Choose the colour to show the objects on", needs=CLIP, separator=True,
               submenu=BACKGROUND),
    ActionSpec("choose_picture", "Choose background p&icture…", VIEW,
               tip="Choose the picture to show the objects on", needs=CLIP, submenu=BACKGROUND),
    ActionSpec("wipe", "&Wipe against the last run", VIEW, ("W",), "wipe",
               "Drag a line between the result before the last run and the present one", "view",
               checkable=True, needs=("clip", "former"), separator=True),
    ActionSpec("skins", "O&nion skin", VIEW, ("T",), "skins",
               "The object's outlines on the frame before (white) and after (yellow)", "view",
               checkable=True, needs=CLIP),
    ActionSpec("steady", "&Steady on the object", VIEW, ("J",), "steady",
               "Keep the selected object in its place while the clip plays: chatter of its edge shows.\n"
               "Zoom and pan as you like; Fit to window ends it", "view",
               checkable=True, needs=(*SELECTED, "somewhere")),
    ActionSpec("steady_size", "Steady its si&ze too", VIEW, ("Shift+J",),
               tip="Zoom along as the object comes nearer or goes away", checkable=True,
               needs=(*SELECTED, "somewhere")),
    ActionSpec("finished_edges", tr("Show finished ed&ges"), VIEW, ("Q",), "finished_edges",
               tr("The mattes as the edge controls finish them, or as they were cut out"),
               checkable=True, needs=CLIP),
    ActionSpec("edges", tr("E&dges"), VIEW, ("Shift+E",), "edges",
               tr("Show or hide the edge controls: grow, feather, smooth and more"), "view",
               checkable=True, needs=CLIP),
    ActionSpec("fit", "&Fit to window", VIEW, ("Ctrl+0",), "fit", "Fit the frame to the window", "view",
               needs=CLIP, separator=True),
    ActionSpec("actual", "&Actual size (1:1)", VIEW, ("Ctrl+1",), "actual",
               "One clip pixel to one screen pixel",
               "view", needs=CLIP),
    ActionSpec("zoom_in", "Zoom &in", VIEW, ("Ctrl++", "Ctrl+="), "zoom_in",
               "Zoom in on the pointer; the wheel does the same", needs=CLIP),
    ActionSpec("zoom_out", "Zoom o&ut", VIEW, ("Ctrl+-",), "zoom_out",
               "Zoom out; the wheel does the same", needs=CLIP),
    ActionSpec("reset_layout", "&Reset layout", VIEW, (), "",
               "Put all panels and the timeline back to where they were on the first day",
               needs=CLIP, separator=True),
    ActionSpec("palette", "&Find a command…", HELP, ("Ctrl+Shift+P",), "",
               "Type a few letters of a command, an object or a preset, or a frame's number"),
    ActionSpec("shortcuts", "&Keyboard shortcuts", HELP, ("F1",), "help",
               "All keys on one sheet, to be searched by name or key"),
    ActionSpec("change_shortcuts", "&Change shortcuts…", HELP, (), "", "Give any action the keys you like"),
    ActionSpec("tour", "Show the &tour", HELP, (), "", "Five steps from the open clip to the exported matte",
               needs=CLIP, separator=True),
    ActionSpec("open_demo", "Try the &demo shot", HELP, (), "",
               "Open a short bundled clip, ready to be marked"),
    ActionSpec("about", "&About Rotoshot", HELP, (), "",
               "Edition, licences and what the networks learned from", separator=True),
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
        self._reasons: dict[str, str] = {}
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
            self._reasons[spec.name] = REASONS[missing[0]] if missing else ""
            self._describe(spec, action)

    def reason(self, name: str) -> str:
        """Why an action cannot be done now, "" where it can."""
        return self._reasons.get(name, "")

    def rebind(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        """Other shortcuts from now on, by name."""
        for spec, action in self:
            action.setShortcuts([QKeySequence(each) for each in keys[spec.name]])
            self._describe(spec, action)

    def _describe(self, spec: ActionSpec, action: QAction) -> None:
        reason = self.reason(spec.name)
        action.setToolTip(tooltip(spec, action, reason))
        action.setStatusTip(reason or spec.tip)

    def fill_menus(self, bar: QMenuBar) -> dict[str, QMenu]:
        """One menu for each of MENUS, in the table's order."""
        menus = {title: bar.addMenu(title) for title in MENUS}
        below: dict[tuple[str, str], QMenu] = {}
        for spec, action in self:
            menu = menus[spec.menu]
            if spec.submenu:
                if (spec.menu, spec.submenu) not in below:
                    below[spec.menu, spec.submenu] = menu.addMenu(spec.submenu)
                menu = below[spec.menu, spec.submenu]
            if spec.separator:
                menu.addSeparator()
            menu.addAction(action)
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


def keys_text(action: QAction) -> str:
    """All keys of an action as this system writes them, "" where it has none."""
    form = QKeySequence.SequenceFormat.NativeText
    return " or ".join(keys.toString(form) for keys in action.shortcuts())


def plain(text: str) -> str:
    """A menu text without its mnemonic and ellipsis."""
    return text.replace("&", "").rstrip("…")
