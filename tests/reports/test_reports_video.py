import subprocess
import sys

import numpy as np
import pytest

from insetgan.reports.video import write_mp4
from insetgan.runtime.errors import UserError


def test_a_film_is_read_again(tmp_path):
    imageio = pytest.importorskip("imageio.v2")
    pytest.importorskip("imageio_ffmpeg")
    frames = [np.full((256, 300, 3), 20 * index, np.uint8) for index in range(10)]
    for frame in frames:
        frame[100:150, 100:150] += 40  # an edge as a seam makes it
    write_mp4(tmp_path / "0.mp4", iter(frames), fps=10)
    assert [path.name for path in tmp_path.iterdir()] == ["0.mp4"]
    with imageio.get_reader(tmp_path / "0.mp4", format="FFMPEG") as reader:
        about, again = reader.get_meta_data(), [frame for frame in reader]
    assert (about["fps"], about["size"], about["codec"]) == (10, (300, 256), "h264")
    assert len(again) == 10 + 10, "the last frame stands for a second"
    for index, frame in enumerate(again):
        wanted = frames[min(index, 9)].astype(int)
        assert np.abs(frame - wanted)[:96].max() <= 4
        assert np.abs(frame[104:146, 104:146] - wanted[104:146, 104:146]).max() <= 4


def test_what_cannot_be_encoded_leaves_nothing(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    with pytest.raises(ValueError, match="no frames"):
        write_mp4(tmp_path / "0.mp4", [], fps=10)

    def broken():
        yield np.zeros((256, 256, 3), np.uint8)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        write_mp4(tmp_path / "0.mp4", broken(), fps=10)
    with pytest.raises(OSError, match="exists"):
        (tmp_path / "file").touch()
        write_mp4(tmp_path / "file" / "0.mp4", broken(), fps=10)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_film_that_is_cut_short_is_not_left(tmp_path, monkeypatch):
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setattr(imageio_ffmpeg, "count_frames_and_secs", lambda path: (11, 1.1))
    with pytest.raises(OSError, match="could not be written whole"):
        write_mp4(tmp_path / "0.mp4", [np.zeros((256, 256, 3), np.uint8)] * 2, fps=10)
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match=r"video=true: needs imageio and imageio-ffmpeg: pip install -e '\.\[video\]'"):
        write_mp4(tmp_path / "0.mp4", [np.zeros((256, 256, 3), np.uint8)], fps=10)


def test_nothing_of_it_is_imported_before_it_is_needed():
    code = "import sys, insetgan.reports.video, insetgan.reports.curves; print({'imageio', 'matplotlib'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.stdout == "set()\n", result.stderr
