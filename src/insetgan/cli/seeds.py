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
        UserError: not a seed or range, a range that runs backwards, a seed out of 0..2^32-1, or one named twice.
    """
    items = given if isinstance(given, Iterable) and not isinstance(given, str) else str(given).split(",")
    seeds = [seed for item in items for seed in _expand(str(item).strip(), given)]
    if not seeds:
        raise UserError(f"seeds={given}: name at least one seed, such as 0-7 or [1,5]")
    if len(set(seeds)) < len(seeds):
        twice = next(seed for seed in seeds if seeds.count(seed) > 1)
        raise UserError(f"seeds={given}: {twice} is named twice")
    return seeds


def _expand(item: str, given: object) -> range:
    match = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", item)
    if not match:
        raise UserError(f"seeds={given}: '{item}' is neither a seed nor a range; write 0-7, 3 or [1,5,10-12]")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise UserError(f"seeds={given}: the range {item} runs backwards; write {last}-{first}")
    if last - first >= _MOST:
        raise UserError(f"seeds={given}: the range {item} has {last - first + 1} seeds; at most {_MOST} a run")
    if last > _LARGEST:
        raise UserError(f"seeds={given}: {last} is larger than {_LARGEST}")
    return range(first, last + 1)
