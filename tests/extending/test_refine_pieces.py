"""A term, a part, a detector and a generator from outside src, each refined with for two steps."""

import json

import pytest
import torch

from insetgan.refine.gathered import read_curves

TERM = """
    from dataclasses import dataclass
    from typing import ClassVar

    from insetgan.refine.terms.term import Term


    @dataclass(frozen=True, kw_only=True)
    class Smooth(Term):
        \"\"\"Mean difference of neighbouring rows of the canvas.\"\"\"

        family: ClassVar[str] = "smooth"

        def values(self, view):
            return view.canvas.image.diff(dim=2).abs().mean((1, 2, 3))
"""
SMOOTH = "+objective.smooth={_target_: my_terms.Smooth, weight: 2.0}"


def curves(tmp_path):
    return read_curves(next((tmp_path / "run" / "samples").glob("*.safetensors")))


def test_a_term_of_a_new_family_acts_in_every_mode(write, refine, tmp_path):
    write("my_terms.py", TERM)
    result = refine("plugins=[my_terms]", SMOOTH, "mode=part")
    assert result.returncode == 0, result.stderr
    assert "smooth" in curves(tmp_path)
    assert "left out by mode=part: body_l1, body_perceptual, part_l1, part_perceptual" in result.stdout
    without = refine("plugins=[my_terms]", SMOOTH, "mode.exclude=[smooth,part]", "overwrite=true")
    assert without.returncode == 0, without.stderr
    assert "smooth" not in curves(tmp_path)
    assert "left out by mode=joint: part_l1, part_perceptual, smooth" in without.stdout


def test_a_term_needs_the_users_word_and_its_code_is_part_of_the_settings(write, refine, tmp_path):
    write("my_terms.py", TERM)
    refused = refine(SMOOTH)
    assert refused.returncode == 2
    assert "plugins=[my_terms] on the command line" in refused.stderr
    assert not (tmp_path / "run").exists()
    assert refine(SMOOTH, INSETGAN_PLUGINS="my_terms").returncode == 0
    again = refine(SMOOTH, INSETGAN_PLUGINS="my_terms")
    assert "all of them were finished before" in again.stdout, again.stderr
    write("my_terms.py", TERM.replace(".abs()", ".square()"))
    changed = refine(SMOOTH, INSETGAN_PLUGINS="my_terms")
    assert changed.returncode == 2, "results of other code are not taken for these"
    assert "run" in changed.stderr


def test_a_file_that_cannot_be_imported_is_one_line(write, refine):
    write("my_terms.py", "raise RuntimeError('not today')\n")
    result = refine("plugins=[my_terms]", SMOOTH)
    assert result.returncode == 2
    assert result.stderr.strip().splitlines() == [
        "error: plugins=my_terms: importing my_terms ends in RuntimeError: not today"
    ]


def test_an_old_mode_says_its_new_name(refine):
    result = refine("mode.terms=[coarse,border]")
    assert result.returncode == 0, result.stderr
    assert "mode.terms=[coarse,border] is an old key: now mode.exclude=[reg,body,part]" in result.stdout


def test_a_part_by_fixed_boxes_is_settings_alone(refine, networks, tmp_path):
    ears = "{weights: %s/face.safetensors, placement: {_target_: insetgan.detection.placement.SquarePlacement}}"
    result = refine(
        "detector=fixed",
        "++detector.boxes={face: [8,8,24,24], ears: [10,40,22,52]}",
        f"+parts.ears={ears % networks['folder']}",
        without=["detector"],
    )
    assert result.returncode == 0, result.stderr
    boxes = json.loads((tmp_path / "run" / "results.json").read_text())["samples"][0]["box"]
    # The longer side of 12 and 0.15 of it on either side: 15.6 pixels, about the middle (16, 46).
    x0, y0, x1, y1 = boxes["ears"]
    assert x1 - x0 == y1 - y0 and 15 <= x1 - x0 <= 17
    assert abs((x0 + x1) / 2 - 16) <= 1 and abs((y0 + y1) / 2 - 46) <= 1


DETECTORS = {
    "module": """
        import torch
        from torch import nn
        from insetgan.detection.detector import Detection

        class Middle(nn.Module):
            def __init__(self):
                super().__init__()
                self.names = ("face",)
                self.register_buffer("box", torch.tensor([[8.0, 8.0, 24.0, 24.0]]))

            def files(self):
                return []

            def detect(self, images):
                return {"face": Detection(self.box.expand(len(images), 4), self.box.new_ones(len(images)))}
    """,
    "owner": """
        import torch
        from torch import nn
        from insetgan.detection.detector import Detection

        class Middle:
            names = ("face",)

            def __init__(self):
                self.anything_but_network = nn.Linear(1, 4)
                self.moved = None

            def to(self, device):
                self.moved = device

            def files(self):
                return []

            def detect(self, images):
                assert self.moved == images.device, "was never moved"
                assert self.anything_but_network.weight.device == images.device
                box = torch.tensor([[8.0, 8.0, 24.0, 24.0]], device=images.device)
                return {"face": Detection(box.expand(len(images), 4), box.new_ones(len(images)))}
    """,
}


@pytest.mark.parametrize("kind", DETECTORS)
def test_a_detector_may_be_a_module_or_own_some(write, refine, tmp_path, kind):
    write("my_detector/__init__.py", DETECTORS[kind])
    result = refine(
        "plugins=[my_detector]", "detector={_target_: my_detector.Middle}", "~detector.network", without=["detector"]
    )
    assert result.returncode == 0, result.stderr
    boxes = json.loads((tmp_path / "run" / "results.json").read_text())["samples"][0]["box"]
    assert abs(sum(boxes["face"][0::2]) / 2 - 16) <= 1


GENERATOR = """
    import torch
    from torch import nn

    from insetgan.networks.layered import Layered


    class Mapping(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("w_avg", torch.zeros(4))

        def forward(self, z, *, truncation_psi=1.0):
            return (z * truncation_psi)[:, None].repeat(1, 2, 1)


    class Stripes(Layered, nn.Module):
        \"\"\"Rows of colours, two codes of four numbers.\"\"\"

        def __init__(self, height, width):
            super().__init__()
            self.height, self.width, self.z_dim, self.w_dim, self.num_ws = height, width, 4, 4, 2
            self.mapping = Mapping()
            self.basis = nn.Parameter(torch.linspace(-1, 1, 8 * 3 * height).view(8, 3, height))

        def files(self):
            return []

        def draw(self, ws):
            rows = torch.einsum("nk,kch->nch", ws.flatten(1), self.basis).tanh()
            return rows[..., None].expand(-1, -1, -1, self.width)
"""


def test_a_generator_of_another_architecture_draws_canvas_and_inset(write, refine, tmp_path):
    write("my_gan.py", GENERATOR)
    result = refine(
        "plugins=my_gan",
        "canvas.weights=null",
        "canvas.generator={_target_: my_gan.Stripes, height: 64, width: 32}",
        "parts.face.weights=null",
        "+parts.face.generator={_target_: my_gan.Stripes, height: 16, width: 16}",
        without=["canvas", "face"],
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "run" / "sheet.png").exists()
    assert torch.isfinite(torch.as_tensor(curves(tmp_path)["border_l1"])).all()


def test_weights_and_a_generator_do_not_go_together(write, refine):
    write("my_gan.py", GENERATOR)
    result = refine("plugins=my_gan", "canvas.generator={_target_: my_gan.Stripes, height: 64, width: 32}")
    assert result.returncode == 2
    assert "add canvas.weights=null" in result.stderr
