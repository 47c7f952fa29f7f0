"""prepare.py +source=look: photographs are drawn with what was found, and mistakes are one line."""

from functools import partial

import pytest
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive


@pytest.fixture
def look(in_process, tmp_path):
    """Run +source=look in an empty folder: look(*overrides) -> (exit code, output, errors)."""
    return partial(in_process, "prepare", "+source=look", cwd=tmp_path)


@pytest.fixture
def photo(tmp_path):
    """A rendered person of 256 x 128, as a JPEG that EXIF turns upright."""
    image = Image.fromarray(Archive(PEOPLE).image(0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "me.jpg", exif=exif, quality=95)
    return tmp_path / "me.jpg"


def test_what_was_found_is_drawn_and_said(look, photo, tmp_path):
    code, text, errors = look("data.input=me.jpg")
    assert code == 0, errors
    assert "me.jpg: 256 x 128, 1 person, drawn in outputs/look/me.jpg.png" in text
    for part in ("face", "hand_left", "hand_right", "feet", "person"):
        assert f"  1: {part} 0." in text or f"  1: {part} 1." in text
    drawn = Image.open(tmp_path / "outputs/look/me.jpg.png")
    assert drawn.size == (128, 256)
    assert (230, 60, 60) in {colour for _, colour in drawn.getcolors(1 << 16)}  # of the face's box


def test_a_folder_is_looked_through_and_bad_files_are_named(look, photo, tmp_path):
    (tmp_path / "pictures").mkdir()
    photo.rename(tmp_path / "pictures" / "ich selbst äöü.png")  # the ending says nothing
    (tmp_path / "pictures" / "broken.jpg").write_bytes(b"no image")
    (tmp_path / "pictures" / "notes.txt").write_text("no image")
    Image.new("RGB", (64, 64)).save(tmp_path / "pictures" / "empty.png")
    code, text, errors = look("data.input=pictures", "out=drawn", "finder=dlib")
    assert code == 0, errors
    assert "broken.jpg: not looked at (no whole PNG, JPEG or WebP by its content)" in text
    assert "1 files passed over, hidden or no images by their ending, the first notes.txt" in text
    assert "empty.png: 64 x 64, no person was found" in text
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["empty.png.png", "ich selbst äöü.png.png"]


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ([], "data.input=null: must be a photograph or a folder of photographs"),
        (["data.input=nowhere"], "data.input=nowhere: no such file or folder"),
        (["data.input=me.jpg", "out=me.jpg"], "out=me.jpg: is a file; look writes its drawings into a folder"),
        (["data.input=me.jpg", "finder=coco"], "finder.path=null: must be a file in COCO's format"),
        (["data.input=me.jpg", "finder.threshold=2"], "finder.threshold=2: must be from 0 to 1"),
        (["data.input=me.jpg", "data.background=nocolour"], "data.background=nocolour: must be the name of a colour"),
        (["data.input=me.jpg", "finder={_target_: insetgan.data.archive.Archive}"], "finder"),
    ],
)
def test_mistakes_are_one_line(look, photo, overrides, says):
    code, _, errors = look(*overrides)
    assert code == 2
    assert len(errors.strip().splitlines()) == 1 and errors.startswith(f"error: {says}"), errors


def test_sources_that_draw_take_no_input(in_process, photo, tmp_path):
    code, _, errors = in_process("prepare", "+source=people", "data.input=me.jpg", cwd=tmp_path)
    assert code == 2 and errors == "error: data.input=me.jpg: this source draws its images itself; leave it out\n"


def test_no_two_photographs_share_a_drawing(look, tmp_path):
    for name in ("in/a/b.png", "in/a-b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (64, 64)).save(tmp_path / name)
    assert look("data.input=in", "out=drawn", "finder=dlib")[0] == 0
    drawn = sorted(str(path.relative_to(tmp_path / "drawn")) for path in (tmp_path / "drawn").rglob("*.png"))
    assert drawn == ["a-b.png.png", "a/b.png.png"]


@pytest.mark.parametrize(("count", "of"), [(1, "none of 1 files"), (2, "none of 2 files")])
def test_nothing_that_can_be_read_is_a_mistake_and_makes_nothing(look, tmp_path, count, of):
    (tmp_path / "in").mkdir()
    for number in range(count):
        (tmp_path / "in" / f"{number}.png").write_bytes(b"no image")
    code, _, errors = look("data.input=in" if count > 1 else "data.input=in/0.png")
    assert code == 2 and len(errors.strip().splitlines()) == 1
    assert of in errors and "0.png: not looked at (no whole PNG, JPEG or WebP by its content)" in errors
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("source", ["look", "folder", "photos", "ffhq_align"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.zip", "data.input=x.zip: is an archive, and this source reads a photograph or a folder of photographs"),
        ("x.tar.gz", "data.input=x.tar.gz: is an archive"),
        ("x.json", "data.input=x.json: is no image by its ending; give a photograph or a folder of photographs"),
    ],
)
def test_an_archive_in_the_place_of_a_folder_is_told(in_process, tmp_path, source, name, said):
    (tmp_path / name).write_bytes(b"PK")
    finder = [] if source == "folder" else ["finder=dlib"]
    code, _, errors = in_process("prepare", f"+source={source}", f"data.input={name}", *finder, cwd=tmp_path)
    assert code == 2 and errors.startswith(f"error: {said}") and len(errors.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("finder", "known"),
    [
        ([], "face, hand_left, hand_right, feet, person"),
        (["finder=dlib"], "face"),
        (["finder=fixed", "finder.boxes={nose:[0,0,9,9]}"], "nose"),
    ],
)
def test_an_unknown_part_names_those_that_there_are(in_process, photo, tmp_path, finder, known):
    given = ("+source=crops", "data.input=me.jpg", "source.part=left_hand", *finder)
    code, _, errors = in_process("prepare", *given, cwd=tmp_path)
    assert (code, errors) == (2, f"error: source.part=left_hand: must be one of {known}\n")
    assert not (tmp_path / "outputs").exists()
