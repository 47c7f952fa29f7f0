"""The pickle machine: runs the opcodes of a pickle, makes records of what they describe, and never calls, imports or builds.

Python's own `pickle.Unpickler` with a `find_class` of one's own still calls what is on its stack, looks up attributes for
BUILD, takes what copyreg's extension registry holds, hashes whatever a file makes a key, and takes memory as it is told before
it looks whether the file is as long. The loop below has none of these: an opcode only moves records between a stack, a memo
and plain lists and dicts. How arguments of opcodes are written is taken from the standard library's `pickletools`.
"""

import pickletools
import warnings
from collections.abc import Callable
from typing import Any

from insetgan.weights.published.cursor import Budget, Cursor
from insetgan.weights.published.makers import MAKERS, note_foreign
from insetgan.weights.published.records import Made, Name

_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list, "EMPTY_TUPLE": tuple}
_VALUES: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_REFUSED = {
    "EXT1": "names something by its number in Python's extension registry",
    "EXT2": "names something by its number in Python's extension registry",
    "EXT4": "names something by its number in Python's extension registry",
    "NEXT_BUFFER": "takes data from outside the file",
    "READONLY_BUFFER": "takes data from outside the file",
}
_OLD_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class Machine(Cursor):
    """One pickle, read from a place in some bytes.

    Attributes:
        position: where the next opcode lies; after `run`, the first byte after the pickle.
        budget: see `Budget`.
        unpack: reads a storage that lies within the pickle; None where there may be none.
    """

    def __init__(
        self,
        data: memoryview,
        budget: Budget,
        *,
        start: int = 0,
        persistent: Callable[[Any], Any] | None = None,
        unpack: Callable[[memoryview], Any] | None = None,
    ) -> None:
        """Get ready; `persistent` says what a persistent id stands for, and without it there may be none."""
        super().__init__(data, budget, start)
        self.unpack = unpack
        self._persistent = persistent
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """What the pickle describes: plain values, lists, tuples, dicts, and records.

        Raises:
            ValueError: it is damaged, beyond a bound, or does what no network needs.
        """
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # strange escapes in old strings
            while True:
                self.budget.step()
                code = pickletools.code2op.get(chr(self.bytes_of(1)[0]))  # type: ignore[attr-defined]
                if code is None:
                    raise ValueError(f"is damaged at byte {self.position - 1}")
                if code.name == "STOP":
                    return self._pop()
                self._act(code.name, self.argument(code))

    def _act(self, name: str, argument: Any) -> None:
        if name in _REFUSED:
            raise ValueError(f"{_REFUSED[name]}, which no network needs")
        if name in _EMPTY:
            self._stack.append(_EMPTY[name]())
        elif name in _VALUES:
            self._stack.append(_VALUES[name])
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            self._stack.append(argument)  # all others are values

    def _pop(self) -> Any:
        if len(self._stack) <= (self._marks[-1] if self._marks else 0):
            raise ValueError("is damaged: takes what is not there")
        return self._stack.pop()

    def _top(self) -> Any:
        self._stack.append(found := self._pop())
        return found

    def _since_mark(self) -> list[Any]:
        if not self._marks:
            raise ValueError("is damaged: takes what is not there")
        start = self._marks.pop()
        items = self._stack[start:]
        del self._stack[start:]
        return items

    def mark(self, _: Any) -> None:
        """MARK."""
        self._marks.append(len(self._stack))

    def pop(self, _: Any) -> None:
        """POP."""
        if self._marks and self._marks[-1] == len(self._stack):
            self._marks.pop()
        else:
            self._pop()

    def pop_mark(self, _: Any) -> None:
        """POP_MARK."""
        self._since_mark()

    def dup(self, _: Any) -> None:
        """DUP."""
        self._stack.append(self._top())

    def put(self, index: Any) -> None:
        """PUT, BINPUT, LONG_BINPUT, MEMOIZE."""
        self._memo[len(self._memo) if index is None else index] = self._top()

    def get(self, index: Any) -> None:
        """GET, BINGET, LONG_BINGET."""
        if index not in self._memo:
            raise ValueError("is damaged: remembers what was not there")
        self._stack.append(self._memo[index])

    def collect(self, _: Any, make: Callable[[list[Any]], Any] = list) -> None:
        """LIST, FROZENSET and, with `make`, TUPLE."""
        self._stack.append(make(self._since_mark()))

    def row(self, count: int) -> None:
        """TUPLE1, TUPLE2, TUPLE3."""
        items = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(items)))

    def table(self, _: Any) -> None:
        """DICT."""
        items = self._since_mark()
        found: dict[Any, Any] = {}
        self._stack.append(found)
        _fill(found, items)

    def append(self, items: list[Any]) -> None:
        """APPEND, APPENDS, ADDITEMS."""
        target = self._top()
        if isinstance(target, list):
            target.extend(items)
        elif not isinstance(target, Made):
            raise ValueError("is damaged: adds to what is no list")

    def set_items(self, items: list[Any]) -> None:
        """SETITEM, SETITEMS."""
        target = self._top()
        if not isinstance(target, (dict, Made)):
            raise ValueError("is damaged: adds to what is no table")
        _fill(target if isinstance(target, dict) else target.entries, items)

    def name(self, argument: Any) -> None:
        """GLOBAL and STACK_GLOBAL: the name of something, which stays a name."""
        if argument is None:
            name, module = self._pop(), self._pop()
        else:
            module, _, name = argument.partition(" ")
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("is damaged: a name is no text")
        found = Name(_OLD_NAMES.get(module, module), name)
        note_foreign(found, self.budget.foreign)
        self._stack.append(found)

    def make(self, function: Any, arguments: Any) -> None:
        """REDUCE, NEWOBJ, NEWOBJ_EX, INST, OBJ: a record of the call, or what a known call stands for."""
        if not isinstance(function, Name):
            raise ValueError("calls something that has no name")
        if not isinstance(arguments, tuple):
            raise ValueError("is damaged: calls without arguments")
        maker = MAKERS.get(function.full)
        self._stack.append(Made(function, arguments) if maker is None else maker(self, *arguments))

    def build(self, _: Any) -> None:
        """BUILD: note the attributes of a record. What became a plain table keeps its entries alone."""
        state, target = self._pop(), self._top()
        if isinstance(target, Made):
            target.state = state
        elif not isinstance(target, dict):
            raise ValueError("sets attributes of what has none")

    def persistent(self, identity: Any) -> None:
        """PERSID, BINPERSID."""
        if self._persistent is None:
            raise ValueError("refers to things outside the file, which no network needs")
        self._stack.append(self._persistent(identity))


def _fill(table: dict[Any, Any], items: list[Any]) -> None:
    if len(items) % 2:
        raise ValueError("is damaged: a key has no value")
    for key, value in zip(items[::2], items[1::2], strict=True):
        if not isinstance(key, (str, int, float, bytes, type(None))):  # others take time without end to hash
            raise ValueError("has a key that is neither text nor a number")
        table[key] = value


def _inst(machine: Machine, argument: str) -> None:
    items = tuple(machine._since_mark())
    machine.name(argument)
    machine.make(machine._pop(), items)


def _obj(machine: Machine, _: Any) -> None:
    items = machine._since_mark()
    machine.make(items[0] if items else None, tuple(items[1:]))


def _called(machine: Machine, _: Any) -> None:
    arguments = machine._pop()
    machine.make(machine._pop(), arguments)


def _called_with_names(machine: Machine, _: Any) -> None:
    named, arguments = machine._pop(), machine._pop()
    if named:
        raise ValueError("makes an object with named arguments, which no network needs")
    machine.make(machine._pop(), arguments)


_ACTIONS: dict[str, Callable[[Machine, Any], None]] = {
    "MARK": Machine.mark,
    "POP": Machine.pop,
    "POP_MARK": Machine.pop_mark,
    "DUP": Machine.dup,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.get),
    **dict.fromkeys(("LIST", "FROZENSET"), Machine.collect),
    "TUPLE": lambda machine, _: machine.collect(None, tuple),
    "TUPLE1": lambda machine, _: machine.row(1),
    "TUPLE2": lambda machine, _: machine.row(2),
    "TUPLE3": lambda machine, _: machine.row(3),
    "DICT": Machine.table,
    "APPEND": lambda machine, _: machine.append([machine._pop()]),
    **dict.fromkeys(("APPENDS", "ADDITEMS"), lambda machine, _: machine.append(machine._since_mark())),
    "SETITEM": lambda machine, _: machine.set_items([machine._pop(), machine._pop()][::-1]),
    "SETITEMS": lambda machine, _: machine.set_items(machine._since_mark()),
    **dict.fromkeys(("GLOBAL", "STACK_GLOBAL"), Machine.name),
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _called),
    "NEWOBJ_EX": _called_with_names,
    "INST": _inst,
    "OBJ": _obj,
    "BUILD": Machine.build,
    "PERSID": Machine.persistent,
    "BINPERSID": lambda machine, _: machine.persistent(machine._pop()),
}
