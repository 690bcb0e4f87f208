"""The undo stack alone, and packed pictures: what goes in comes out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app.cells import Cell, Kind, StoredMatte
from app.packed import SCRIBBLE_VALUES, Packed
from app.tools import PAINT
from app.undo import Step, UndoStack
from tests.app.document.edited import paint_stroke

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, shapes, elements=st.sampled_from([0, 255])))
def test_packed_masks_come_back_byte_identical(mask):
    packed = Packed.pack(mask)
    assert packed.unpack().tobytes() == mask.tobytes()
    assert packed == Packed.pack(mask.copy())
    assert packed.unpack().flags.writeable


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(np.uint8, shapes, elements=st.sampled_from([0, 1, 2])))
def test_packed_marks_come_back_byte_identical(marks):
    assert Packed.pack(marks, SCRIBBLE_VALUES).unpack().tobytes() == marks.tobytes()


def test_a_1080p_stroke_takes_less_than_30_kilobytes():
    mask = np.zeros((1080, 1920), np.uint8)
    before = Packed.pack(mask)
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 60, (40, 2))
    steps[0] = 960, 540
    paint_stroke(mask, [(float(x), float(y)) for x, y in np.cumsum(steps, axis=0)], 20, PAINT)
    step = Step("Brush")
    step.note(Cell(Kind.ANNOTATION, 1, 0), before, Packed.pack(mask))
    assert np.count_nonzero(mask) > 20_000
    assert step.size < 30_000


class Values(dict):
    """Cells in a dict, as the simplest thing a stack can work on."""

    def edit(self, stack: UndoStack, name: str, **values: int | None) -> Step:
        step = Step(name)
        for key, value in values.items():
            step.note(key, self.get(key), value)
            self[key] = value
        stack.push(step)
        return step


@pytest.fixture
def values() -> Values:
    return Values()


def test_names_and_order(values: Values):
    stack = UndoStack(values.update, lambda _: None)
    assert (stack.undo_name, stack.redo_name) == ("", "")
    stack.undo()
    stack.redo()
    values.edit(stack, "first", a=1)
    values.edit(stack, "second", a=2, b=5)
    assert stack.undo_name == "second"
    stack.undo()
    assert values == {"a": 1, "b": None}
    assert (stack.undo_name, stack.redo_name) == ("first", "second")
    stack.redo()
    assert values == {"a": 2, "b": 5}
    stack.undo()
    stack.undo()
    assert values["a"] is None
    values.edit(stack, "third", a=9)
    assert stack.redo_name == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3)), max_size=12), st.integers(0, 12))
def test_undo_walks_back_through_every_state_and_redo_forward(edits, back):
    values = Values()
    stack = UndoStack(values.update, lambda _: None)
    states = [dict(values)]
    for key, value in edits:
        values.edit(stack, key, **{key: value})
        states.append(dict(values))
    back = min(back, len(edits))
    for expected in reversed(states[len(states) - 1 - back : -1]):
        stack.undo()
        assert {k: v for k, v in values.items() if v is not None} == expected
    for expected in states[len(states) - back :]:
        stack.redo()
        assert {k: v for k, v in values.items() if v is not None} == expected


def test_a_failure_to_put_back_leaves_the_stack_as_it_was(values: Values):
    def fail(_):
        raise OSError("no")

    stack = UndoStack(fail, lambda _: None)
    values.edit(stack, "first", a=1)
    with pytest.raises(OSError, match="no"):
        stack.undo()
    assert (stack.undo_name, stack.redo_name) == ("first", "")


def test_the_oldest_steps_go_when_memory_is_used_up(values: Values):
    rng = np.random.default_rng(0)
    noise = [Packed.pack(rng.choice(np.array([0, 255], np.uint8), (64, 64))) for _ in range(6)]
    stack = UndoStack(values.update, lambda _: None, byte_limit=3 * 2 * noise[0].size)
    for number, packed in enumerate(noise):
        values.edit(stack, str(number), a=packed)
    undone = []
    while stack.undo_name:
        undone.append(stack.undo_name)
        stack.undo()
    assert undone == ["5", "4"]


def matte(serial: int) -> StoredMatte:
    return StoredMatte(serial, 0.5, 0)


def test_mattes_nobody_can_bring_back_are_forgotten(values: Values):
    forgotten: list[object] = []
    stack = UndoStack(values.update, forgotten.append, matte_limit=2)
    cells = [Cell(Kind.PREDICTION, 1, frame) for frame in range(3)]
    for number, cell in enumerate(cells):  # each replaces a matte: three kept aside, two allowed
        step = Step(f"{number}", growing=True)
        stack.push(step)
        stack.note(step, cell, matte(number), matte(10 + number))
        stack.finish(step)
    assert [each for each in forgotten if each] == [matte(0)]
    stack.undo()
    forgotten.clear()
    stack.push(Step("else"))
    assert forgotten == [matte(12)]


def test_a_matte_replaced_twice_in_one_step_is_forgotten(values: Values):
    forgotten: list[object] = []
    stack = UndoStack(values.update, forgotten.append)
    step = Step("Propagate", growing=True)
    stack.push(step)
    cell = Cell(Kind.PREDICTION, 1, 0)
    stack.note(step, cell, matte(1), matte(2))
    stack.note(step, cell, matte(2), matte(3))
    assert [each for each in forgotten if each] == [matte(2)]
    stack.finish(step)
    stack.undo()
    assert values == {cell: matte(1)}
    stack.redo()
    assert values == {cell: matte(3)}


def test_an_empty_growing_step_disappears(values: Values):
    stack = UndoStack(values.update, lambda _: None)
    step = Step("Propagate", growing=True)
    stack.push(step)
    assert stack.undo_name == "Propagate"
    stack.finish(step)
    assert stack.undo_name == ""
    stack.push(Step("Propagate", growing=True))
    stack.undo()
    assert (stack.undo_name, stack.redo_name) == ("", "")


@pytest.mark.parametrize(
    ("undone", "arriving", "redoable"),
    [
        (Cell(Kind.ANNOTATION, 1, 4), 4, True),
        (Cell(Kind.APPROVED, 1, 5), 4, True),
        (Cell(Kind.APPROVED, 1, 4), 4, False),
        (Cell(Kind.PREDICTION, 1, 4), 4, False),
    ],
)
def test_predictions_keep_what_can_safely_be_redone(values: Values, undone, arriving, redoable):
    stack = UndoStack(values.update, lambda _: None)
    job = Step("Propagate", growing=True)
    stack.push(job)
    edit = Step("edit")
    edit.note(undone, None, matte(1) if undone.kind is Kind.PREDICTION else 1)
    stack.push(edit)
    stack.undo()
    stack.note(job, Cell(Kind.PREDICTION, 1, arriving), None, matte(2))
    assert bool(stack.redo_name) == redoable
