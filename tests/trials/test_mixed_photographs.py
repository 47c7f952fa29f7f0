"""Two hundred files as people have them: prepare.py finishes, names each reason, survives kills, and a network trains on it."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from insetgan.data.archive import PEOPLE, Archive

ROOT = Path(__file__).resolve().parents[2]
KILLS = 5


class Folder:
    """Writes photographs of all kinds, and keeps what should become of each: `kept`, `either`, or the reason."""

    def __init__(self, path):
        self.path, self.expected, self.people = path, {}, Archive(PEOPLE)
        path.mkdir()

    def person(self, index):
        """The body of a rendered person, 512 x 256, with a margin of its own background: 600 x 420."""
        image = Image.fromarray(self.people.image(index)).resize((256, 512), Image.Resampling.BICUBIC)
        return Image.fromarray(np.pad(np.array(image), ((44, 44), (82, 82), (0, 0)), mode="edge"))

    def save(self, name, image, expected, **settings):
        image.save(self.path / name, **settings)
        self.expected[name] = expected

    def write(self, name, data, expected):
        (self.path / name).write_bytes(data)
        self.expected[name] = expected


def bodies(folder):
    """100 files that show a whole person, in all forms."""
    for index in range(52):
        folder.save(f"body{index}.jpg", folder.person(index), "body", quality=90)
    exif = Image.Exif()
    for index in range(52, 60):
        exif[0x0112] = (3, 6, 8, 6)[index % 4]
        turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
        folder.save(f"turned{index}.jpg", folder.person(index).transpose(turn[exif[0x0112]]), "body", exif=exif)
    for index in range(60, 68):
        folder.save(f"cmyk{index}.jpg", folder.person(index).convert("CMYK"), "body", quality=92)
        folder.save(f"palette{index + 8}.png", folder.person(index + 8).quantize(200), "body")
        folder.save(f"alpha{index + 16}.png", folder.person(index + 16).convert("RGBA"), "body")
    for index in range(84, 88):
        frames = [folder.person(index + 40)]
        folder.save(f"animated{index}.webp", folder.person(index), "body", save_all=True, append_images=frames)
    for index in range(88, 94):
        folder.save(f"named{index}.txt.png", folder.person(index), "body", format="JPEG")
    for index, name in enumerate(("写真", "фото", "صورة", "φωτογραφία", "a b'c\"", "ä-ö=ü,")):
        folder.save(f"{name}.jpeg", folder.person(94 + index), "body", format="JPEG")


def others(folder):
    """100 files that do not, each with its reason."""
    for index in range(100, 120):
        folder.save(f"portrait{index}.jpg", folder.person(index).crop((60, 0, 360, 280)), "no clear full body")
    for index in range(120, 135):
        three = np.concatenate([np.array(folder.person(index + step))[:, 150:280] for step in range(3)], axis=1)
        folder.save(f"group{index}.jpg", Image.fromarray(three), "a second person")
    for index in range(15):
        noise = np.random.default_rng(index).integers(0, 255, (12, 9, 3), np.uint8)
        scene = Image.fromarray(noise).resize((450, 600), Image.Resampling.BICUBIC)
        folder.save(f"scene{index}.png", scene, "no person")
    whole = (folder.path / "body0.jpg").read_bytes()
    for index in range(10):
        folder.write(f"corrupt{index}.jpg", bytes(range(index, 256)) * 20, "no whole PNG, JPEG or WebP")
        folder.write(f"truncated{index}.jpg", whole[: len(whole) * (index + 2) // 14], "truncated")
    for index in range(8):
        folder.save(f"tiny{index}.png", folder.person(index).resize((8 + index, 12)), "no person")
        folder.save(f"grey{index}.png", folder.person(index + 136).convert("L"), "greyscale")
    for index in range(4):
        deep = np.array(folder.person(index + 144).convert("L")).astype(np.uint16) * 257
        folder.save(f"deep{index}.png", Image.fromarray(deep), "greyscale")
    folder.save("huge.jpg", folder.person(150).resize((6300, 9000)), "body", quality=80)
    folder.write("bomb.png", bomb(), "has ")
    for index in range(3):
        folder.write(f"empty{index}.jpg", b"", "is empty")
        folder.save(f"painting{index}.gif", folder.person(index + 152), "no whole PNG, JPEG or WebP")
    folder.save("copy.png", folder.person(1).resize((700, 1000)), "looks like body1.jpg")
    folder.save("again.webp", folder.person(2), "body", quality=70)  # and body2.jpg is the copy, by the order of names


def bomb():
    """A PNG of a few bytes that says it has 60,000 x 60,000 pixels."""
    import struct
    import zlib

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.fixture
def mixed(tmp_path):
    folder = Folder(tmp_path / "photos")
    bodies(folder)
    others(folder)
    return folder


def descendants_gone(process):
    """Wait until no process works for the killed command any more."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        alive = subprocess.run(["ps", "-o", "pid=", "-g", str(process.pid)], capture_output=True, text=True).stdout
        if not alive.strip():
            return
        time.sleep(0.2)
    raise AssertionError("processes outlive the command that was killed")


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_mixed_files(mixed, tmp_path):
    assert len(mixed.expected) == 200
    command = [sys.executable, ROOT / "prepare.py", "+source=photos", "data.input=photos", "out=bodies.zip"]
    command += ["data.height=128", "data.workers=2", "source.outside=0.8"]
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
    }
    for kill in range(KILLS):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        )  # fmt: skip
        wanted, until = 25 * (kill + 1), time.monotonic() + 900
        while len(list(tmp_path.glob("bodies.zip.partial/verdict-*.json"))) < wanted and time.monotonic() < until:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        descendants_gone(process)
        assert not (tmp_path / "bodies.zip").exists()
    done = len(list(tmp_path.glob("bodies.zip.partial/verdict-*.json")))
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stderr
    assert f"reading photos {done}/200" in result.stdout, "what was looked at is not looked at again"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bodies.csv", "bodies.jpg", "bodies.zip", "photos"]

    rows = {row["file"]: row for row in csv.DictReader((tmp_path / "bodies.csv").open(encoding="utf-8"))}
    assert len(rows) == 200
    wrong = {}
    for name, expected in mixed.expected.items():
        row = rows[name]
        reason = row["reason"].replace("a face without a body", "no person")  # noise may hold what looks like a face
        if expected not in ("body", "a second person") and expected not in reason:
            wrong[name] = (row["reason"] or "kept", expected)
        assert row["kept"] == ("no" if row["reason"] else "yes")
    assert not wrong
    kept = {name for name, row in rows.items() if row["kept"] == "yes"}
    whole = {name for name, expected in mixed.expected.items() if expected == "body"}
    assert len(kept & whole) >= 0.8 * len(whole), Counter(rows[name]["reason"] for name in whole - kept)
    alone = {name for name in kept - whole if not name.startswith("group")}  # of some groups the image shows one person
    assert not alone and sum(row["reason"] == "a second person in the image" for row in rows.values()) >= 5
    assert rows["body2.jpg"]["reason"] == "looks like again.webp"
    for kind in ("turned", "cmyk", "palette", "alpha", "animated", "named"):
        assert any(name.startswith(kind) for name in kept), kind
    assert "huge.jpg" in kept and {"写真.jpeg", "фото.jpeg", "صورة.jpeg"} & kept
    assert any("CMYK" in row["notes"] for row in rows.values()) and any(
        "palette" in row["notes"] for row in rows.values()
    )
    archive = Archive(tmp_path / "bodies.zip")
    assert len(archive) == len(kept) and archive.size == (128, 64)

    train = [
        sys.executable,
        ROOT / "train.py",
        "data.path=bodies.zip",
        "data.height=128",
        "data.width=64",
        "batch_size=4",
    ]
    for model in (["+model=body", "features=none", "data.workers=0"], ["+model=parts"]):
        run = [*train, *model, "trainer.max_kimg=0.016", f"out=run-{model[0][7:]}"]
        result = subprocess.run(run, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=1200)
        assert result.returncode == 0, result.stderr
    assert list(tmp_path.glob("run-body/network-last.safetensors")) and list(
        tmp_path.glob("run-parts/parts-last.safetensors")
    )
