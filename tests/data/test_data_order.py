import itertools

import pytest

from insetgan.data.order import EndlessBatches
from insetgan.data.share import Share


def take(batches, count):
    return list(itertools.islice(iter(batches), count))


def test_order_is_a_pure_function_of_the_position():
    whole = take(EndlessBatches(10, seed=3, share=Share(4)), 20)
    late = take(EndlessBatches(10, seed=3, share=Share(4), position=lambda: 28), 13)
    assert late == whole[7:]
    assert take(EndlessBatches(10, seed=4, share=Share(4)), 20) != whole


def test_every_pass_shows_every_image_once_in_another_order():
    shown = [index for batch in take(EndlessBatches(10, seed=0, share=Share(5)), 4) for index in batch]
    assert sorted(shown[:10]) == sorted(shown[10:]) == list(range(10))
    assert shown[:10] != shown[10:]


def test_processes_share_each_batch():
    whole = take(EndlessBatches(9, seed=1, share=Share(4)), 6)
    shares = [take(EndlessBatches(9, seed=1, share=Share(4, 2, rank)), 6) for rank in range(2)]
    assert [a + b for a, b in zip(*shares, strict=True)] == whole


def test_a_data_set_without_images_is_refused():
    with pytest.raises(ValueError, match="empty"):
        EndlessBatches(0, seed=1, share=Share(4))
