"""A data source and a metric from outside src."""

import json
import os
import sys

import pytest

from insetgan.data.archive import Archive

SOURCE = """
    from functools import partial

    import numpy as np

    from insetgan.data.fill import fill
    from insetgan.data.writer import ArchiveWriter, encode_image, image_name


    def paint(writer, height, width, seed, index):
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        pixels[(seed + index) % height, (seed + index) % width] = 255
        name = image_name(index, "png")
        writer.add(name, encode_image(pixels, "png", 0), {"dot": None}, {})


    class Dots:
        name = "dots"

        def default_width(self, height):
            return 2 * height

        def write(self, path, *, num_images, height, width, seed, workers, overwrite, on_progress, **_):
            recipe = {"source": "dots", "seed": seed, "height": height, "width": width}
            writer = ArchiveWriter(path, size=(height, width), parts=("dot",), recipe=recipe, overwrite=overwrite)
            names = [image_name(index, "png") for index in range(num_images)]
            if writer.is_made(names):
                return False
            fill(writer, names, partial(paint, writer, height, width, seed), workers=workers, on_progress=on_progress)
            return True
"""


def test_a_data_source_names_its_archive_and_decides_its_width(write, command, tmp_path):
    write("my_source.py", SOURCE)
    dots = ["plugins=[my_source]", "+source={_target_: my_source.Dots}", "data.num_images=3", "data.height=8"]
    result = command("prepare", *dots, "data.workers=2")
    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(tmp_path / "outputs" / "data")) == ["dots-8x16.zip"]
    archive = Archive(tmp_path / "outputs" / "data" / "dots-8x16.zip")
    assert (len(archive), archive.size, archive.parts) == (3, (8, 16), ("dot",))
    again = command("prepare", *dots)
    assert "already made" in again.stdout
    refused = command("prepare", *dots[1:])
    assert refused.returncode == 2 and "plugins=[my_source]" in refused.stderr


def test_what_is_no_source_is_refused_before_it_is_built(write, command):
    write("my_source.py", "class Dots:\n    def __init__(self):\n        raise SystemExit('built')\n")
    result = command("prepare", "plugins=[my_source]", "+source={_target_: my_source.Dots}")
    assert result.returncode == 2
    said = "error: source._target_=my_source.Dots: must be a Source, and has no method default_width, and has no method write\n"
    assert result.stderr == said


def test_an_installed_package_admits_itself(tmp_path, monkeypatch):
    from insetgan.runtime import plugins

    (tmp_path / "installed_terms").mkdir()
    (tmp_path / "installed_terms" / "__init__.py").write_text("class Mine: pass\n")
    (tmp_path / "mine-1.0.dist-info").mkdir()
    (tmp_path / "mine-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (tmp_path / "mine-1.0.dist-info" / "entry_points.txt").write_text("[insetgan.plugins]\nmine = installed_terms\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugins._installed.cache_clear()
    try:
        assert {"installed_terms", "insetgan_renderers"} <= set(plugins.admitted())
        assert plugins.resolve("installed_terms.Mine", "key").__name__ == "Mine"
    finally:
        monkeypatch.undo()
        plugins._installed.cache_clear()
        sys.modules.pop("installed_terms", None)


METRIC = """
    class Gap:
        \"\"\"Distance of the means of all features.\"\"\"

        key, source, better, bounds, paired = "gap", "mine", "lower", (0.0, float("inf")), False

        def __init__(self, extractor):
            self.title = f"Gap ({extractor.title})"

        def measure(self, real, fake):
            return float((real.mean() - fake.mean()).abs())

        def halves(self, real, fake, rows):
            return [self.measure(real, fake[chosen]) for chosen in rows]
"""


@pytest.mark.parametrize("admitted", [True, False])
def test_a_metric_is_a_column_of_the_table(write, command, networks, tmp_path, admitted):
    write("my_metrics.py", METRIC)
    names = ("canvas", "face", "detector", "perceptual")
    inner = ",".join(f'"{setting}"' for setting in [*(networks[name] for name in names), "steps=2"])
    parts = f"network.name_or_path={networks['folder']}/parts.safetensors"
    settings = [f"refine=[{inner}]", f"features.{parts}", "method=[unconditional]", "trunc=0.7", "regions=[body]"]
    small = ["num=4", "batch_size=2", "bootstrap=2", "shown=0", "data.num=4", "out=found"]
    plugins = ["plugins=[my_metrics]"] if admitted else []
    result = command("evaluate", *plugins, *settings, *small, "metrics=[fid,my_metrics.Gap]")
    if not admitted:
        assert result.returncode == 2 and "plugins=[my_metrics]" in result.stderr
        return
    assert result.returncode == 0, result.stderr
    results = json.loads((tmp_path / "found" / "table" / "results.json").read_text())
    assert results["metrics"]["gap"]["better"] == "lower"
    assert results["metrics"]["gap"]["title"].startswith("Gap (")
    assert "Gap (" in (tmp_path / "found" / "table" / "table.md").read_text()
