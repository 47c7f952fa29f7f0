"""How far a refinement is, for the terminal."""

from types import SimpleNamespace

from insetgan.refine.module import StepProgress


def test_each_of_several_processes_counts_its_own_blocks_for_all_and_never_too_many():
    told = []
    progress = StepProgress(lambda done, total: told.append((done, total)), steps=10, done=1, blocks=4)
    progress.on_predict_start(SimpleNamespace(world_size=2), None)
    for _ in range(2):  # of the three open blocks this process has two, the other one
        for index in (4, 9):
            progress._step(SimpleNamespace(index=index))
        progress.on_predict_batch_end()
    assert told == [(20, 40), (30, 40), (40, 40), (40, 40)]
