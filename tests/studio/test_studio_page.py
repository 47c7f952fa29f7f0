"""The page in a real browser; the tests are skipped, with the reason, where Debian's chromium is not installed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

STATUS = "(document.querySelector('.status')?.innerText ?? '')"
LONG = "steps=5000&body=2"  # which a test stops


def until(page, condition):
    page.wait_for_function(condition, timeout=60_000)


def status(page):
    return page.evaluate(STATUS)


def compose(page):
    page.click("#go")
    until(page, f"{STATUS}.startsWith('Step')")


def stop(page):
    page.click("#halt")
    until(page, f"{STATUS}.startsWith('Stopped')")


def test_from_seeds_to_a_picture_with_the_bytes_of_the_run(visit, studio, tmp_path):
    page = visit("steps=4&psi=0.6&face=2")
    assert page.input_value("#face input") == "2"
    page.locator("#bodies button:has(img)").nth(3).click()
    until(page, "document.querySelector('#body input').value === '3'")
    page.click("#go")
    until(page, f"{STATUS}.startsWith('Done')")
    page.wait_for_selector("#files a")
    with page.expect_download() as download:
        page.locator("#files a").first.click()
    download.value.save_as(tmp_path / "taken.png")
    (made,) = Path(studio[0].root, "results").glob("*/samples/3_refined.png")
    assert (tmp_path / "taken.png").read_bytes() == made.read_bytes()
    command = page.input_value("#command textarea")
    assert command.startswith("python refine.py mode=joint seeds=3 batch_size=1 trunc=0.6 ")
    assert "parts.face.start=2" in command and "steps=4" in command
    assert page.get_attribute("a.permalink", "href") == "?body=3&face=2&psi=0.6&steps=4"
    assert page.locator("#change img").count() == 1


@pytest.mark.slow
def test_stop_ends_it_at_once_and_keeps_the_last_picture(visit):
    page = visit(LONG)
    compose(page)
    stop(page)  # at the next step, as tests/studio/test_studio_line.py counts
    assert page.locator(".live img").count() == 1 and "of 5000" in status(page)


@pytest.mark.slow
def test_a_page_that_is_loaded_again_finds_its_composition(visit):
    page = visit(LONG)
    compose(page)
    page.reload()
    page.wait_for_selector(".live img")
    until(page, f"{STATUS}.startsWith('Step')")
    stop(page)


@pytest.mark.slow
def test_two_users_wait_for_each_other(visit):
    first, second = visit(LONG), visit("steps=3&body=7")
    compose(first)
    second.click("#go")
    until(second, f"{STATUS} === 'Waiting: one composition comes first.'")
    stop(first)
    until(second, f"{STATUS}.startsWith('Done')")
    assert "Stopped" in status(first)


@pytest.mark.slow
def test_own_pictures_good_and_hostile(visit, studio, tmp_path):
    page = visit("steps=3&mode=montage")
    page.get_by_role("button", name="Own pictures").click()
    hostile = {
        "text.png": b"this is text",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "cut.png": (Path(__file__).parents[2] / "docs" / "face.png").read_bytes()[:900],
    }
    for name, data in hostile.items():
        (tmp_path / name).write_bytes(data)
        page.set_input_files("#own-face input[type=file], input[type=file] >> nth=1", tmp_path / name)
        page.wait_for_selector(f"[role=alert]:has-text('{name}')")
    pixels = np.random.RandomState(0).randint(0, 256, (40, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "mine.png")
    page.set_input_files("#own-face input[type=file], input[type=file] >> nth=1", tmp_path / "mine.png")
    page.wait_for_selector("img[alt='Your picture of a face']")
    page.click("#go")
    until(page, f"{STATUS}.startsWith('Done')")
    assert "parts.face.image=mine.png" in page.input_value("#command textarea")
    page.get_by_role("button", name="Remove this picture").click()
    page.wait_for_selector("img[alt='Your picture of a face']", state="detached")
    assert not list(Path(studio[0].root, "uploads").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 400])
def test_it_can_be_read_by_all_and_fits(visit, scheme, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit("steps=3", width=width, color_scheme=scheme)
    page.click("#go")
    until(page, f"{STATUS}.startsWith('Done')")
    page.wait_for_selector("#files a")
    found = Axe().run(page).response["violations"]
    serious = {
        each["id"]: [node["html"][:200] for node in each["nodes"]]
        for each in found
        if each["impact"] in ("serious", "critical")
    }
    assert serious == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
@pytest.mark.parametrize("width", [1400, 400])
def test_the_tab_explore_draws_and_can_be_read_by_all(visit, width):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(width=width)
    page.get_by_role("tab", name="Explore").click()
    for button in ("Draw the grid", "Mix", "Move"):
        page.get_by_role("button", name=button, exact=True).click()
    for alt in ("A grid", "Both seeds", "The seed as it is"):
        page.wait_for_selector(f"img[alt^='{alt}']")
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.slow
def test_a_finished_run_is_opened(browser, page_of, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    folder = tmp_path / "joint-1"
    folder.mkdir()
    Image.new("RGB", (8, 4)).save(folder / "sheet.png")
    record = '{"name": "3", "status": "<b>ok</b>", "seam_after": {"face": 1.09}}'
    (folder / "results.json").write_text(f'{{"samples": [{record}]}}')
    _, address = page_of(runs=tmp_path)
    page = browser.new_page()
    page.goto(address)
    page.get_by_role("tab", name="Runs").click()
    page.locator("#run input").click()
    page.get_by_role("option", name="joint-1").click()
    page.wait_for_selector("img[alt='sheet.png of joint-1']")
    assert page.locator("td").all_inner_texts() == ["3", "<b>ok</b>", "face 1.09"]
    found = Axe().run(page).response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    page.close()


@pytest.mark.slow
def test_the_keyboard_is_enough(visit):
    page = visit("steps=3")
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "go":
            break
    page.keyboard.press("Enter")
    until(page, f"{STATUS}.startsWith('Done')")


@pytest.mark.slow
def test_a_wrong_address_is_one_line_and_the_page_works(visit):
    page = visit("psi=7")
    until(page, f"{STATUS}.includes('In the address: psi=7.0: must be at most 2')")
    assert page.input_value("#body input") == "0"
