"""words.json: what people say in their own words, told by notions that stand near one another."""

import copy
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest

from provision.checked_json import KnowledgeError, read_json
from provision.diagnosis.diagnose import diagnose
from provision.diagnosis.knowledge import load_knowledge, parse_knowledge
from provision.diagnosis.reading import NEAR_CHARACTERS
from provision.diagnosis.said import with_sayings

WORDS = read_json("words.json")
CAUSES = read_json("causes.json")
NOTIONS = list(WORDS["words"])
SAYINGS = WORDS["said"]
TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[0-9]+,?[0-9]*\}|.", re.DOTALL)

SAID = {
    "wsl": ("WSL2", "my Ubuntu", "the distro", "Windows Subsystem for Linux"),
    "docker": ("Docker Desktop", "a container"),
    "gpu": ("my RTX 3090", "the GPU", "the graphics card", "显卡"),
    "torch": ("PyTorch", "tensorflow"),
    "colab": ("Google Colab", "two colabs"),
    "pip": ("pip", "requirements.txt"),
    "wsl-update": ("wsl --update", "Updating Windows Subsystem"),
    "windows-update": ("a Windows update", "upgrading to Windows 11", "KB4571756", "24H2", "an Insider build"),
    "mirrored": ("mirrored mode",),
    "vmmem": ("Vmmem",),
    "windows-drive": ("/mnt/c", "the Windows drive"),
    "disk-file": ("ext4.vhdx", "the virtual disk"),
    "ssh": ("over SSH", "a cron job"),
    "apt": ("apt-get",),
    "update-fails": ("update fails", "cannot update", "更新失败"),
    "to-wsl2": ("--set-version", "to version 2"),
    "not-done": ("was not able", "fails", "error"),
    "disk-busy": ("100% disk usage", "swapping"),
    "driver": ("the driver",),
    "os-update": ("after the update", "upgraded"),
    "cannot": ("can't", "unable to", "无法", "kann nicht"),
    "dns": ("DNS", "the name server"),
    "feature": ("the Windows feature",),
    "install": ("install", "enable", "安装"),
    "models": ("the model", "a checkpoint", "last.ckpt"),
    "not-loaded": ("can't load", "failed to download", "links are down", "加载失败"),
    "smi": ("nvidia-smi",),
    "vpn": ("my VPN", "Cisco AnyConnect"),
    "hangs": ("hangs", "is stuck", "freezes", "does not respond", "a blank screen", "卡住", "reagiert nicht", "завис"),
    "fails": ("won't start", "does not open", "can't launch", "stopped working", "无法启动", "startet nicht"),
    "unseen": ("not found", "can't see", "is not detected", "检测不到", "nicht erkannt"),
    "no-network": ("no internet", "lost connection", "can't reach the internet", "没有网络", "kein Internet"),
    "slow": ("very slow", "takes forever", "很慢"),
    "eats": ("uses all my memory", "eats RAM", "占用大量内存"),
    "grows": ("keeps growing", "does not shrink"),
    "dies": ("disconnects", "crashes"),
    "not-built": ("could not be installed", "failed to build", "安装失败"),
    "new-python": ("Python 3.13", "python313"),
    "asked-to-enable": ("I have to enable", "debo activar", "нужно включить"),
    "virtualization": ("virtualization", "la virtualización", "SVM", "虚拟化"),
    "firmware": ("the BIOS", "UEFI", "主板"),
    "draws": ("generating", "rendering", "training", "出图"),
    "machine-dies": ("the computer freezes", "PC reboots", "a black screen", "the screen goes black"),
    "on-processor": ("doesn't use", "CPU instead of", "on the CPU only"),
    "several-gpus": ("both GPUs", "multi-gpu", "two graphics cards"),
    "one-only": ("only one GPU", "the wrong card", "can't load"),
}
"""Every notion as people say it."""


NOTHING = {"signatures": [], "codes": [], "context": []}
BARE = parse_knowledge({**CAUSES, "causes": [{**cause, **NOTHING} for cause in CAUSES["causes"]]})
"""The causes without anything that points to them."""


def slugs(text: str) -> list[str]:
    return [one.cause.slug for one in diagnose(text, None, load_knowledge()).diagnoses]


def pattern(notion: str) -> re.Pattern[str]:
    return re.compile("|".join(WORDS["words"][notion]), re.IGNORECASE)


def test_every_notion_is_said_somewhere_and_used() -> None:
    assert set(SAID) == set(NOTIONS)
    used = {notion for saying in SAYINGS for notion in saying["notions"]}
    assert {"wsl", "hangs", "fails", "unseen", "no-network"} <= used <= set(NOTIONS)


@pytest.mark.parametrize("notion", NOTIONS)
def test_a_notion_is_found_as_people_say_it(notion: str) -> None:
    assert [words for words in SAID[notion] if not pattern(notion).search(words)] == []
    assert not pattern(notion).search("a lighthouse in the evening sun")


@pytest.mark.parametrize("notion", NOTIONS)
def test_a_notion_is_bounded(notion: str) -> None:
    for way in WORDS["words"][notion]:
        tokens = TOKEN.findall(way)
        assert not {"*", "+"} & set(tokens), way
        assert not any(re.fullmatch(r"\{[0-9]+,\}", token) for token in tokens), way


@pytest.mark.parametrize("saying", SAYINGS, ids=lambda saying: "-".join([saying["cause"], *saying["notions"]]))
def test_a_saying_points_to_its_cause_in_any_order_and_needs_every_notion(saying: dict[str, Any]) -> None:
    only = with_sayings(BARE, {**WORDS, "said": [saying]}, "words.json")
    said = [SAID[notion][0] for notion in saying["notions"]]
    for words in itertools.permutations(said):
        found = diagnose(" - ".join(words), None, only).diagnoses
        assert [one.cause.slug for one in found] == [saying["cause"]]
        assert found[0].score == saying["weight"] < 0.6
    for left_out in range(len(said)):
        rest = [words for index, words in enumerate(said) if index != left_out]
        if not pattern(saying["notions"][left_out]).search(" - ".join(rest)):
            assert diagnose(" - ".join(rest), None, only).diagnoses == ()


def test_notions_far_from_one_another_say_nothing() -> None:
    near, far = "x" * NEAR_CHARACTERS, "x" * (3 * NEAR_CHARACTERS)
    assert "wsl-service-hung" in slugs(f"wsl {near} hangs")
    assert slugs(f"wsl {far} hangs") == []
    assert "wsl-service-hung" in slugs(f"wsl {far} and later wsl hangs")


def test_the_strongest_saying_of_a_cause_counts_alone() -> None:
    weak, strong = (
        {"cause": "wsl-service-hung", "notions": notions, "weight": weight}
        for notions, weight in ((["wsl", "fails"], 0.2), (["wsl", "hangs"], 0.4))
    )
    both = with_sayings(BARE, {**WORDS, "said": [weak, strong]}, "words.json")
    assert [one.score for one in diagnose("wsl won't start, it hangs", None, both).diagnoses] == [0.4]


def test_words_alone_never_confirm() -> None:
    report = diagnose("WSL won't start and hangs after the Windows update", None, load_knowledge())
    assert report.diagnoses
    assert {one.verdict for one in report.diagnoses} <= {"possible", "likely"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": 2}, "has schema 2"),
        ({"words": dict.fromkeys(WORDS["words"], "wsl")}, "has no 'wsl' that is a list"),
        ({"said": [{"cause": "no-such-cause", "notions": ["wsl"], "weight": 0.1}]}, "names the cause 'no-such-cause'"),
        ({"said": [{"cause": "wsl-service-hung", "notions": ["moon"], "weight": 0.1}]}, "names the notion 'moon'"),
        ({"said": [{"cause": "wsl-service-hung", "notions": ["wsl"], "weight": 2}]}, "not from 0 to 1"),
    ],
)
def test_a_damaged_file_says_where(change: dict[str, Any], told: str) -> None:
    node = {**copy.deepcopy(WORDS), **change}
    with pytest.raises(KnowledgeError, match=told):
        with_sayings(parse_knowledge(CAUSES), node, "words.json")


def test_the_file_is_one_notion_or_saying_a_line() -> None:
    text = (Path(__file__).parents[3] / "provision" / "knowledge" / "words.json").read_text(encoding="utf-8")
    assert json.loads(text) == WORDS
    assert max(map(len, text.splitlines())) <= 1200
