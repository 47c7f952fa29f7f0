"""Lists of seeds as people type them."""

import re
from collections.abc import Iterable

from insetgan.errors import UserError

_LARGEST = 2**32 - 1  # what numpy's RandomState takes
_MOST = 1_000_000  # seeds of one run; beyond it a slip of the keyboard is likelier than the wish


def parse_seeds(given: object) -> list[int]:
    """Read `0-7`, `3`, `1,5,10-12` or a list of such items.

    Returns:
        The seeds in the order given.

    Raises:
        UserError: not a seed or range, a range that runs backwards, a seed out of 0..2^32-1, one named twice, or more
            than a million in all.
    """
    items = given if isinstance(given, Iterable) and not isinstance(given, str) else str(given).split(",")
    seeds: dict[int, None] = {}  # ordered, and quick to ask
    for item in items:
        first, last = _bounds(str(item).strip(), given)
        if len(seeds) + last - first >= _MOST:
            raise UserError(f"seeds={given}: {len(seeds) + last - first + 1} seeds up to {item}; at most {_MOST} a run")
        if last > _LARGEST:
            raise UserError(f"seeds={given}: {last} is larger than {_LARGEST}")
        for seed in range(first, last + 1):
            if seed in seeds:
                raise UserError(f"seeds={given}: {seed} is named twice")
            seeds[seed] = None
    if not seeds:
        raise UserError(f"seeds={given}: name at least one seed, such as 0-7 or [1,5]")
    return list(seeds)


def _bounds(item: str, given: object) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,30})(?:-([0-9]{1,30}))?", item)  # int() refuses thousands of digits
    if not match:
        raise UserError(f"seeds={given}: '{item}' is neither a seed nor a range; write 0-7, 3 or [1,5,10-12]")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UserError(f"seeds={given}: the range {item} runs backwards; write {last}-{first}")
    return first, last
