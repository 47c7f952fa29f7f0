"""The field for a picture of the artist's own, in the place of a seed."""

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from insetgan.ops.images import encode_png
from insetgan.runtime.errors import UserError
from insetgan.studio import text
from insetgan.studio.upload import KEPT_FOR, MOST_BYTES, Uploads

TALLEST = 256
"""Pixels of the longer side of what is shown of a picture."""


class OwnPicture:
    """Lays the field out where it is made.

    Args:
        what: "body" or "face", in words for the artist.
        uploads: takes the pictures in.

    Attributes:
        key: a state: the key of the picture, empty without one.
    """

    def __init__(self, what: str, uploads: Uploads) -> None:
        self.what, self.uploads = what, uploads
        # When the page is left, its picture goes; after an hour it goes anyway.
        self.key = gr.State("", time_to_live=KEPT_FOR, delete_callback=uploads.remove)
        self.button = gr.UploadButton(
            f"Own picture of a {what}: PNG, JPEG or WebP, {MOST_BYTES >> 20} MiB at most",
            file_types=["image"],
            # Any image, so that a wrong kind of file is refused in a line of the page and not by the browser alone.
            type="filepath",
            size="sm",
            elem_id=f"own-{what}",
        )
        self.shown = gr.HTML()
        self.remove = gr.Button("Remove this picture", size="sm", visible=False)

    def tie(self, **event: Any) -> None:
        """Tie its events; `event` holds what all events of the page have."""
        outputs = [self.key, self.shown, self.remove]
        self.button.upload(self.take, [self.button, self.key], outputs, **event)
        self.remove.click(self.give_up, self.key, outputs, **event)

    def take(self, sent: str | None, before: str) -> tuple[str, str, Any]:
        """Take a picture in, in the place of the one before; what cannot be used is said, and the one before stays.

        Returns:
            The key, what is shown, and whether it can be removed.
        """
        if sent is None:
            return before, "", gr.skip()
        try:
            key, pixels = self.uploads.take(Path(sent))
        except UserError as error:
            return gr.skip(), text.status(str(error), problem=True), gr.skip()
        self.uploads.remove(before)
        picture = Image.fromarray(pixels)
        picture.thumbnail((TALLEST, TALLEST))
        return key, text.picture(encode_png(picture), f"Your picture of a {self.what}"), gr.update(visible=True)

    def give_up(self, key: str) -> tuple[str, str, Any]:
        """Delete the picture."""
        self.uploads.remove(key)
        return "", "", gr.update(visible=False)
