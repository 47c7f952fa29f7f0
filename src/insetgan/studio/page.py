"""The page itself: which component shows what, and which action follows which event."""

from collections.abc import AsyncIterator
from typing import Any

import gradio as gr

from insetgan.runtime.errors import UserError
from insetgan.studio import text
from insetgan.studio.compose import Composer, command_of, query_of
from insetgan.studio.explore import Explorer
from insetgan.studio.explore_tab import ExploreTab
from insetgan.studio.fields import Fields
from insetgan.studio.gallery import MORE
from insetgan.studio.runs import RunFolders
from insetgan.studio.runs_tab import RunsTab
from insetgan.studio.wish import Wish

_EVENT: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "undocumented"}


class Page:
    """Builds the page around the actions of a `Composer` and an `Explorer`.

    Args:
        composer: what the buttons of the tab "Compose" do.
        explorer: what those of the tab "Explore" do.
        runs: what can be opened in the tab "Runs"; None for no such tab.
    """

    def __init__(self, composer: Composer, explorer: Explorer, runs: RunFolders | None = None) -> None:
        self.composer, self.explorer, self.runs = composer, explorer, runs

    def build(self) -> gr.Blocks:
        """Lay out the page and tie its events."""
        with gr.Blocks(title="InsetGAN studio", analytics_enabled=False, delete_cache=(600, 3600)) as blocks:
            gr.Markdown("# InsetGAN studio")
            self.key = gr.BrowserState("", storage_key="insetgan-composition")
            with gr.Tab("Compose"), gr.Row(elem_classes=["halves"]):
                with gr.Column(scale=5, min_width=320):
                    self.fields = Fields(self.composer.uploads)
                with gr.Column(scale=4, min_width=320):
                    self._build_stage()
            with gr.Tab("Explore"):
                ExploreTab(self.explorer, _EVENT)
            if self.runs is not None:
                with gr.Tab("Runs"):
                    RunsTab(self.runs, _EVENT)
            self._tie_choices(blocks)
            self._tie_composition(blocks)
        made: gr.Blocks = blocks
        return made

    def _build_stage(self) -> None:
        with gr.Row():
            self.go = gr.Button("Compose", variant="primary", elem_id="go")
            self.halt = gr.Button("Stop", variant="stop", elem_id="halt")
        self.status = gr.HTML(text.status(text.START))
        self.live = gr.HTML(text.live(None))
        with gr.Column(visible=False) as self.result:
            self.slider = gr.ImageSlider(
                label="Naive paste and composition", format="png", type="filepath", interactive=False, max_height=512
            )
            self.change = gr.HTML(elem_id="change")
            self.film = gr.Video(label="Film of the optimisation", interactive=False, visible=False)
            self.files = gr.File(label="To take away", file_count="multiple", interactive=False, elem_id="files")
            self.command = gr.Textbox(
                label="The command that makes the same bytes", lines=3, buttons=["copy"], elem_id="command"
            )
        self.link = gr.HTML()

    def _tie_choices(self, blocks: gr.Blocks) -> None:
        """Galleries, uploads and the address."""
        fields, composer = self.fields, self.composer

        def draw(bodies: int, faces: int, psi: float) -> tuple[Any, Any]:
            return composer.body.pictures(bodies, psi), composer.face.pictures(faces, psi)

        def more_bodies(count: int, psi: float) -> tuple[int, Any]:
            return count + MORE, composer.body.pictures(count + MORE, psi)

        def more_faces(count: int, psi: float) -> tuple[int, Any]:
            return count + MORE, composer.face.pictures(count + MORE, psi)

        def chosen(event: gr.SelectData) -> int:
            return int(event.index)

        def arrive(request: gr.Request) -> list[Any]:
            try:
                wish = Wish.from_query(dict(request.query_params))
                return [*fields.values_of(wish), gr.skip()]
            except UserError as error:
                return [*fields.values_of(Wish()), text.status(f"In the address: {error}", problem=True)]

        drawing = {**_EVENT, "concurrency_id": "draw", "concurrency_limit": 1}
        counts = [fields.bodies, fields.faces, fields.psi]
        galleries = [fields.body_gallery, fields.face_gallery]
        arrived = blocks.load(arrive, None, [*fields.all, self.status], **_EVENT)
        arrived.then(draw, counts, galleries, **drawing)
        fields.psi.release(draw, counts, galleries, **drawing)
        fields.more_bodies.click(
            more_bodies, [fields.bodies, fields.psi], [fields.bodies, fields.body_gallery], **drawing
        )
        fields.more_faces.click(more_faces, [fields.faces, fields.psi], [fields.faces, fields.face_gallery], **drawing)
        for picture in fields.pictures.values():
            picture.tie(**_EVENT)
        fields.body_gallery.select(chosen, None, fields.body, **_EVENT)
        fields.face_gallery.select(chosen, None, fields.face, **_EVENT)

    def _tie_composition(self, blocks: gr.Blocks) -> None:
        """Compose, stop, and what is shown meanwhile and in the end."""
        composer, fields = self.composer, self.fields

        def ask(earlier: Any, canvas: str, face: str, *values: Any) -> tuple[Any, ...]:
            pictures = {name: key for name, key in (("canvas", canvas), ("face", face)) if key}
            try:
                job = composer.ask(fields.wish(values), pictures, earlier)
            except UserError as error:
                return gr.skip(), text.status(str(error), problem=True), gr.skip(), gr.skip(), gr.skip()
            link = text.link(query_of(values))
            return (
                job.key,
                text.status_of(job, composer.line.rank(job)),
                text.live(None),
                gr.update(visible=False),
                link,
            )

        async def watch(key: Any) -> AsyncIterator[tuple[Any, Any]]:
            yield gr.skip(), gr.skip()  # a generator that gives nothing would empty both
            async for live, status in composer.watch(key):
                yield live, status

        def finish(key: Any) -> tuple[Any, ...]:
            found = composer.outcome(key)
            if found is None:
                return (gr.skip(),) * 8
            job, outcome = found
            return (
                gr.update(visible=True),
                (str(outcome.before), str(outcome.after)),
                "<p>What the optimisation changed: dark not at all, light most.</p>"
                + text.picture(outcome.change(), "Map of what the optimisation changed"),
                gr.update(visible=outcome.film is not None, value=outcome.film and str(outcome.film)),
                [str(file) for file in outcome.files],
                command_of(job),
                text.status(f"Done. {outcome.figures()}."),
                "",
            )

        own = [picture.key for picture in fields.pictures.values()]
        shown = [self.live, self.status]
        ended = [self.result, self.slider, self.change, self.film, self.files, self.command, self.status, self.live]
        stage = [self.key, self.status, self.live, self.result, self.link]
        asked = self.go.click(ask, [self.key, *own, *fields.all], stage, api_name="ask", **_EVENT)
        watching: dict[str, Any] = {**_EVENT, "concurrency_limit": None}
        followed = asked.then(watch, self.key, shown, api_name="watch", **watching)
        followed.then(finish, self.key, ended, api_name="finish", **_EVENT)
        # A page that was loaded again finds its composition, which went on meanwhile.
        again = blocks.load(watch, self.key, shown, **watching)
        again.then(finish, self.key, ended, **_EVENT)
        self.halt.click(composer.stop, self.key, self.status, queue=False, api_name="stop", **_EVENT)
