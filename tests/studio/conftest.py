"""A page with tiny networks, and a browser that looks at it."""

import shutil
import tempfile
from pathlib import Path

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from insetgan.cli.demo_config import DemoConfig
from insetgan.cli.demo_refiner import PageRefiner
from insetgan.cli.places import CONF
from insetgan.cli.ready import get_ready
from insetgan.studio.place import Place
from insetgan.weights.store import load_network

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="module")
def always(tiny_networks):
    """Words of the command line that put tiny networks in the place of the embedded ones."""
    return list(tiny_networks.values())


@pytest.fixture(scope="module")
def refiner(always):
    get_ready("demo", DemoConfig, [])
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield PageRefiner(always)
    GlobalHydra.instance().clear()


@pytest.fixture(scope="module")
def drawers(tiny_networks):
    """The canvas's generator and the face's."""
    return [load_network(tiny_networks[name].partition("=")[2], kind="generator") for name in ("canvas", "face")]


@pytest.fixture(scope="module")
def page_of(refiner, drawers, tmp_path_factory):
    """Open a page: page_of(password=None, runs=None) -> (Studio, address). All are closed in the end."""
    from insetgan.studio.server import Studio

    opened = []
    # Gradio makes a folder of the first page of a process again when it opens another one.
    before, tempfile.tempdir = tempfile.tempdir, str(tmp_path_factory.mktemp("pages"))

    def open_page(password=None, runs=None):
        studio = Studio(*drawers, refiner)
        opened.append(studio)
        return studio, studio.open(Place(port=0, password=password, runs=runs)).rstrip("/")

    yield open_page
    for studio in opened:
        studio.close()
        assert not Path(studio.root).exists()
    tempfile.tempdir = before


@pytest.fixture(scope="module")
def studio(page_of):
    return page_of()


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("the page is looked at with Debian's chromium, which is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, studio):
    """Visit the page as another user each time: visit("steps=3", width=1400) -> page. It asks nothing of elsewhere."""
    _, address = studio
    contexts, strangers, faults = [], [], []

    def go(query="", width=1400, height=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        ours = (address, "data:", "blob:", address.replace("http:", "ws:"))
        page.on("request", lambda request: None if request.url.startswith(ours) else strangers.append(request.url))
        page.goto(f"{address}/?{query}")
        page.wait_for_selector("#faces img")
        return page

    yield go
    for context in contexts:
        context.close()
    assert strangers == [] and faults == []
