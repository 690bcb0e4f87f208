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
    "clip": tr("Open a clip first."),
    "object": tr("Add an object first."),
    "idle": tr("Wait for the job under way to end, or cancel it in the Jobs panel."),
    "annotation": tr("Mark an object on at least one frame first."),
    "marked": tr("This object has no mask or box on this frame."),
    "drawn": tr("Nothing is drawn or approved for this object on this frame."),
    "masked": tr("This object has no mask on this frame."),
    "previous": tr("The previous frame has no mask for this object."),
    "next": tr("The next frame has no mask for this object."),
    "above": tr("This object is the topmost."),
    "below": tr("This object is the lowest."),
    "result": tr("There is no mask to export yet: mark a frame and run."),
    "running": tr("There is no run to cancel; an export is cancelled in the Jobs panel."),
    "before_out": tr("This frame lies behind the out point."),
    "after_in": tr("This frame lies before the in point."),
    "open_frame": tr("This frame is drawn or approved for every marked object: it stays as it is."),
    "undo": tr("Nothing to undo."),
    "redo": tr("Nothing to redo."),
    "several": tr("The clip has a single frame."),
    "worst": tr("There is no prediction to judge yet: mark a frame and run."),
    "predicted": tr("This frame shows no prediction of this object."),
    "somewhere": tr("This object has no mask on any frame yet: mark it and run."),
    "unlocked": tr("This object is locked; unlock it first."),
    "finished": tr("This object has no edge controls set."),
    "key_before": tr("No edge key lies before this frame."),
    "key_after": tr("No edge key lies after this frame."),
    "others": tr("There is no other object."),
    "former": tr("There is nothing to compare with yet: run first."),
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


MENUS = (
    tr("&File"),
    tr("&Edit"),
    tr("&Object"),
    tr("&Tool"),
    tr("&Cut out"),
    tr("&Judge"),
    tr("&Playback"),
    tr("&View"),
    tr("&Help"),
)
BACKGROUND, TIMELINE = tr("&Background"), tr("&Timeline")  # submenus
FILE, EDIT, OBJECT, TOOL, CUT, JUDGE, PLAYBACK, VIEW, HELP = MENUS
CLIP, SELECTED = ("clip",), ("clip", "object")

ACTIONS: tuple[ActionSpec, ...] = (
    ActionSpec("open_clip", tr("&Open clip…"), FILE, ("Ctrl+O",), "open", tr("Open a video file"), "main"),
    ActionSpec("open_sequence", tr("Open image &sequence…"), FILE, ("Ctrl+Shift+O",), "sequence",
               tr("Open numbered pictures: PNG, JPEG, TIFF, EXR, DPX")),
    ActionSpec("open_project", tr("Open &project…"), FILE, ("Ctrl+Alt+O",), "project",
               tr("Go on with a project where you left it")),
    ActionSpec("import_masks", tr("&Import masks…"), FILE, ("Ctrl+I",), "import",
               tr("Take masks or mattes from pictures: PNG, DAVIS palette, EXR, or the alpha of a clip"),
               needs=("clip", "idle"), separator=True),
    ActionSpec("export", tr("&Export…"), FILE, ("Ctrl+E",), "export",
               tr("Write mattes or cut-out footage for your editing or compositing program"), "main",
               needs=("clip", "result")),
    ActionSpec("show_folder", tr("Show project &folder"), FILE, (), "open",
               tr("Show the project in the file manager: masks, mattes, exports"), needs=CLIP),
    ActionSpec("close_project", tr("&Close project"), FILE, ("Ctrl+W",), "",
               tr("Back to the start screen; everything is saved"), needs=CLIP, separator=True),
    ActionSpec("quit", tr("&Quit"), FILE, ("Ctrl+Q",), "", tr("Leave Rotoshot; everything is saved")),
    ActionSpec("undo", tr("&Undo"), EDIT, ("Ctrl+Z",), "undo",
               tr("Take the last step back, a whole run included"), "main", needs=("undo",)),
    ActionSpec("redo", tr("&Redo"), EDIT, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo",
               tr("Do again what was taken back"), "main", needs=("redo",)),
    ActionSpec("history", tr("&History"), EDIT, ("Ctrl+H",), "history",
               tr("Show or hide the list of steps: click one to go there"), checkable=True, needs=CLIP),
    ActionSpec("approve", tr("&Approve frame"), EDIT, ("A",), "approve",
               tr("Keep this mask as it is: runs will not change it"), needs=(*SELECTED, "marked"),
               separator=True),
    ActionSpec("copy_previous", tr("&Copy mask from previous frame"), EDIT, ("Ctrl+D",), "copy_previous",
               tr("Start this frame from the mask of the frame before"), needs=(*SELECTED, "previous")),
    ActionSpec("copy_next", tr("Copy mask from &next frame"), EDIT, ("Ctrl+Shift+D",), "copy_next",
               tr("Start this frame from the mask of the frame after"), needs=(*SELECTED, "next")),
    ActionSpec("clear", tr("C&lear this frame"), EDIT, ("Del",), "clear",
               tr("Take what was drawn of this object off this frame"), needs=(*SELECTED, "drawn")),
    ActionSpec("fill_holes", tr("&Fill holes"), EDIT, ("H",), "fill_holes", tr("Fill the holes of this mask"),
               "mask", needs=(*SELECTED, "masked"), separator=True),
    ActionSpec("remove_specks", tr("Remove &specks"), EDIT, ("Shift+H",), "specks",
               tr("Remove tiny parts and pinholes from this mask"), "mask", needs=(*SELECTED, "masked")),
    ActionSpec("grow", tr("&Grow mask"), EDIT, ("Ctrl+]",), "grow", tr("Grow this mask by one pixel"), "mask",
               needs=(*SELECTED, "masked")),
    ActionSpec("shrink", tr("Shrin&k mask"), EDIT, ("Ctrl+[",), "shrink", tr("Shrink this mask by one pixel"),
               "mask", needs=(*SELECTED, "masked")),
    ActionSpec("preferences", tr("Pr&eferences…"), EDIT, ("Ctrl+,",), "",
               tr("Theme, size of the interface, how masks are shown"), separator=True),
    ActionSpec("add_object", tr("&Add object"), OBJECT, ("Ctrl+N",), "add",
               tr("Add an object: it is cut out on its own, from whatever frame you mark it"), needs=CLIP),
    ActionSpec("rename_object", tr("&Rename object"), OBJECT, ("F2",), "rename", tr("Rename this object"),
               needs=SELECTED),
    ActionSpec("recolour_object", tr("Colour o&f object…"), OBJECT, (), "",
               tr("Choose the colour that shows this object over the clip"), needs=SELECTED),
    ActionSpec("toggle_object", tr("&Show or hide object"), OBJECT, ("V",), "visible",
               tr("Show or hide this object's mask"), needs=SELECTED),
    ActionSpec("solo", tr("S&olo"), OBJECT, ("Shift+V",), "solo", tr("Show the selected object alone"),
               checkable=True, needs=SELECTED),
    ActionSpec("lock_object", tr("&Lock or unlock object"), OBJECT, ("Ctrl+Shift+L",), "lock",
               tr("Keep this object as it is: nothing draws on it or runs over it"), needs=SELECTED),
    ActionSpec("object_up", tr("Move object &up"), OBJECT, ("Alt+Up",), "up",
               tr("Move this object up; the topmost covers the others"), needs=(*SELECTED, "above"),
               separator=True),
    ActionSpec("object_down", tr("Move object do&wn"), OBJECT, ("Alt+Down",), "down",
               tr("Move this object down; those above it cover it"), needs=(*SELECTED, "below")),
    ActionSpec("edge_key", tr("Set edge &key"), OBJECT, ("Shift+K",), "edge_key",
               tr("A key on this frame: the edge controls change between keys"), checkable=True,
               needs=(*SELECTED, "unlocked"), separator=True),
    ActionSpec("previous_edge_key", tr("&Previous edge key"), OBJECT, ("Shift+PgUp",), "previous_edge_key",
               tr("To the edge key before this frame"), needs=(*SELECTED, "key_before")),
    ActionSpec("next_edge_key", tr("&Next edge key"), OBJECT, ("Shift+PgDown",), "next_edge_key",
               tr("To the edge key after this frame"), needs=(*SELECTED, "key_after")),
    ActionSpec("copy_edges", tr("&Copy edges to all objects"), OBJECT, (), "copy_edges",
               tr("Finish all other objects that are not locked with this one's edge controls and keys"),
               needs=(*SELECTED, "others")),
    ActionSpec("reset_edges", tr("R&eset edges"), OBJECT, (), "reset_edges",
               tr("Take all edge controls and keys off this object"),
               needs=(*SELECTED, "finished", "unlocked")),
    ActionSpec("delete_object", tr("&Delete object"), OBJECT, ("Ctrl+Del",), "clear",
               tr("Delete this object with its masks; undo brings it back"), needs=(*SELECTED, "idle"),
               separator=True),
    ActionSpec("brush", tr("&Brush"), TOOL, ("P",), "brush", tr("Paint the mask by hand"), "tools", "tool",
               needs=CLIP),
    ActionSpec("eraser", tr("&Eraser"), TOOL, ("E",), "eraser", tr("Erase from the mask"), "tools", "tool",
               needs=CLIP),
    ActionSpec("foreground", tr("&Foreground scribble"), TOOL, ("S",), "foreground",
               tr("Scribble on the object: GrabCut finds its outline"), "tools", "tool", needs=CLIP),
    ActionSpec("background", tr("Back&ground scribble"), TOOL, ("D",), "background",
               tr("Scribble on what is not the object"), "tools", "tool", needs=CLIP),
    ActionSpec("box", tr("Bo&x"), TOOL, ("X",), "box", tr("Drag a box round the object"), "tools", "tool",
               needs=CLIP),
    ActionSpec("lasso", tr("&Lasso"), TOOL, ("L",), "lasso", tr("Draw round an area freehand"), "tools",
               "tool", needs=CLIP),
    ActionSpec("polygon", tr("&Polygon"), TOOL, ("G",), "polygon",
               tr("Click the corners of an area; double-click or Enter closes it"), "tools", "tool",
               needs=CLIP),
    ActionSpec("magnetic", tr("&Magnetic lasso"), TOOL, ("Y",), "magnetic",
               tr("Click along an edge: the line follows it"), "tools", "tool", needs=CLIP),
    ActionSpec("colour", tr("Eye&dropper"), TOOL, ("K",), "colour",
               tr("Click a colour to select what has it; drag away to take in more"), "tools", "tool",
               needs=CLIP),
    ActionSpec("smaller", tr("&Smaller brush"), TOOL, ("[",), "", tr("Make the brush smaller"), needs=CLIP,
               separator=True),
    ActionSpec("larger", tr("La&rger brush"), TOOL, ("]",), "", tr("Make the brush larger"), needs=CLIP),
    ActionSpec("harder", tr("&Harder brush edge"), TOOL, ("{",), "", tr("Make the brush's edge crisper"),
               needs=CLIP),
    ActionSpec("softer", tr("S&ofter brush edge"), TOOL, ("}",), "", tr("Let the brush's edge fade out"),
               needs=CLIP),
    ActionSpec("pen_pressure", tr("Pen press&ure sets the size"), TOOL, (), "",
               tr("Press harder on a tablet for a larger brush"), checkable=True, needs=CLIP),
    ActionSpec("run", tr("&Run"), CUT, ("Ctrl+R", "Ctrl+Return"), "run",
               tr("Learn the objects from the marked frames, then cut them out of every frame out of date"),
               needs=("clip", "annotation")),
    ActionSpec("learn", tr("&Learn only"), CUT, ("Shift+R",), "learn",
               tr("Learn the objects from the marked frames and leave the masks as they are: "
                  "then propagate where you like"), needs=("clip", "annotation")),
    ActionSpec("propagate_forward", tr("Propagate &forward"), CUT, ("F",), "forward",
               tr("From this frame to the out point, with what was learned last"),
               needs=("clip", "annotation", "before_out"), separator=True),
    ActionSpec("propagate_backward", tr("Propagate &backward"), CUT, ("B",), "backward",
               tr("From this frame back to the in point, with what was learned last"),
               needs=("clip", "annotation", "after_in")),
    ActionSpec("propagate_span", tr("Propagate over this &span"), CUT, ("Ctrl+Shift+R",), "span",
               tr("Every frame between in and out anew, both ways, with what was learned last; "
                  "Run would learn and do only what is out of date"), needs=("clip", "annotation")),
    ActionSpec("propagate_frame", tr("R&edo this frame"), CUT, ("R",), "redo_frame",
               tr("This frame alone anew, from the nearest marked one, with what was learned last"),
               needs=("clip", "annotation", "open_frame")),
    ActionSpec("update_at_once", tr("&Update after each correction"), CUT, (), "",
               tr("Run by itself when a frame was corrected: only what the correction may change is done "
                  "again"),
               checkable=True, needs=CLIP),
    ActionSpec("cancel", tr("&Cancel"), CUT, ("Esc",), "cancel",
               tr("Take back what is being drawn, else cancel the run: its finished masks stay, "
                  "jobs that wait are held back"), needs=("running",), separator=True),
    ActionSpec("jobs", tr("&Jobs"), CUT, ("Ctrl+J",), "jobs",
               tr("Show or hide the list of jobs: what runs, what waits, what has ended"), checkable=True,
               needs=CLIP),
    ActionSpec("next_worst", tr("&Next worst frame"), JUDGE, ("N",), "next_worst",
               tr("Go to the next frame that is probably wrong"), needs=("clip", "worst")),
    ActionSpec("previous_worst", tr("&Previous worst frame"), JUDGE, ("Shift+N",), "previous_worst",
               tr("Back to the worse frame before"), needs=("clip", "worst")),
    ActionSpec("correct", tr("&Correct frame"), JUDGE, ("C",), "correct",
               tr("Scribble on this frame if it is listed, else on the worst one"), needs=("clip", "worst"),
               separator=True),
    ActionSpec("mute", tr("&Mute frame"), JUDGE, ("M",), "mute",
               tr("Good enough: do not list this frame again until it changes"),
               needs=(*SELECTED, "predicted")),
    ActionSpec("worst_frames", tr("&Worst frames"), JUDGE, ("F4",), "worst_frames",
               tr("Show or hide the list of frames that are probably wrong"), "view", checkable=True,
               needs=CLIP, separator=True),
    ActionSpec("first", tr("&First frame"), PLAYBACK, ("Home",), "first",
               tr("Go to the first frame of the clip"), "transport", needs=CLIP),
    ActionSpec("previous_annotation", tr("Previous &marked frame"), PLAYBACK, ("PgUp",),
               "previous_annotation", tr("Back to the marked frame before this one"), "transport",
               needs=CLIP),
    ActionSpec("previous", tr("&Previous frame"), PLAYBACK, ("Left",), "previous", tr("One frame back"),
               "transport", needs=CLIP),
    ActionSpec("play", tr("Pla&y"), PLAYBACK, ("Space",), "play", tr("Play at the clip's own rate, or pause"),
               "transport", needs=("clip", "several")),
    ActionSpec("next", tr("&Next frame"), PLAYBACK, ("Right",), "next", tr("One frame on"), "transport",
               needs=CLIP),
    ActionSpec("next_annotation", tr("Next mar&ked frame"), PLAYBACK, ("PgDown",), "next_annotation",
               tr("On to the marked frame after this one"), "transport", needs=CLIP),
    ActionSpec("last", tr("L&ast frame"), PLAYBACK, ("End",), "last", tr("Go to the last frame of the clip"),
               "transport", needs=CLIP),
    ActionSpec("back_ten", tr("&Back 10 frames"), PLAYBACK, ("Shift+Left",), "", tr("Ten frames back"),
               needs=CLIP, separator=True),
    ActionSpec("ahead_ten", tr("A&head 10 frames"), PLAYBACK, ("Shift+Right",), "", tr("Ten frames on"),
               needs=CLIP),
    ActionSpec("mark_in", tr("Set &in point"), PLAYBACK, ("I",), "mark_in",
               tr("Runs, playback and export begin at this frame"), "transport", needs=CLIP, separator=True),
    ActionSpec("mark_out", tr("Set &out point"), PLAYBACK, ("O",), "mark_out",
               tr("Runs, playback and export end with this frame"), "transport", needs=CLIP),
    ActionSpec("clear_range", tr("&Clear in and out"), PLAYBACK, ("Alt+X",), "",
               tr("Work on the whole clip again"), needs=CLIP),
    ActionSpec("loop", tr("&Loop"), PLAYBACK, ("Ctrl+L",), "loop", tr("Loop between in and out"), "transport",
               checkable=True, needs=CLIP),
    ActionSpec("timeline_in", tr("Zoom timeline &in"), PLAYBACK, ("=", "+"),
               tip=tr("Show fewer frames on the timeline, wider"), needs=CLIP, submenu=TIMELINE),
    ActionSpec("timeline_out", tr("Zoom timeline &out"), PLAYBACK, ("-",),
               tip=tr("Show more frames on the timeline"), needs=CLIP, submenu=TIMELINE),
    ActionSpec("timeline_all", tr("Show &all frames"), PLAYBACK, ("\\",),
               tip=tr("Fit the whole clip into the timeline"), needs=CLIP, submenu=TIMELINE),
    ActionSpec("follow_playhead", tr("&Follow the playhead"), PLAYBACK,
               tip=tr("Scroll the zoomed timeline along while playing"), checkable=True, needs=CLIP,
               separator=True, submenu=TIMELINE),
    ActionSpec("film_strip", tr("Film &strip"), PLAYBACK,
               tip=tr("Small pictures of the frames along the timeline"), checkable=True, needs=CLIP,
               submenu=TIMELINE),
    ActionSpec("lanes_taller", tr("&Taller lanes"), PLAYBACK, ("Alt+=",),
               tip=tr("Give each object's lane more height; so does Ctrl + wheel over its name"), needs=CLIP,
               separator=True, submenu=TIMELINE),
    ActionSpec("lanes_lower", tr("&Lower lanes"), PLAYBACK, ("Alt+-",),
               tip=tr("Fit more objects into the timeline"), needs=CLIP, submenu=TIMELINE),
    ActionSpec("overlay", tr("&Overlay"), VIEW, ("F5",), "overlay", tr("Masks in colour over the clip"),
               "view", "view", needs=CLIP, separator=True),
    ActionSpec("outline", tr("Ou&tline"), VIEW, ("Shift+F5",), "outline",
               tr("Only the objects' outlines: look whether they sit on the edge"), "view", "view",
               needs=CLIP),
    ActionSpec("matte", tr("&Matte"), VIEW, ("F6",), "matte",
               tr("The visible objects' mattes in grey: holes and specks stand out"), "view", "view",
               needs=CLIP),
    ActionSpec("confidence", tr("&Edge confidence"), VIEW, ("Shift+F9",), "confidence",
               tr("Glows where the matte is undecided or soft"), "view", "view", needs=CLIP),
    ActionSpec("difference", tr("&Difference from the last run"), VIEW, ("F9",), "difference",
               tr("What the last run changed: blue was added, orange was taken away"), "view", "view",
               needs=("clip", "former")),
    ActionSpec("checkerboard", tr("On a &checkerboard"), VIEW, ("F7",), "checker",
               tr("Cut out, on a checkerboard: see-through parts show it"), "view", "view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("black", tr("On blac&k"), VIEW, ("F8",), "black", tr("Foreground only, on black"), "view",
               "view", needs=CLIP, submenu=BACKGROUND),
    ActionSpec("backdrop", tr("On a co&lour"), VIEW, ("Shift+F8",), "backdrop",
               tr("Cut out, on a colour of your choice: fringes show on one unlike the clip's"), "view",
               "view", needs=CLIP, submenu=BACKGROUND),
    ActionSpec("picture", tr("On a &picture"), VIEW, ("Ctrl+F8",),
               tip=tr("Cut out, in front of a picture of your choice"), group="view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("blurred", tr("On the &blurred clip"), VIEW, ("Shift+F7",),
               tip=tr("The clip itself behind the objects, out of focus"), group="view", needs=CLIP,
               submenu=BACKGROUND),
    ActionSpec("greyscale", tr("On the clip in &grey"), VIEW, ("Shift+F6",),
               tip=tr("Colour only on the objects"), group="view", needs=CLIP, submenu=BACKGROUND),
    ActionSpec("choose_backdrop", tr("C&hoose background colour…"), VIEW,
               tip=tr("Choose the colour to show the objects on"), needs=CLIP, separator=True,
               submenu=BACKGROUND),
    ActionSpec("choose_picture", tr("Choose background p&icture…"), VIEW,
               tip=tr("Choose the picture to show the objects on"), needs=CLIP, submenu=BACKGROUND),
    ActionSpec("wipe", tr("&Wipe against the last run"), VIEW, ("W",), "wipe",
               tr("Drag a line between the result before the last run and the present one"), "view",
               checkable=True, needs=("clip", "former"), separator=True),
    ActionSpec("skins", tr("O&nion skin"), VIEW, ("T",), "skins",
               tr("The object's outlines on the frame before (white) and after (yellow)"), "view",
               checkable=True, needs=CLIP),
    ActionSpec("steady", tr("&Steady on the object"), VIEW, ("J",), "steady",
               tr("Keep the selected object in its place while the clip plays: chatter of its edge shows.\n"
                  "Zoom and pan as you like; Fit to window ends it"), "view", checkable=True,
               needs=(*SELECTED, "somewhere")),
    ActionSpec("steady_size", tr("Steady its si&ze too"), VIEW, ("Shift+J",),
               tip=tr("Zoom along as the object comes nearer or goes away"), checkable=True,
               needs=(*SELECTED, "somewhere")),
    ActionSpec("finished_edges", tr("S&how finished edges"), VIEW, ("Q",), "finished_edges",
               tr("The mattes as the edge controls finish them, or as they were cut out"), checkable=True,
               needs=CLIP),
    ActionSpec("edges", tr("Ed&ges"), VIEW, ("Shift+E",), "edges",
               tr("Show or hide the edge controls: grow, feather, smooth and more"), "view", checkable=True,
               needs=CLIP),
    ActionSpec("fit", tr("&Fit to window"), VIEW, ("Ctrl+0",), "fit", tr("Fit the frame to the window"),
               "view", needs=CLIP, separator=True),
    ActionSpec("actual", tr("&Actual size (1:1)"), VIEW, ("Ctrl+1",), "actual",
               tr("One clip pixel to one screen pixel"), "view", needs=CLIP),
    ActionSpec("zoom_in", tr("Zoom &in"), VIEW, ("Ctrl++", "Ctrl+="), "zoom_in",
               tr("Zoom in on the pointer; the wheel does the same"), needs=CLIP),
    ActionSpec("zoom_out", tr("Zoom o&ut"), VIEW, ("Ctrl+-",), "zoom_out",
               tr("Zoom out; the wheel does the same"), needs=CLIP),
    ActionSpec("reset_layout", tr("&Reset layout"), VIEW, (), "",
               tr("Put all panels and the timeline back to where they were on the first day"), needs=CLIP,
               separator=True),
    ActionSpec("palette", tr("&Find a command…"), HELP, ("Ctrl+Shift+P",), "",
               tr("Type a few letters of a command, an object or a preset, or a frame's number")),
    ActionSpec("shortcuts", tr("&Keyboard shortcuts"), HELP, ("F1",), "help",
               tr("All keys on one sheet, to be searched by name or key")),
    ActionSpec("change_shortcuts", tr("&Change shortcuts…"), HELP, (), "",
               tr("Give any action the keys you like")),
    ActionSpec("tour", tr("Show the &tour"), HELP, (), "",
               tr("Five steps from the open clip to the exported matte"), needs=CLIP, separator=True),
    ActionSpec("open_demo", tr("Try the &demo shot"), HELP, (), "",
               tr("Open a short bundled clip, ready to be marked")),
    ActionSpec("about", tr("&About Rotoshot"), HELP, (), "",
               tr("Edition, licences and what the networks learned from"), separator=True),
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
    return tr(" or ").join(keys.toString(form) for keys in action.shortcuts())


def plain(text: str) -> str:
    """A menu text without its mnemonic and ellipsis."""
    return text.replace("&", "").rstrip("…")
