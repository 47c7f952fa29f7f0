"""Lists of seeds as people type them."""

import re
from collections.abc import Iterable

from insetgan.runtime.errors import UserError

_LARGEST = 2**32 - 1  # what numpy's RandomState takes
_MOST = 1_000_000  # seeds of one run; beyond it a slip of the keyboard is likelier than the wish
_SHOWN = 100  # letters of what was typed that a message repeats


def parse_seeds(given: object, *, key: str = "seeds", unique: bool = True, word: str = "seed") -> list[int]:
    """Read `0-7`, `3`, `1,5,10-12` or a list of such items.

    Args:
        given: what was typed.
        key: what the setting is called, for messages.
        unique: whether a seed may be named once only.
        word: what one item is called, for messages.

    Returns:
        The seeds in the order given.

    Raises:
        UserError: not a seed or range, a range that runs backwards, a seed out of 0..2^32-1, one named twice, or more
            than a million in all.
    """
    said = f"{key}={_short(given)}"
    items = given if isinstance(given, Iterable) and not isinstance(given, str) else str(given).split(",")
    seeds: list[int] = []
    known: set[int] = set()
    for item in items:
        first, last = _bounds(str(item).strip(), said, word)
        if len(seeds) + last - first >= _MOST:
            raise UserError(
                f"{said}: {len(seeds) + last - first + 1} {word}s up to {_short(item)}; at most {_MOST} a run"
            )
        if last > _LARGEST:
            raise UserError(f"{said}: {last} is larger than {_LARGEST}")
        for seed in range(first, last + 1):
            if unique and seed in known:
                raise UserError(f"{said}: {seed} is named twice")
            seeds.append(seed)
            known.add(seed)
    if not seeds:
        raise UserError(f"{said}: name at least one {word}, such as 0-7 or [1,5]")
    return seeds


def refuse_too_many(said: str, count: int) -> None:
    """Refuse more images than a run makes, where several settings are multiplied.

    Args:
        said: those settings, as they were typed.
        count: of the images.

    Raises:
        UserError: more than a million.
    """
    if count > _MOST:
        raise UserError(f"{_short(said)}: {count} images, at most {_MOST} a run")


def _bounds(item: str, given: str, word: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,30})(?:-([0-9]{1,30}))?", item)  # int() refuses thousands of digits
    if not match:
        raise UserError(f"{given}: '{_short(item)}' is neither a {word} nor a range; write 0-7, 3 or [1,5,10-12]")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UserError(f"{given}: the range {item} runs backwards; write {last}-{first}")
    return first, last


def _short(given: object) -> str:
    text = str(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
