import pytest
import torch

from insetgan.metrics import identity as module
from insetgan.metrics.identity import DlibEmbedding, Identity, RandomEmbedding, identity_rank
from insetgan.metrics.measures import Composites
from insetgan.runtime.errors import UserError


def faces(count, seed=0):
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 6, 6, generator=random)
    smooth = torch.nn.functional.interpolate(coarse, (32, 32), mode="bicubic").clamp(0, 1)
    return (smooth * 255).to(torch.uint8).permute(0, 2, 3, 1)


def test_the_random_network_is_always_the_same_one():
    images = faces(2)
    torch.manual_seed(1)
    one = RandomEmbedding()(images)
    torch.manual_seed(2)
    assert torch.equal(one, RandomEmbedding()(images))
    assert (one[0] != one[1]).any()


def test_distances_are_those_of_the_embeddings():
    ours, theirs = faces(3), faces(3, seed=1)
    identity = Identity("random")
    found, embedding = identity.distance(ours, theirs), RandomEmbedding()
    for row in range(3):
        wanted = (embedding(ours[row : row + 1]) - embedding(theirs[row : row + 1])).square().sum().sqrt()
        assert float(found[row]) == pytest.approx(float(wanted), rel=1e-4)
    assert torch.equal(identity.distance(ours, ours), torch.zeros(3, dtype=torch.double))


def test_a_slightly_changed_face_is_closer_to_itself_than_to_others():
    given, others = faces(1)[0], faces(50, seed=3)
    noise = torch.randint(-8, 9, given.shape, generator=torch.Generator().manual_seed(0))
    result = (given.int() + noise).clamp(0, 255).to(torch.uint8)
    assert identity_rank(Identity("random"), given, result, others) == 50
    assert identity_rank(Identity("random"), given, others[0], others[:1]) == 0  # it is the other


def test_it_is_a_measure_of_change_by_part():
    given, result = faces(2), faces(2, seed=1)
    nothing = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    composites = Composites(nothing, nothing, nothing, {}, {}, insets={"face": result}, start_insets={"face": given})
    identity = Identity("random")
    assert torch.equal(identity.compute(composites)["face"], identity.distance(given, result))
    assert identity.keys == ("identity",) and identity.quantity.title == "identity (random network)"
    assert identity.files() == []


def test_dlib_is_taken_where_it_is_installed(monkeypatch, tmp_path):
    class Recogniser:
        def compute_face_descriptor(self, chip):
            assert chip.shape == (150, 150, 3) and chip.dtype.name == "uint8"
            return [float(chip.mean())] * 128

    dlib = pytest.importorskip("dlib")
    (tmp_path / "net.dat").write_bytes(b"weights")
    monkeypatch.setattr(dlib, "face_recognition_model_v1", lambda path: Recogniser())
    monkeypatch.setattr(module, "_dlib_file", lambda: tmp_path / "net.dat")
    found = Identity()
    assert isinstance(found.embedding, DlibEmbedding) and found.files() == [tmp_path / "net.dat"]
    grey = torch.full((1, 8, 8, 3), 100, dtype=torch.uint8)
    assert float(found.distance(grey, grey + 10)) == pytest.approx(10 * 128**0.5, rel=1e-4)
    monkeypatch.setattr(module, "_dlib_file", lambda: None)
    assert isinstance(Identity().embedding, RandomEmbedding)
    with pytest.raises(UserError, match="identity=dlib: no dlib_face_recognition"):
        Identity("dlib")


def test_other_networks_are_refused():
    with pytest.raises(UserError, match="identity=vgg: must be auto, dlib or random"):
        Identity("vgg")
