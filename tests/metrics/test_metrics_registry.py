import pytest
import torch

from insetgan.metrics import registry
from insetgan.metrics.registry import FEATURE_METRICS, feature_metrics
from insetgan.runtime.errors import UserError


class Extractor:
    num_features = 4

    def __init__(self, name, title):
        self.name, self.title = name, title


PARTS, CLEAN = Extractor("parts", "PartsNet"), Extractor("inception_clean", "Inception, clean")


def test_names_give_metrics_in_order_and_once():
    metrics = feature_metrics(["ids", "fid", "pr", "kid", "fid"], PARTS)
    assert [metric.key for metric in metrics] == ["p_ids", "u_ids", "fid", "precision", "recall", "kid"]


def test_titles_say_what_the_numbers_are():
    assert [metric.title for metric in feature_metrics(["fid", "kid", "pr"], CLEAN)] == [
        "FID (Inception, clean)",
        "KID (Inception, clean)",
        "Precision (Inception, clean)",
        "Recall (Inception, clean)",
    ]
    assert [metric.title for metric in feature_metrics(["fid", "kid"], PARTS)] == ["FD (PartsNet)", "KD (PartsNet)"]


@pytest.mark.parametrize("name", ["parts", "torchscript_inception_mine", "my_inception"])
def test_only_inception_gives_fid(name):
    for metric in feature_metrics(FEATURE_METRICS, Extractor(name, "mine")):
        assert "FID" not in metric.title and "KID" not in metric.title


def test_the_engine_follows_the_features_and_can_be_chosen():
    assert [metric.source for metric in feature_metrics(["fid", "kid"], CLEAN)] == ["clean-fid"] * 2
    assert [metric.source for metric in feature_metrics(["fid", "kid"], PARTS)] == ["torchmetrics"] * 2
    assert feature_metrics(["fid"], PARTS, engine="cleanfid")[0].source == "clean-fid"


def test_what_is_unknown_is_refused_with_what_is_allowed():
    with pytest.raises(UserError, match="metrics=lpips: must be among fid, kid, pr, ids"):
        feature_metrics(["fid", "lpips"], PARTS)
    with pytest.raises(UserError, match="engine=mine: must be cleanfid or torchmetrics"):
        feature_metrics(["fid"], PARTS, engine="mine")
    with pytest.raises(UserError, match="k=0"):
        feature_metrics(["pr"], PARTS, k=0)


def test_precision_and_recall_share_one_pass(monkeypatch):
    calls = []
    original = registry.precision_and_recall
    monkeypatch.setattr(registry, "precision_and_recall", lambda *given: calls.append(1) or original(*given))
    precision, recall = feature_metrics(["pr"], PARTS)
    real, fake = torch.randn(20, 4), torch.randn(20, 4)
    expected = original(real, fake, 3)
    assert (precision.measure(real, fake), recall.measure(real, fake)) == expected
    assert len(calls) == 1
    fake += 1
    assert recall.measure(real, fake) == original(real, fake, 3)[1]
    assert recall.measure(real, fake.clone()) == original(real, fake, 3)[1]


@pytest.mark.parametrize("engine", ["cleanfid", "torchmetrics"])
def test_images_that_are_not_finite_have_no_value(engine):
    broken = torch.full((10, 4), float("nan"))
    for metric in feature_metrics(FEATURE_METRICS, PARTS, engine=engine):
        assert metric.measure(torch.randn(10, 4), broken) != metric.measure(torch.randn(10, 4), broken)
