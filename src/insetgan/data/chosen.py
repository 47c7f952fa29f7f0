"""A few images of a data set, chosen evenly."""

from typing import Any

import torch
from torch import Tensor

from insetgan.runtime.plugins import buildable


@buildable
def chosen_images(dataset: Any, num: int) -> Tensor:
    """Images spread evenly over a data set.

    Args:
        dataset: items are uint8 [3, h, w], or tuples of that and more; has a length.
        num: how many at most.

    Returns:
        float32 [min(num, length), 3, h, w] in [-1, 1].

    Raises:
        ValueError: num is below 1.
    """
    if num < 1:
        raise ValueError(f"num={num}: must be 1 or more")
    count = min(num, len(dataset))
    items = [dataset[index * len(dataset) // count] for index in range(count)]
    return torch.stack([item[0] if isinstance(item, (tuple, list)) else item for item in items]).float() / 127.5 - 1
