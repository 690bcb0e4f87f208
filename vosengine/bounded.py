"""Values kept in memory by key, up to a number of bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from numpy.typing import NDArray

Value = TypeVar("Value")


class Bounded(Generic[Value]):
    """Those not asked for longest are dropped beyond `limit` bytes; the newest always stays. For one thread.

    size_of: the bytes a value takes.
    """

    def __init__(self, limit: int, size_of: Callable[[Value], int]) -> None:
        self._limit, self._size_of = limit, size_of
        self._values: OrderedDict[Hashable, Value] = OrderedDict()
        self.size = 0

    def __contains__(self, key: Hashable) -> bool:
        return key in self._values

    def get(self, key: Hashable) -> Value | None:
        """The value, if it is still here."""
        if key in self._values:
            self._values.move_to_end(key)
        return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Remember a value in place of what its key had."""
        if key in self._values:
            self.size -= self._size_of(self._values.pop(key))
        self._values[key] = value
        self.size += self._size_of(value)
        while self.size > self._limit and len(self._values) > 1:
            self.size -= self._size_of(self._values.popitem(last=False)[1])


def array_bytes(array: NDArray[Any]) -> int:
    """The bytes of an array's numbers."""
    return array.nbytes
