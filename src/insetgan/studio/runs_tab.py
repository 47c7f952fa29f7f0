"""The tab "Runs": finished runs of refine.py and its sweeps."""

from html import escape
from typing import Any

import gradio as gr

from insetgan.runtime.errors import UserError
from insetgan.studio import text
from insetgan.studio.runs import RunFolders, Shown


class RunsTab:
    """Lays the tab out where it is made, and ties its events.

    Args:
        runs: what can be opened.
        event: what all events of the page have.
    """

    def __init__(self, runs: RunFolders, event: dict[str, Any]) -> None:
        self.runs = runs
        names = runs.names()
        with gr.Row():
            chosen = gr.Dropdown(names, value=None, label="Run or sweep, the newest first", elem_id="run")
            again = gr.Button("Look again", size="sm", min_width=100)
        shown = gr.HTML()
        chosen.input(self.show, chosen, shown, api_name="run", **event)
        again.click(lambda: gr.update(choices=runs.names()), None, chosen, **event)

    def show(self, name: str | None) -> str:
        """What a run has left, as HTML."""
        if not name:
            return ""
        try:
            found = self.runs.open(name)
        except UserError as error:
            return text.status(str(error), problem=True)
        pictures = "".join(text.picture(png, f"{file} of {name}") for file, png in found.pictures)
        return f'<div class="grid">{_table(found, name)}{pictures}</div>'


def _table(found: Shown, name: str) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in found.titles)
    rows = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in found.rows)
    caption = f"<caption>{escape(name)}</caption>"
    return f'<div class="wide" tabindex="0"><table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
