"""A package that a setting needs is missed before the work, and not after it."""

import pytest

from insetgan.reports import video


@pytest.mark.parametrize("setting", ["video=true", "walk=2"])
def test_a_film_without_its_encoder_is_refused_at_once(setting, refine, assert_one_line, monkeypatch, tmp_path):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(video, "import_module", missing)
    result = refine(setting, "seeds=0-1", f"out={tmp_path}/run")
    assert_one_line(result, f"{setting}: needs imageio and imageio-ffmpeg: pip install -e '.[video]'")
    assert not (tmp_path / "run").exists()
