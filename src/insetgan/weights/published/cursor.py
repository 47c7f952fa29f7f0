"""A place in the bytes of a pickle, from which opcodes and their arguments are read within bounds."""

from typing import Any

from insetgan.runtime import limits

_SIZED = {
    "SHORT_BINSTRING": 1,
    "BINSTRING": 4,
    "SHORT_BINBYTES": 1,
    "BINBYTES": 4,
    "BINBYTES8": 8,
    "BYTEARRAY8": 8,
    "SHORT_BINUNICODE": 1,
    "BINUNICODE": 4,
    "BINUNICODE8": 8,
    "LONG1": 1,
    "LONG4": 4,
}
"""Opcodes whose argument begins with its length, in so many bytes."""
_SMALL = 256
"""Bytes up to which byte strings are copied out of the file."""


class Budget:
    """What all pickles of one file may take together: steps and bytes of text.

    Attributes:
        foreign: names in the file that no network needs, in their order.
    """

    def __init__(self) -> None:
        """Start with nothing taken."""
        self.steps = 0
        self.text = 0
        self.foreign: dict[str, None] = {}

    def step(self) -> None:
        """Count an opcode. Raises ValueError when there are too many."""
        self.steps += 1
        if self.steps > limits.PICKLE_STEPS:
            raise ValueError(f"takes more than {limits.PICKLE_STEPS} steps to read, which no network needs")

    def take(self, size: int) -> None:
        """Count bytes of text. Raises ValueError when there are too many."""
        self.text += size
        if self.text > limits.PICKLE_BYTES:
            raise ValueError(f"holds more than {limits.PICKLE_BYTES >> 20} MiB of text, which no network needs")


class Cursor:
    """A place in some bytes.

    Attributes:
        position: of the byte that is read next.
        budget: see `Budget`.
    """

    def __init__(self, data: memoryview, budget: Budget, start: int) -> None:
        """Begin at `start`."""
        self.data, self.budget, self.position = data, budget, start

    def argument(self, code: Any) -> Any:
        """What follows an opcode of `pickletools`. Raises ValueError when the bytes end, or it is beyond a bound."""
        if code.name in _SIZED:
            size = int.from_bytes(self.bytes_of(_SIZED[code.name]), "little")
            if code.name.startswith("LONG"):
                if size > 16:
                    raise ValueError("holds a number of more than 16 bytes")
                return int.from_bytes(self.bytes_of(size), "little", signed=True)
            piece = self.bytes_of(size)
            if "BYTE" in code.name and size > _SMALL:
                return piece
            self.budget.take(size)
            if "BYTE" in code.name:
                return bytes(piece)
            return str(piece, "utf-8", "surrogatepass") if "UNICODE" in code.name else str(piece, "latin-1")
        return None if code.arg is None else code.arg.reader(self)

    def bytes_of(self, size: int) -> memoryview:
        """The next bytes. Raises ValueError when there are not as many."""
        if size > len(self.data) - self.position:
            raise ValueError("ends early, perhaps cut short")
        self.position += size
        return self.data[self.position - size : self.position]

    def read(self, size: int) -> bytes:
        """Bytes for `pickletools`, which asks for a few at a time."""
        return bytes(self.bytes_of(min(size, 16)))

    def readline(self) -> bytes:
        """A line for `pickletools`. Raises ValueError when it is long."""
        end, length = 0, 64
        while not end and length <= limits.PICKLE_LINE:
            piece = bytes(self.data[self.position : self.position + length])
            end, length = piece.find(b"\n") + 1, length * 4
        if not end:
            raise ValueError("holds a line of text without an end")
        self.budget.take(end)
        self.position += end
        return piece[:end]
