"""A method and a measure of an evaluation from outside src, in tables for two steps of refinement."""

import json

import pytest

METHOD = """
    from typing import Annotated

    import torch
    from pydantic import Field

    from insetgan.evaluation.images import Images
    from insetgan.evaluation.method import Method
    from insetgan.runtime.fingerprint import fingerprint
    from insetgan.runtime.settings import settings


    @settings(kw_only=True)
    class Flat(Method):
        \"\"\"Images of one grey level each.\"\"\"

        grey: Annotated[int, Field(ge=0, le=255, description="the least grey level")] = 0

        def fingerprint(self):
            return fingerprint(["flat", self.grey])

        def images(self, block):
            shape = (3, *self.setup.size)
            return Images(torch.stack([torch.full(shape, self.grey + seed, dtype=torch.uint8) for seed in block]))
"""
MEASURE = """
    from insetgan.metrics.measures import Measure


    class Brightness(Measure):
        name, title, unit, better = "brightness", "brightness", "grey levels of 255", "higher"

        def compute(self, images):
            return images.composite.double().mean((1, 2, 3))
"""


@pytest.fixture
def evaluate(command, networks):
    """Run evaluate.py on tiny networks, two steps of refinement, into the folder found/."""

    def run(*arguments):
        inner = ",".join(f'"{networks[name]}"' for name in ("canvas", "face", "detector", "perceptual"))
        parts = f"network.name_or_path={networks['folder']}/parts.safetensors"
        refine = f'refine=[{inner},"steps=2","schedule.block=1"]'
        small = ["num=4", "batch_size=2", "bootstrap=2", "shown=2", "data.num=4", "trunc=0.7", "out=found"]
        return command("evaluate", refine, f"features.{parts}", *small, *arguments)

    return run


def cells(folder):
    results = json.loads((folder / "found" / "table" / "results.json").read_text())
    return {(cell["method"], cell["region"]): cell for cell in results["cells"]}


def test_a_method_is_a_row_of_the_table(write, evaluate, tmp_path):
    write("my_methods.py", METHOD)
    flat = "+method.flat={_target_: my_methods.Flat, grey: 100}"
    given = ["plugins=[my_methods]", "method=[unconditional]", "regions=[body]", "metrics=[fid]"]
    result = evaluate(*given, flat)
    assert result.returncode == 0, result.stderr
    assert cells(tmp_path)["flat", "body"]["figures"]["fid"]["value"] > 0
    assert "| flat |" in (tmp_path / "found" / "table" / "table.md").read_text()
    refused = evaluate(*given, flat.replace("100", "300"))
    assert refused.returncode == 2
    assert refused.stderr == "error: method.flat.grey=300: must be at most 255\n"
    refused = evaluate(*given, flat.replace("grey", "gray"))
    assert refused.stderr.startswith("error: method.flat.gray: no such setting; did you mean grey?")


def test_a_measure_is_a_column_of_the_table(write, evaluate, tmp_path):
    write("my_measures.py", MEASURE)
    given = ["plugins=[my_measures]", "measures=[my_measures.Brightness]", "regions=[body]", "metrics=[fid]"]
    old = "+method.quick={kind: refine, title: Quick, overrides: ['mode=part']}"
    result = evaluate(*given, "method=[unconditional,paste]", old)
    assert result.returncode == 0, result.stderr
    assert "method.quick.kind=refine is an old key: now method.quick._target_=" in result.stdout
    found = cells(tmp_path)
    assert 0 < found["paste", "body"]["figures"]["brightness"]["value"] < 255
    assert 0 < found["quick", "body"]["figures"]["brightness"]["value"] < 255
    assert "brightness" not in found["unconditional", "body"]["figures"]
    assert "seam" not in found["quick", "body"]["figures"], "which was not asked for"
    assert "Brightness, grey levels of 255" in (tmp_path / "found" / "table" / "table.md").read_text()
