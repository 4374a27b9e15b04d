"""The judge's eyes: the network's form is the published one, and no other file is taken for it; nothing is fetched."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import pytest
import torch

from generator.starter.making.library.judge import VIEW, ThingJudge
from generator.starter.making.library.packages import PublishedFile, open_wheel
from generator.starter.making.library.photographs import FEATURES, EfficientNetLite, of_published


def test_it_has_the_published_size_less_the_classes_of_imagenet() -> None:
    """4.7 million with the 1000 classes are told of lite0 (github.com/tensorflow/tpu, models/official/efficientnet)."""
    learned = sum(parameter.numel() for parameter in EfficientNetLite().parameters())
    assert learned + FEATURES * 1000 + 1000 == 4_652_008


@pytest.mark.parametrize("side", [96, 97, 112, 224])
def test_sides_are_halved_five_times_and_rounded_up(side: int) -> None:
    seen = EfficientNetLite().eval()(torch.zeros(1, 3, side, side + 32))
    assert seen.shape == (1, FEATURES, -(-side // 32), -(-(side + 32) // 32))


def test_published_numbers_are_taken_in_the_order_of_the_layers() -> None:
    torch.manual_seed(1)
    there = EfficientNetLite().eval()
    stored = {f"_layer{at}.{name}": value for at, (name, value) in enumerate(there.state_dict().items())}
    here = of_published({**stored, "_fc.weight": torch.zeros(1000, FEATURES), "_fc.bias": torch.zeros(1000)}).eval()
    picture = torch.rand(1, 3, 64, 64)
    assert torch.equal(here(picture), there(picture))


def test_another_networks_numbers_are_refused() -> None:
    stored = {**EfficientNetLite().state_dict(), "one_more": torch.zeros(3)}
    with pytest.raises(RuntimeError, match="another network"):
        of_published(stored)


def test_a_file_that_was_not_looked_at_is_refused(tmp_path: Path) -> None:
    content = b"numbers"
    wheel = PublishedFile("a-package", "1.0", "MIT", "a_package/file.pth", hashlib.sha256(content).hexdigest())
    (tmp_path / "file.pth").write_bytes(content)
    assert open_wheel(wheel, tmp_path) == tmp_path / "file.pth"
    (tmp_path / "file.pth").write_bytes(b"other numbers")
    with pytest.raises(RuntimeError, match="remove it"):
        open_wheel(wheel, tmp_path)


def test_a_wheel_is_fetched_once_and_its_file_alone_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, shelf = b"numbers", tmp_path / "shelf"
    shelf.mkdir()
    with zipfile.ZipFile(shelf / "a_package-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("a_package/file.pth", content)
        archive.writestr("a_package-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: a-package\nVersion: 1.0\n")
        archive.writestr("a_package-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("a_package-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    wheel = PublishedFile("a-package", "1.0", "MIT", "a_package/file.pth", hashlib.sha256(content).hexdigest())
    assert open_wheel(wheel, tmp_path / "kept").read_bytes() == content
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["file.pth"]
    with pytest.raises(RuntimeError, match=r"pip finds no other-package==2\.0"):
        open_wheel(PublishedFile("other-package", "2.0", "MIT", "x/y.pth", ""), tmp_path / "kept")


def test_the_judge_begins_with_what_it_has_seen() -> None:
    trunk = EfficientNetLite()
    judge = ThingJudge(7, trunk).eval()
    assert judge.trunk is trunk
    assert judge(torch.rand(2, 3, VIEW, VIEW)).shape == (2, 7)
