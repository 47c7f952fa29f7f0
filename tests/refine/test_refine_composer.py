import copy
import io

import pytest
import torch
from rich.console import Console

from insetgan.data.seeds import Seeds
from insetgan.networks import Generator
from insetgan.networks.layered import DELTA, SHARED
from insetgan.refine.composer import Composer, composer_for, find_composer
from insetgan.refine.composer_module import ComposerModule, Task
from insetgan.refine.latents import CANVAS
from insetgan.refine.objective import Objective
from insetgan.refine.one_pass import OnePass, added, first_view, joined, look, refuse_spaces, seen
from insetgan.refine.schedule import Schedule
from insetgan.refine.solver import refine
from insetgan.refine.state import Initial
from insetgan.refine.terms.part import PartL1
from insetgan.runtime.errors import UserError
from insetgan.training.options import RunOptions
from insetgan.training.run import TrainingRun
from insetgan.weights.store import load_network, save_network

SIDES = ("canvas", "inset")
NO_GUARD = dict.fromkeys(("part_l1", "part_perceptual", "body_l1", "near_canvas", "near_inset"), 0)
SMALL = {"channels": 4, "channels_max": 8, "hidden": 16, "rank": 4, "passes": 2}


def composer_of(problem, modes=("joint",), seed=0, **changes):
    torch.manual_seed(seed)
    return composer_for(problem.generators, modes, **(SMALL | changes))


def stirred(composer, size=0.02):
    """A composer that moves everything, as a trained one does."""
    torch.manual_seed(1)
    with torch.no_grad():
        for name in composer.generators:
            composer.offsets[name].weight.normal_(std=size)
            composer.rates[name].fill_(0.2)
    return composer


def at_start(problem, objective, sides=SIDES):
    return look(problem, objective, sides, first_view(problem, Initial.of(problem)), slopes=True)


def test_an_untrained_composer_changes_nothing_at_all(problem, objective):
    given = problem()
    one_pass = OnePass(composer_of(given), "joint")
    plain = refine(given, objective(), Schedule(steps=0))
    result = refine(given, objective(), Schedule(steps=0), one_pass=one_pass)
    for name, codes in given.starts.items():
        for kind, tensor in codes.tensors.items():
            assert torch.equal(result.latents[name].tensors[kind], tensor)
    assert torch.equal(result.refined, plain.paste) and torch.equal(result.total, plain.total)


def test_slopes_are_the_gradient_of_the_objective(problem, objective):
    given, terms = problem(), objective()
    state = at_start(given, terms)
    for name, place in ((CANVAS, (1, 0, 2)), ("face", (2, 3, 1))):  # sample, layer (0 is w*), number
        ends = []
        for step in (-1e-3, 1e-3):
            offsets = {each: torch.zeros_like(slope) for each, slope in state.slopes.items()}
            offsets[name][place] = step
            moved = copy.copy(given)
            object.__setattr__(moved, "starts", added(given.starts, offsets, SIDES))
            object.__setattr__(moved, "references", dict(Initial.of(given).images))
            ends.append(float(at_start(moved, terms).total[place[0]]))
        assert float(state.slopes[name][place]) == pytest.approx((ends[1] - ends[0]) / 2e-3, rel=0.03, abs=1e-3)


def test_what_stands_still_has_no_slope_and_does_not_move(problem, objective):
    given = problem()
    state = at_start(given, objective(body_l1=None), ("inset",))
    assert not state.slopes[CANVAS].any() and state.slopes["face"].any()
    unguarded = composer_of(given, guard=NO_GUARD)
    one_pass = OnePass(stirred(unguarded), "joint")
    result = refine(given, objective(body_l1=None), Schedule(steps=0, sides=("inset",)), one_pass=one_pass)
    assert torch.equal(result.canvas, result.start_canvas)
    assert not torch.equal(result.insets["face"], result.start_insets["face"])


def test_a_pass_sees_what_the_pass_before_has_made(problem, objective):
    given, terms = problem(), objective()
    composer = stirred(composer_of(given))
    state = at_start(given, terms)
    first = composer(0, "joint", seen(given, state))
    latents = added(given.starts, first, SIDES)
    moved = copy.copy(given)
    object.__setattr__(moved, "starts", latents)
    object.__setattr__(moved, "references", dict(Initial.of(given).images))
    told = seen(given, at_start(moved, terms))
    assert torch.allclose(told.moved["face"], first["face"], atol=1e-6)
    assert torch.allclose(told.ws[CANVAS], joined(latents[CANVAS].tensors)[:, :1] + latents[CANVAS].tensors[DELTA])
    view = at_start(moved, terms).view
    assert torch.equal(told.parts["face"][:, 3:6], view.insets.small.images["face"])
    band = view.locations.regions["face"].working_band.expand(3, 3, -1, -1)
    difference = torch.tanh(5 * (told.parts["face"][:, :3] - told.parts["face"][:, 3:6]))
    assert (
        torch.equal(told.parts["face"][:, 6:9][band], difference[band]) and not told.parts["face"][:, 6:9][~band].any()
    )


def test_offsets_are_in_units_of_the_spread_and_bounded(problem, objective):
    given = problem()
    composer = stirred(composer_of(given), size=100.0)
    told = seen(given, at_start(given, objective()))
    found = composer(0, "joint", told)
    for name, offsets in found.items():
        assert bool((offsets.abs() <= 2.0 * composer.spread(name) * 1.0001).all()) and offsets.any()


def test_of_all_passes_the_best_is_kept(problem, objective):
    given = problem()
    wild = stirred(composer_of(given), size=100.0)
    for name in wild.generators:
        wild.rates[name].data.zero_()
    start = at_start(given, objective())
    view = OnePass(wild, "joint").run(given, objective(), SIDES, Initial.of(given))
    for name in given.generators:
        assert torch.equal(view.latents[name].tensors[SHARED], given.starts[name].tensors[SHARED])
    assert torch.equal(view.canvas.image, start.view.canvas.image)


def test_the_guard_forbids_what_the_objective_does_not(problem, objective):
    """mode=joint lets both images be anything that has no border; the guard asks for the part and for near latents."""
    given, composer = problem(), composer_of(problem())
    start = first_view(given, Initial.of(given))
    guard = composer.guard
    guarded = guard.objective(objective(), features=True)
    assert set(guarded.terms) - set(objective().terms) == {"guard_body_l1", "guard_part_l1", "guard_part_perceptual"}
    plain = guard.objective(objective(body_l1=None), features=False)
    assert set(plain.terms) - set(objective().terms) == {"guard_part_l1"}
    given_terms = Objective({"part": PartL1(weight=1)})
    assert guard.objective(given_terms, features=True).terms == given_terms.terms, "those of the mode suffice"
    spreads = {name: composer.spread(name) for name in given.starts}
    assert not guard.distance(start.latents, given.starts, spreads).any()
    offsets = {name: torch.zeros(3, 4, 6) for name in given.starts}
    offsets["face"][1, 2:] = composer.spread("face")  # two of three layers of one sample, by one spread
    offsets[CANVAS][2, 0] = 2 * composer.spread(CANVAS)  # w*, and so all layers
    moved = guard.distance(added(given.starts, offsets, SIDES), given.starts, spreads)
    assert torch.allclose(moved, torch.tensor([0.0, guard.near_inset * 2 / 3, guard.near_canvas * 4]), rtol=1e-4)


def test_a_sample_comes_out_the_same_in_any_batch(problem, objective):
    one_pass = OnePass(stirred(composer_of(problem())), "joint")
    together = refine(problem((0, 1, 2, 3)), objective(), Schedule(steps=0), one_pass=one_pass)
    for row in range(4):
        alone = refine(problem((row,)), objective(), Schedule(steps=0), one_pass=one_pass)
        assert torch.allclose(alone.refined[0], together.refined[row], atol=1e-5)


def test_a_part_that_is_not_there_is_seen_as_nothing(problem, objective, following):
    blind = problem(detector=following(blind=-100.0))
    told = seen(blind, at_start(blind, objective()))
    assert not told.parts["face"].any() and not told.boxes["face"].any()


def test_steps_go_on_from_what_the_composer_says(problem, objective):
    given, terms = problem(), objective()
    one_pass = OnePass(stirred(composer_of(given)), "joint")
    seen_first = []
    schedule = Schedule(steps=3, together=True)
    result = refine(given, terms, schedule, one_pass=one_pass, on_step=lambda step: seen_first.append(step.total))
    alone = refine(given, terms, Schedule(steps=0), one_pass=one_pass)
    assert torch.allclose(seen_first[0], alone.total, rtol=1e-5)
    assert bool((result.total <= alone.total).all())
    assert torch.equal(result.start_canvas, alone.start_canvas) and torch.equal(result.paste, alone.paste)


def test_an_interrupted_hybrid_arrives_at_the_same(problem, objective):
    given, schedule = problem(), Schedule(steps=6, together=True)
    one_pass, states = OnePass(stirred(composer_of(given)), "joint"), []
    whole = refine(given, objective(), schedule, one_pass=one_pass, on_step=lambda step: states.append(step.state()))
    again = refine(given, objective(), schedule, one_pass=one_pass, state=states[2])
    assert torch.equal(whole.refined, again.refined)


def module_of(problem, objective, **changes):
    composer = composer_of(problem, **changes)
    tasks = {mode: Task(objective, SIDES) for mode in composer.modes}
    return ComposerModule(composer, problem.canvas, problem.parts, tasks, lr=0.01, total_kimg=1.0)


def test_training_follows_the_logarithm_of_the_objective(problem, objective):
    given, terms = problem(), objective()
    module = module_of(given, terms, passes=1)
    bias = module.composer.offsets["face"].bias
    loss, totals = module.losses(given, "joint")
    loss.backward()
    place = int(bias.grad.abs().argmax())
    ends = []
    for step in (-1e-3, 2e-3):
        bias.data[place] += step
        ends.append(float(module.losses(given, "joint")[1][1].log().mean()))  # the guard's terms among it
    assert float(bias.grad[place]) == pytest.approx((ends[1] - ends[0]) / 2e-3, rel=0.03)
    assert len(totals) == 2


def test_a_composer_learns(problem, objective):
    given, terms = problem(tuple(range(8))), objective()
    module = module_of(given, terms, guard=NO_GUARD)  # in this small world nothing can be erased
    optimizer = module.configure_optimizers()
    for step in range(40):
        loss, totals = module.losses(module.problem(range(8 * step, 8 * step + 8), torch.full((8,), 0.7)), "joint")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    _, totals = module.losses(given, "joint")
    assert totals[2].mean() < totals[1].mean() < 0.8 * totals[0].mean()


def test_pairs_start_as_refine_starts_them(problem, objective):
    from insetgan.refine.starts import start_latents

    given = problem()
    starts = module_of(given, objective()).problem([5, 7], torch.tensor([0.7, 0.7])).starts
    wanted = start_latents(given.canvas, [5, 7], 0.7)
    assert torch.allclose(starts[CANVAS].tensors[SHARED], wanted.tensors[SHARED], atol=1e-6)


def tiny(seed=0, **changes):
    torch.manual_seed(seed)
    shape = {"z_dim": 8, "w_dim": 8, "mapping_layers": 2, "channel_base": 128, "channel_max": 8}
    return Generator(height=16, width=16, **(shape | changes)).eval().requires_grad_(False)


def test_a_composer_knows_its_generators_by_their_weights(tmp_path):
    canvas, face = tiny(0), tiny(1)
    composer = composer_for({CANVAS: canvas, "face": face}, ["joint"], **SMALL)
    assert composer.knows({CANVAS: copy.deepcopy(canvas), "face": face})
    with pytest.raises(UserError, match="other weights of face"):
        composer.refuse_others({CANVAS: canvas, "face": canvas})
    with pytest.raises(UserError, match="was trained for canvas, face, and this run has canvas, feet"):
        composer.refuse_others({CANVAS: canvas, "feet": face})
    with pytest.raises(UserError, match=r"mode=part: .* was trained for joint"):
        composer.refuse_mode("part")
    path = tmp_path / "c.safetensors"
    save_network(path, composer, kind="composer")
    again = find_composer({CANVAS: canvas, "face": face}, str(path))
    assert again.source == path and again.architecture == composer.architecture
    with pytest.raises(UserError, match=r"c.safetensors: was trained with other weights of canvas"):
        find_composer({CANVAS: face, "face": face}, str(path))
    assert find_composer({CANVAS: canvas, "face": face}, None) is None
    assert isinstance(load_network(path), Composer)


@pytest.mark.parametrize("changes", [{"c_dim": 3}, {"img_channels": 1}])
def test_conditional_and_grey_generators_are_refused(changes):
    with pytest.raises(UserError, match="face: must be unconditional"):
        composer_for({CANVAS: tiny(), "face": tiny(**changes)}, ["joint"])


@pytest.mark.parametrize("name", list(SMALL))
def test_sizes_below_one_are_refused(name):
    known = {"digest": "", "num_ws": 2, "w_dim": 4}
    with pytest.raises(ValueError, match=f"{name}=0"):
        Composer(generators={CANVAS: known, "face": known}, modes=["joint"], **{name: 0})


def test_another_latent_space_is_refused():
    refuse_spaces({CANVAS: "w*"})
    with pytest.raises(UserError, match=r"canvas: space=w\+"):
        refuse_spaces({"face": "w*", CANVAS: "w+"})


def test_stopping_and_resuming_gives_exactly_the_unbroken_weights(problem, objective, tmp_path):
    def run(folder, steps):
        module = module_of(problem(), objective(), modes=["joint", "other"])
        options = {"precision": "32-true", "accelerator": "cpu", "snapshot_kimg": 1.0, "tick_kimg": 0.002}
        options = RunOptions(out=tmp_path / folder, max_kimg=steps * 2 / 1000, batch_size=2, grid=2, **options)
        TrainingRun(module, Seeds(100, 50), options, console=Console(file=io.StringIO())).fit()
        return module

    whole = run("whole", 5).state_dict()
    run("broken", 2)
    torch.manual_seed(9)
    broken = run("broken", 5).state_dict()
    assert [name for name in whole if not torch.equal(whole[name], broken[name])] == []
    assert int(whole["cur_nimg"]) == 10 and bool(whole["composer.kinds"].any())
    assert not any("basis" in name or name.startswith("canvas") for name in whole), "no weights of the generators"


def test_the_checkpoint_of_other_generators_is_refused(problem, objective):
    module, checkpoint = module_of(problem(), objective()), {}
    module.on_save_checkpoint(checkpoint)
    module.on_load_checkpoint(checkpoint)
    checkpoint["composer_generators"]["face"] = "0" * 64
    with pytest.raises(UserError, match="resume: the run is for face with the weights 000000000000"):
        module.on_load_checkpoint(checkpoint)


def test_seeds_are_numbers_in_a_row():
    seeds = Seeds(10, 3)
    assert list(seeds) == [10, 11, 12] and len(seeds) == 3
    with pytest.raises(ValueError, match="count=0"):
        Seeds(0, 0)
