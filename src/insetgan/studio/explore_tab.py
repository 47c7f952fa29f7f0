"""The tab "Explore": which component shows what of an `Explorer`."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from insetgan.ops.images import encode_png
from insetgan.runtime.errors import UserError
from insetgan.studio import text
from insetgan.studio.directions import COUNT
from insetgan.studio.explore import FURTHEST, MOST_SEEDS, Explorer


class ExploreTab:
    """Lays the tab out where it is made, and ties its events.

    Args:
        explorer: draws.
        event: what all events of the page have.
    """

    def __init__(self, explorer: Explorer, event: dict[str, Any]) -> None:
        self.explorer = explorer
        self.event = {**event, "concurrency_id": "draw", "concurrency_limit": 1}
        self.what = gr.Radio([*explorer.generators], value=next(iter(explorer.generators)), label="Of")
        with gr.Row(elem_classes=["halves"]):
            with gr.Column(min_width=280):
                self._psi_by_seed()
                self._style_mixing()
            with gr.Column(min_width=280):
                self._directions()

    def _psi_by_seed(self) -> None:
        gr.Markdown("## psi by seed")
        first = gr.Number(0, label="First seed", precision=0, minimum=0)
        count = gr.Slider(1, MOST_SEEDS, 4, step=1, label="Seeds")
        self._tie(
            "Draw the grid", self.explorer.psi_grid, [first, count], "A grid: a row for each seed, psi from 0 to 1"
        )

    def _style_mixing(self) -> None:
        gr.Markdown("## Style mixing")
        with gr.Row():
            row = gr.Number(3, label="A seed", precision=0, minimum=0, min_width=120)
            column = gr.Number(5, label="Another seed", precision=0, minimum=0, min_width=120)
        most = max(map(self.explorer.layers, self.explorer.generators))
        layers = gr.CheckboxGroup(
            [*range(most)], value=[*range(most // 3)], label="Layers of the other seed; 0 is the coarsest"
        )
        psi = gr.Slider(0, 1.5, 0.7, step=0.05, label="psi")

        def mix(what: str, one: int, other: int, chosen: list[int], trunc: float) -> Image.Image:
            return self.explorer.mix(what, one, other, sorted(chosen), float(trunc))

        self._tie("Mix", mix, [row, column, layers, psi], "Both seeds, and each with layers of the other")

    def _directions(self) -> None:
        gr.Markdown("## Along the principal directions of w")
        seed = gr.Number(3, label="Seed to move", precision=0, minimum=0)
        psi = gr.Slider(0, 1.5, 0.7, step=0.05, label="psi of the seed")
        amounts = [
            gr.Slider(-FURTHEST, FURTHEST, 0, step=0.25, label=f"Direction {number + 1}, in standard deviations")
            for number in range(COUNT)
        ]

        def move(what: str, chosen: int, trunc: float, *given: float) -> Image.Image:
            return self.explorer.moved(what, chosen, float(trunc), [float(each) for each in given])

        action, shown = self._tie("Move", move, [seed, psi, *amounts], "The seed as it is, and moved")
        for slider in amounts:
            slider.release(action, [self.what, seed, psi, *amounts], shown, **self.event)

    def _tie(self, title: str, make: Callable[..., Image.Image], inputs: list[Any], alt: str) -> tuple[Any, Any]:
        """A button that draws a grid, and the place where it is shown."""

        def action(*values: Any) -> str:
            if any(value is None for value in values):
                return text.status("Give a number in each field.", problem=True)
            try:
                return text.picture(encode_png(make(*values)), alt)
            except UserError as error:
                return text.status(str(error), problem=True)

        button, shown = gr.Button(title), gr.HTML(elem_classes=["grid"])
        button.click(action, [self.what, *inputs], shown, api_name=title.lower().replace(" ", "_"), **self.event)
        return action, shown
