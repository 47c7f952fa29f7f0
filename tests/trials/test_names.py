"""Names that build things: from the command line, from an experiment and from a folder of settings, nothing of this runs."""

import os
import pickle
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FIXED = "insetgan.detection.detector.FixedBoxes"


def test_the_pickle_does_what_it_should(canary_class, tmp_path):
    pickle.loads(pickle.dumps(canary_class(tmp_path / "seen")))
    assert (tmp_path / "seen").exists()


TORCH_LOAD = "insetgan.training.checkpoint.torch.load"


def test_what_a_module_of_ours_imports_is_out_of_reach(refused, poison, experiment):
    ramp = {"_target_": TORCH_LOAD, "f": str(poison), "weights_only": False}
    given = [f"++objective.border_l1.ramp.{key}={value}" for key, value in ramp.items()]
    says = "there is no module insetgan.training.checkpoint.torch"
    refused(says, "refine", *given, "~objective.border_l1.ramp.begin", "~objective.border_l1.ramp.end")
    refused(says, "refine", f"+objective.evil={{_target_:{TORCH_LOAD},f:{poison},weights_only:false}}")
    refused(says, "refine", experiment({"objective": {"evil": ramp}}))
    refused(says, "prepare", experiment({"source": ramp}))


@pytest.mark.parametrize(
    "node",
    [
        {"_target_": "subprocess.Popen", "args": ["touch", "canary"]},
        {"_target_": "builtins.exec", "_args_": ["open('canary', 'w')"]},
        {"_target_": "hydra.utils.call", "_args_": [{"_target_": "os.mknod", "path": "canary"}]},
        {"_target_": "pathlib.Path.touch", "_args_": [{"_target_": "pathlib.Path", "_args_": ["canary"]}]},
        {"_target_": FIXED, "boxes": {"face": {"_target_": "os.mknod", "path": "canary"}}},
        {"_target_": FIXED, "boxes": "${oc.decode:'{_target_: os.mknod, path: canary}'}"},
        {"_target_": "${oc.decode:os.mknod}", "path": "canary"},
        {"_target_": FIXED, "_partial_": True},
        {"_target_": FIXED, "_recursive_": False, "boxes": {"_target_": "os.mknod", "path": "canary"}},
        {"_target_": "insetgan.data.writer.ArchiveWriter", "path": "canary", "size": [32, 32], "parts": ["face"], "recipe": {}},
        {"_target_": "insetgan.runtime.files.write_whole", "path": "canary", "content": "x"},
        {"_target_": "pytorch_lightning.loggers.CSVLogger", "save_dir": "canary"},
        {"_target_": "torchmetrics.MeanMetric"},
    ],
)  # fmt: skip
def test_a_node_of_another_kind_is_never_built(refused, experiment, node):
    refused("detector", "refine", experiment({"detector": node}))


@pytest.mark.parametrize("where", ["perceptual", "objective", "schedule", "parts"])
def test_no_place_for_an_object_takes_another(refused, experiment, where):
    node = {"_target_": "subprocess.Popen", "args": ["touch", "canary"]}
    settings = {
        "objective": {"objective": {"evil": node}},
        "parts": {"parts": {"face": {"placement": node}}},
    }.get(where, {where: node})
    refused(where, "refine", experiment(settings))


CALLBACK = {"_target_": "subprocess.Popen", "args": ["touch", "canary"]}
HYDRA = {
    "callbacks": {"callbacks": {"evil": CALLBACK}},
    "launcher": {"launcher": CALLBACK},
    "sweeper": {"sweeper": CALLBACK},
    "job_logging": {"job_logging": {"version": 1, "handlers": {"evil": {"class": "subprocess.Popen"}}}},
    "env_set": {"job": {"env_set": {"INSETGAN_PLUGINS": "evil_package"}}},
    "searchpath": {"searchpath": ["pkg://evil_package"]},
    "unknown": {"anything": CALLBACK},
}


@pytest.mark.parametrize("name", HYDRA)
def test_an_experiment_cannot_reach_into_hydra(refused, experiment, evil_package, name):
    refused("experiments=evil", "refine", experiment({"hydra": HYDRA[name]}))


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["+hydra.callbacks.evil={_target_:subprocess.Popen,args:[touch,canary]}"], "hydra.callbacks.evil._target_="),
        (["+hydra.callbacks.evil={_target_:evil_package.Evil}"], "hydra.callbacks.evil._target_="),
        (["+hydra.callbacks.evil={_target_:hydra.core.utils.Path}"], "pathlib defines it"),
        (["+hydra.callbacks.evil={_target_:hydra.core.utils.JobRuntime}"], "must be a Callback"),
        (["+hydra.callbacks.evil={_target_:insetgan.data.writer.ArchiveWriter}"], "must be a Callback"),
        (["+hydra.callbacks.evil={args:[1]}"], "hydra.callbacks.evil._target_=None"),
        (["+hydra.callbacks.evil.args.x._target_=os.mknod", "+hydra.callbacks.evil._target_=insetgan.cli.sweep.SweepPage"],
         "nothing is built here"),
        (["+objective.node._target_=subprocess.Popen", "+hydra.callbacks.evil=${objective.node}"], "subprocess.Popen"),
        (["-m", "hydra.launcher._target_=evil_package.Evil", "trunc=0.5,0.6"], "hydra.launcher._target_="),
        (["-m", "hydra.sweeper._target_=evil_package.Evil", "trunc=0.5,0.6"], "hydra.sweeper._target_="),
        (["hydra/job_logging=default", "hydra.job_logging.handlers.file.filename=canary"], "logging.FileHandler"),
        (["hydra/job_logging=default", "hydra.job_logging.handlers.console.class=evil_package.Evil"], "console.class="),
        (["hydra/job_logging=default", "hydra.job_logging.handlers.console.stream=ext://evil_package.Evil"], "ext://"),
        (["hydra/hydra_logging=default", "hydra.hydra_logging.handlers.console.class=evil_package.Evil"], "console.class="),
        (["+hydra.job.env_set.PATH=canary"], "hydra.job.env_set"),
        (["hydra.searchpath=[pkg://evil_package]"], "plugins=[evil_package] admits it"),
        (["hydra.searchpath=[pkg://evil_package/conf]"], "plugins=[evil_package] admits it"),
        (["hydra.searchpath=[structured://evil_package]"], "would be imported"),
        (["-cp", "pkg://evil_package"], "plugins=[evil_package] admits it"),
        (["+hydra.anything._target_=os.mknod"], "hydra.anything"),
    ],
)  # fmt: skip
def test_the_command_line_has_hydra_build_nothing_else(refused, evil_package, overrides, says):
    refused(says, "refine", *overrides)


@pytest.mark.parametrize("option", ["--experimental-rerun", "--exp", "--e"])
def test_no_pickle_is_run_again(refused, poison, option):
    refused("reads a pickle", "refine", option, poison)
    refused("reads a pickle", "train", f"{option}={poison}")


def test_log_handlers_of_a_folder_of_settings(refused, tmp_path):
    folder = tmp_path / "mine" / "hydra" / "job_logging"
    folder.mkdir(parents=True)
    handlers = {"evil": {"()": "subprocess.Popen", "args": ["touch", "canary"]}}
    (folder / "evil.yaml").write_text(
        yaml.safe_dump({"version": 1, "handlers": handlers, "root": {"handlers": ["evil"]}})
    )
    refused(
        "job_logging.handlers.evil.()=subprocess.Popen",
        "refine",
        "--config-dir",
        tmp_path / "mine",
        "hydra/job_logging=evil",
    )


def test_a_primary_configuration_of_the_users_own_imports_nothing(refused, evil_package, tmp_path):
    (tmp_path / "mine").mkdir()
    settings = {"defaults": ["refine_schema", "_self_"], "hydra": {"searchpath": ["pkg://evil_package"]}}
    (tmp_path / "mine" / "refine.yaml").write_text(yaml.safe_dump(settings))
    refused("imports evil_package", "refine", "-cp", tmp_path / "mine")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"plugins": ["evil_package"]}, "sets plugins"),
        ({"hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"plugins": "[evil_package]"}}}}, "plugins="),
        ({"hydra": {"mode": "MULTIRUN", "sweeper": {"params": {"+hydra.callbacks.evil": "{_target_:os.mknod}"}}}}, "os.mknod"),
        ({"hydra": {"mode": "MULTIRUN", "sweeper": {"_target_": "evil_package.Evil"}}}, "sweeper._target_"),
        ({"defaults": [{"override /hydra/job_logging": "default"}]}, "only the command line may choose"),
        ({"defaults": [{"override hydra/launcher": "basic"}]}, "only the command line may choose"),
        ("!!python/object/apply:os.mknod [canary]", "cannot be read"),
        ("a: !!python/name:os.mknod", "cannot be read"),
        ({"objective": {"evil": {"_target_": "evil_package.Evil"}}}, "plugins=[evil_package] on the command line"),
    ],
)  # fmt: skip
def test_no_file_admits_the_code_that_it_wants(refused, experiment, evil_package, settings, says):
    refused(says, "refine", experiment(settings))


def test_an_evaluation_hands_no_plugins_on(refused, evil_package):
    refused("plugins is not for refine= to set", "evaluate", 'refine=["plugins=[evil_package]"]')


@pytest.mark.parametrize(
    "plugins",
    ["[os]", "[torch]", "[hydra]", "[insetgan]", "[nowhere_at_all]", "[a.b]", "['../x']", "3", "{a:1}", "[1]"],
)
def test_what_is_no_package_of_the_users_own_is_no_plugin(refused, plugins):
    refused("plugins=", "refine", f"plugins={plugins}")


def test_a_sweep_over_plugins_is_refused(refused, evil_package):
    refused("must be a name or a list of names", "refine", "-m", "plugins=evil_package,other")


@pytest.mark.parametrize(
    "target",
    ["pytorch_lightning.cli.LightningCLI", "pytorch_lightning.Trainer", "torch.hub.load", "insetgan.cli.train.run"],
)
def test_a_logger_is_a_logger(refused, target):
    small = [
        "recipe.channel_base=128",
        "recipe.channel_max=8",
        "batch_size=4",
        "grid=2",
        "features=none",
        "data.check=false",
    ]
    size = ["data.height=32", "data.width=16", "trainer.max_kimg=0.001", "data.path=null"]
    refused(f"logger.evil._target_={target}", "train", "+model=body", *small, *size, f"+logger.evil._target_={target}")


@pytest.mark.parametrize(
    "setting", ["+trainer.callbacks=[{_target_:os.mknod,path:canary}]", "+trainer.strategy={_target_:os.mknod,path:canary}",
                "+trainer.default_root_dir=canary", "+trainer.logger=true"],
)  # fmt: skip
def test_the_trainer_is_told_where_to_compute_and_nothing_else(refused, setting):
    refused("trainer", "refine", setting, "steps=1", "seeds=0")


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (BOMB, "stands for more than"),
        ("a: " + "[" * 5000, "nested too deep"),
        ("steps: 1\n" + "#" * 300_000, "at most 262144"),
        ("- 1\n- 2\n", "holds no settings"),
        ("a: [1\nb: }", "cannot be read"),
    ],
)
def test_a_file_that_is_a_bomb_costs_one_line_when_it_is_named_and_nothing_otherwise(refused, experiment, text, says):
    named = experiment(text, "bomb")
    refused(says, "prepare", named)
    refused("source is not given", "prepare")


def test_what_is_no_file_is_neither_opened_nor_waited_for(refused, experiment, tmp_path):
    experiment({"steps": 1})
    os.mkfifo(tmp_path / "experiments" / "pipe.yaml")
    (tmp_path / "experiments" / "folder.yaml").mkdir()
    (tmp_path / "experiments" / "dangling.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "experiments" / "latin.yaml").write_bytes(b"# caf\xe9\nsteps: 1\n")
    refused("source is not given", "prepare")
    for name, says in (("pipe", "pipe"), ("folder", "folder"), ("dangling", "dangling"), ("latin", "cannot be read")):
        refused(says, "prepare", f"+experiments={name}")


def test_an_experiment_of_the_users_does_not_take_the_place_of_the_projects(refused, experiment):
    refused("rename yours", "refine", experiment({"steps": 1}, "modes"))


@pytest.fixture
def cluster(tmp_path, canary, monkeypatch):
    """A launcher among Hydra's plugins whose `setup` is a shell script; gives how a folder of settings chooses it."""
    folder = tmp_path / "site" / "hydra_plugins" / "cluster_launcher"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "launcher.py").write_text(
        "import os\n"
        "from hydra.core.config_store import ConfigStore\n"
        "from hydra._internal.core_plugins.basic_launcher import BasicLauncher\n"
        "class ClusterLauncher(BasicLauncher):\n"
        "    def __init__(self, setup=(), folder='', partition='', extra=None):\n"
        "        super().__init__()\n"
        "        os.system('; '.join(setup))\n"
        "node = {'_target_': 'hydra_plugins.cluster_launcher.launcher.ClusterLauncher', 'setup': ['true (ours)'],\n"
        "        'folder': '${hydra.sweep.dir}/(jobs)', 'partition': None, 'extra': {}}\n"
        "ConfigStore.instance().store(group='hydra/launcher', name='cluster', node=node)\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")

    def choose(settings):
        path = tmp_path / EVIL
        path.parent.mkdir(parents=True)
        path.write_text(yaml.safe_dump({"defaults": ["cluster"], **settings}))
        return ["--config-dir", str(tmp_path / "mine"), "hydra/launcher=evil"]

    return choose


EVIL = "mine/hydra/launcher/evil.yaml"
SWEEP = [
    "-m",
    "weights=face",
    "trunc=0.5,0.6",
    f"out={EVIL}",
]  # no folder: refused by the first run, so after the launcher
LAUNCHERS = [
    ({"setup": ["touch canary"]}, "hydra.launcher.setup.0=touch canary: may become a command"),
    ({"setup": ["x"], "partition": "gpu"}, "hydra.launcher.setup.0=x: may become a command"),
    ({"partition": "gpu; touch canary"}, "hydra.launcher.partition=gpu; touch canary: may become a command"),
    ({"partition": "a\nb"}, "hydra.launcher.partition=a"),
    ({"extra": {"python": "canary.sh"}}, "hydra.launcher.extra.python=canary.sh"),
    ({"extra": {"a": ["`touch canary`"]}}, "hydra.launcher.extra"),
    ({"setup": "${oc.decode:'[touch canary]'}"}, "hydra.launcher.setup"),
    ({"_target_": "subprocess.Popen"}, "hydra.launcher._target_=subprocess.Popen: must be a Launcher"),
    ({"_target_": "torch.hub.load"}, "hydra.launcher._target_=torch.hub.load: must be a Launcher"),
    ({"partition": {"_target_": "os.mknod", "path": "canary"}}, "nothing is built here"),
]


@pytest.mark.parametrize(("settings", "says"), LAUNCHERS)
def test_a_launcher_in_a_folder_of_settings_runs_no_command(cluster, canary, command, tmp_path, settings, says):
    result = command("generate.py", *cluster(settings), *SWEEP, cwd=tmp_path)
    assert result.returncode == 2 and says in result.stderr, result.stderr
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr


def test_a_launcher_takes_words_of_a_file_and_commands_of_the_command_line(cluster, command, tmp_path):
    typed = "hydra.launcher.setup=['touch typed']"
    result = command("generate.py", *cluster({"partition": "gpu"}), *SWEEP, typed, cwd=tmp_path)
    assert result.returncode == 2 and "no folder can be made" in result.stderr, result.stderr
    assert (tmp_path / "typed").exists()
    (tmp_path / "typed").unlink()
    result = command("generate.py", "hydra/launcher=cluster", *SWEEP, cwd=tmp_path)
    assert result.returncode == 2 and "no folder can be made" in result.stderr, result.stderr
