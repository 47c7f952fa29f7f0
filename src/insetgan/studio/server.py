"""Serving the page until it is stopped."""

import hmac
import os
import shutil
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Any

from insetgan.networks.synthesiser import Synthesiser
from insetgan.runtime.errors import Stopped, UserError
from insetgan.runtime.signals import ignore_stop_signals
from insetgan.studio.compose import Composer
from insetgan.studio.explore import Explorer
from insetgan.studio.gallery import MORE, SeedGallery
from insetgan.studio.line import Line, Refiner
from insetgan.studio.place import Place as Place
from insetgan.studio.runs import RunFolders
from insetgan.studio.upload import MOST_BYTES, Uploads

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when Gradio is imported


def serve(body: Synthesiser, face: Synthesiser, refiner: Refiner, place: Place, say: Callable[[str], None]) -> None:
    """Serve the page until a signal ends this process; then nothing of it is left on the disk.

    Args:
        body: draws the gallery of canvases.
        face: draws the gallery of faces.
        refiner: carries compositions out.
        place: where.
        say: told the address of the page.

    Raises:
        UserError: the port is taken, or the address is none of this machine.
    """
    studio = Studio(body, face, refiner)
    try:
        address = studio.open(place)
        say(f"page: {address} (Ctrl-C closes it)")
        if place.open:
            webbrowser.open(address)
        threading.Event().wait()
    except (KeyboardInterrupt, Stopped):
        say("the page is closed")
    finally:
        ignore_stop_signals()  # a second one must not leave files behind
        studio.close()


class Studio:
    """A page and what belongs to it: the line of compositions, galleries, and a folder that is removed in the end.

    Args:
        body: draws the gallery of canvases.
        face: draws the gallery of faces.
        refiner: carries compositions out.
    """

    def __init__(self, body: Synthesiser, face: Synthesiser, refiner: Refiner) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="insetgan-studio-"))  # which only this user may read
        os.environ["GRADIO_TEMP_DIR"] = str(self.root / "gradio")
        results = self.root / "results"
        results.mkdir()
        self.line = Line(refiner, results)
        galleries = SeedGallery(body), SeedGallery(face)
        self.composer = Composer(self.line, Uploads(self.root / "uploads"), *galleries)
        self.explorer = Explorer({"body": body, "face": face})
        self.blocks: Any = None

    def open(self, place: Place) -> str:
        """Open the page.

        Returns:
            Its address.

        Raises:
            UserError: the port is taken, or the address is none of this machine.
        """
        from insetgan.studio.look import STYLE, theme  # Gradio takes seconds to import
        from insetgan.studio.page import Page

        runs = None if place.runs is None else RunFolders(place.runs)
        for gallery in (self.composer.body, self.composer.face):
            threading.Thread(target=gallery.pictures, args=(MORE, 0.7), daemon=True).start()
        self.blocks = Page(self.composer, self.explorer, runs).build()
        self.blocks.queue(max_size=200)
        asked: dict[str, Any] = {}
        if (password := place.password) is not None:
            asked["auth"] = lambda name, given: hmac.compare_digest(given.encode(), password.encode())
            asked["auth_message"] = "Any name will do; the password is that of the one who opened the page."
        try:
            _, address, _ = self.blocks.launch(
                server_name=place.host, server_port=place.port or _free_port(place.host), prevent_thread_lock=True,
                quiet=True, share=False, inbrowser=False, show_error=False, max_file_size=MOST_BYTES, allowed_paths=[],
                strict_cors=True, ssr_mode=False, pwa=False, mcp_server=False, run_history=False, footer_links=[],
                enable_monitoring=False, theme=theme(), css=STYLE, **asked,
            )  # fmt: skip
        except OSError as error:
            raise UserError(
                f"host={place.host} port={place.port}: cannot be served there, it may be taken; port=0 takes a free one"
            ) from error
        return str(address)

    def close(self) -> None:
        """Close the page, stop what runs, and remove all files."""
        if self.blocks is not None:
            self.blocks.close(verbose=False)
        self.line.close()
        self.composer.body.close()
        self.composer.face.close()
        self.explorer.close()
        shutil.rmtree(self.root, ignore_errors=True)


def _free_port(host: str) -> int:
    """A port that is free at an address."""
    with socket.create_server((host, 0)) as found:
        number: int = found.getsockname()[1]
        return number
