"""Images for the loggers of Lightning that take them."""

from typing import Any

from torch import Tensor

from insetgan.runtime.lightning import Logger


def log_image(logger: Logger, name: str, image: Tensor, step: int) -> None:
    """Give an image, uint8 [h, w, 3], to Weights & Biases or TensorBoard; other loggers take none."""
    writer: Any = logger
    if hasattr(writer, "log_image"):
        writer.log_image(name, [image.numpy()], step=step)
        return
    board: Any = getattr(writer, "experiment", None)
    if hasattr(board, "add_image"):
        board.add_image(name, image.numpy(), step, dataformats="HWC")
