"""The fields of the tab "Compose": one for each setting of a `Wish`."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from insetgan.studio.gallery import MORE
from insetgan.studio.own_picture import OwnPicture
from insetgan.studio.upload import Uploads
from insetgan.studio.wish import MODES, PARTS, PRESETS, Wish

_MODES = {
    "joint": "both change until they fit (joint)",
    "body_for_part": "a body for this face (body_for_part)",
    "montage": "both stay nearly what they are (montage)",
    "part": "a face for this body, quick (part)",
}
_NAMES = ("body", "face", "psi", "mode", "parts", "preset", "steps", "film")


class Fields:
    """Lays the fields out where it is made.

    Args:
        uploads: takes own pictures in.

    Attributes:
        all: a component for each setting, in the order of `Wish`.
    """

    def __init__(self, uploads: Uploads) -> None:
        usual = Wish()
        gallery: dict[str, Any] = {
            "columns": 3,
            "object_fit": "contain",
            "allow_preview": False,
            "interactive": False,
            "buttons": [],
            "format": "png",
            "height": 330,
            "elem_classes": ["seeds"],
        }
        with gr.Row(elem_classes=["halves"]):
            with gr.Column(min_width=280):
                self.body_gallery = gr.Gallery(label="Bodies", elem_id="bodies", **gallery)
                with gr.Row():
                    self.body = gr.Number(
                        usual.body, label="Seed of the body", precision=0, minimum=0, min_width=120, elem_id="body"
                    )
                    self.more_bodies = gr.Button("More bodies", size="sm", min_width=100)
            with gr.Column(min_width=280):
                self.face_gallery = gr.Gallery(label="Faces", elem_id="faces", **gallery)
                with gr.Row():
                    self.face = gr.Number(
                        None,
                        label="Seed of the face",
                        placeholder="the body's",
                        precision=0,
                        minimum=0,
                        min_width=120,
                        elem_id="face",
                    )
                    self.more_faces = gr.Button("More faces", size="sm", min_width=100)
        with gr.Accordion("Own pictures", open=False):
            gr.Markdown(
                "They take the place of the seeds, are aligned and inverted as by refine.py, and are deleted when you "
                "leave the page or after an hour."
            )
            self.pictures = {"canvas": OwnPicture("body", uploads), "face": OwnPicture("face", uploads)}
        self.psi = gr.Slider(0, 1.5, usual.psi, step=0.05, label="psi: 0 the average person, 1 the full variety")
        self.mode = gr.Radio([(_MODES[mode], mode) for mode in MODES], value=usual.mode, label="Mode")
        self.parts = gr.CheckboxGroup(list(PARTS), value=list(usual.parts), label="Parts")
        with gr.Accordion("More settings", open=False):
            self.preset = gr.Dropdown(list(PRESETS), value=usual.preset, label="Preset: settings of a published script")
            self.steps = gr.Number(
                None, label="Steps; empty: as many as refine.py takes", precision=0, minimum=1, maximum=5000
            )
            self.film = gr.Checkbox(usual.film, label="Film of the optimisation")
        self.bodies, self.faces = gr.State(MORE), gr.State(MORE)
        self.all: list[Any] = [getattr(self, name) for name in _NAMES]

    def wish(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values of all fields, by setting."""
        given = dict(zip(_NAMES, values, strict=True))
        given["psi"] = float(given["psi"]) if isinstance(given["psi"], int) else given["psi"]
        return given

    def values_of(self, wish: Wish) -> list[Any]:
        """The values of all fields that ask for a wish."""
        return [getattr(wish, name) for name in _NAMES]
