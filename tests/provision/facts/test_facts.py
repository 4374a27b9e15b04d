"""The facts document: what collectors find, how two views are merged, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dreamrig.errors import UsageError
from provision.facts import shape
from provision.facts.collectors.driver import arch_covers
from provision.facts.collectors.linux import wsl_version
from provision.facts.collectors.windows import NO_INTEROP, read_nvidia_smi, read_ver, read_wsl_version
from provision.facts.facts import Facts, Part, facts_schema, from_json, load_facts, make_facts, merge
from provision.facts.survey import COLLECTORS, Survey, probe_facts
from provision.machine.recorded import Recorded, load_transcript, merge_patch

MACHINES = Path(__file__).parents[2] / "machines"
NO_SCRIPT = "failed: powershell/doctor.ps1 is not beside this Python package"
NAMES = sorted(path.stem for path in MACHINES.glob("*.json"))


def recorded(name: str, **changes: Any) -> Recorded:
    return Recorded(merge_patch(load_transcript(MACHINES, name), changes))


def facts(**halves: Any) -> Facts:
    return from_json({"schema": 1, "place": "windows", **halves})


# --- the whole document


@pytest.mark.parametrize("name", NAMES)
def test_facts_of_every_machine_fit_the_schema(name: str) -> None:
    found = probe_facts(recorded(name))
    jsonschema.validate(found.to_json(), facts_schema())
    assert from_json(json.loads(json.dumps(found.to_json()))).document == found.document


def test_facts_of_the_healthy_machine() -> None:
    found = probe_facts(recorded("wsl-healthy-3090"))
    expected = {
        "windows.build": 22631,
        "windows.services.vmcompute": "running",
        "wsl.version": "2.4.13.0",
        "wsl.wslconfig_encoding": "absent",
        "linux.kernel": "5.15.167.4-microsoft-standard-WSL2",
        "linux.wsl_version": 2,
        "linux.distribution": "ubuntu 24.04",
        "linux.init": "systemd",
        "linux.memory_mib": 15921,
        "linux.libcuda_paths": ["/usr/lib/wsl/lib/libcuda.so.1"],
        "linux.libcuda_shadowed": False,
        "linux.apt_nvidia_packages": [],
        "linux.wsl_lib_mounted": True,
        "linux.data_folder": "~/.local/share/dreamrig",
        "linux.data_folder_on_windows_drive": False,
        "cuda.capability": "8.6",
        "cuda.driver": "552.86",
        "torch.version": "2.6.0+cu124",
        "torch.is_cpu_build": False,
        "torch.has_kernels_for_gpu": True,
        "torch.kernel": "right",
    }
    assert {path: found.get(path) for path in expected} == expected
    assert found.place == "wsl"
    assert found.document["collectors"] == ["python", "powershell 5.1"]
    assert found.reason("windows.hypervisor_launch_type") == "denied"
    assert found.reason("linux.resolves_names") == "not-asked"


def test_facts_are_read_once_and_only_when_asked_for() -> None:
    machine = recorded("wsl-healthy-3090")
    survey = Survey(machine)
    assert survey.get("linux.kernel") is not None
    assert machine.asked == []
    for path in ("cuda.init_code", "cuda.device_count", "cuda.capability"):
        assert survey.get(path) is not None
    assert machine.asked == ["python3 -m provision.machine.probe cuda"]
    assert survey.seen().document["torch"] is None


def test_every_fact_of_the_schema_has_a_collector() -> None:
    owned = [head for collector in COLLECTORS for head in collector.owns]
    for half in ("linux", "cuda", "torch", "python", "windows", "wsl"):
        for name in facts_schema()["properties"][half]["properties"]:
            assert half in owned or f"{half}.{name}" in owned, f"{half}.{name}"


def test_a_collector_that_breaks_leaves_its_reason() -> None:
    class Broken(Recorded):
        def disk_free_mib(self, path: str) -> int | None:
            raise OSError("the network disk is gone")

    found = probe_facts(Broken(load_transcript(MACHINES, "wsl-healthy-3090")))
    assert found.get("cuda.init_code") == 0
    assert found.reason("linux.data_free_mib") == "failed: OSError: the network disk is gone"


def test_given_facts_win_over_what_is_read_here() -> None:
    found = probe_facts(recorded("wsl-without-interop"), facts(windows={"build": 26100}))
    assert found.get("windows.build") == 26100
    assert found.get("linux.wsl_version") == 2
    assert found.place == "wsl"


# --- reasons


@pytest.mark.parametrize(
    ("name", "path", "reason"),
    [
        ("wsl-driver-crashes", "cuda.init_code", "failed: crashed (SIGSEGV)"),
        ("wsl-driver-hangs", "cuda.init_code", "timeout"),
        ("wsl-without-interop", "windows.build", NO_INTEROP),
        ("wsl-japanese-without-powershell", "windows.edition", "timeout"),
        ("wsl-chinese-without-script", "wsl.default_distribution", NO_SCRIPT),
        ("wsl-torch-missing", "torch.arch_list", "failed: ModuleNotFoundError: No module named 'torch'"),
        ("windows-without-powershell", "windows.edition", "failed: there is no powershell.exe"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_its_reason(name: str, path: str, reason: str) -> None:
    found = probe_facts(recorded(name))
    assert found.get(path) is None
    assert found.reason(path) == reason


def test_answer_of_powershell_that_is_no_facts_document() -> None:
    for answer in ('{"data": {"facts": {"place": "moon"}}}', "[1]", '{"a": ', '{"schema": 1, "place": "other"}'):
        path = "\\\\wsl.localhost\\Ubuntu\\home\\ada\\dreamrig\\powershell\\doctor.ps1"
        command = f"powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File {path} -Facts -Json"
        found = probe_facts(recorded("wsl-healthy-3090", windows_half=None, commands={command: {"out": answer}}))
        assert found.get("windows.edition") is None
        assert found.reason("windows.edition").startswith("failed: ")
        assert found.get("windows.build") is None or found.get("windows.build") == 22631


# --- small readers


@pytest.mark.parametrize(
    ("kernel", "version"),
    [
        ("4.4.0-22621-Microsoft", 1),
        ("4.4.0-19041-Microsoft", 1),
        ("5.15.167.4-microsoft-standard-WSL2", 2),
        ("4.19.128-microsoft-standard", 2),
        ("6.6.36-own", 2),
        (None, None),
    ],
)
def test_version_of_wsl_by_its_kernel(kernel: str | None, version: int | None) -> None:
    assert wsl_version(kernel) == version


@pytest.mark.parametrize(
    "text",
    [
        "Microsoft Windows [Version 10.0.22631.4317]",
        "Microsoft Windows [Версия 10.0.22631.4317]",
        "[版本 10.0.22631.4317]",
    ],
)
def test_windows_build_in_every_language(text: str) -> None:
    assert read_ver(text) == {"windows.build": 22631, "windows.revision": 4317}
    assert read_ver("nothing") == {}


def test_driver_models_of_several_gpus() -> None:
    one, two = "NVIDIA GeForce RTX 3090, 552.86, WDDM\n", "NVIDIA RTX A6000, 552.86, TCC\n"
    assert read_nvidia_smi(one)["windows.nvidia_driver_model"] == "wddm"
    assert read_nvidia_smi(two)["windows.nvidia_driver_model"] == "tcc"
    assert read_nvidia_smi(one + two)["windows.nvidia_driver_model"] == "mixed"
    assert read_nvidia_smi("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.") == {}


def test_without_wsl_its_version_is_not_asked_for() -> None:
    """The wsl.exe of 24H2 would take the question for a wish to install it (oomol-lab/ovm-win PR 87)."""
    machine = recorded("windows-without-powershell", files={"C:/Program Files/WSL/wsl.exe": None})
    assert probe_facts(machine).get("wsl.version") is None
    assert not [line for line in machine.asked if "wsl" in line.lower()]


def test_usage_of_the_old_wsl_is_no_version() -> None:
    assert read_wsl_version("Copyright (c) Microsoft Corporation.\nUsage: wsl.exe [Argument]\n") == {}


@pytest.mark.parametrize(
    ("archs", "capability", "covers"),
    [
        (["sm_80", "sm_86"], "8.6", True),
        (["sm_80"], "8.6", True),
        (["sm_86"], "8.0", False),
        (["sm_90"], "12.0", False),
        (["sm_90", "compute_90"], "12.0", True),
        (["sm_90a"], "9.0", True),
        (["sm_90a", "compute_90a"], "12.0", False),
        (["sm_120"], "12.0", True),
        (["sm_100f"], "10.3", True),
        (["nonsense"], "8.6", False),
        (["sm_86"], "unknown", None),
    ],
)
def test_architectures_against_the_capability(archs: list[str], capability: str, covers: bool | None) -> None:
    assert arch_covers(archs, capability) is covers


def test_a_32_bit_library_is_not_the_first() -> None:
    cache = (
        "\tlibcuda.so.1 (libc6) => /usr/lib/i386-linux-gnu/libcuda.so.1\n"
        "\tlibcuda.so.1 (libc6,x86-64) => /usr/lib/wsl/lib/libcuda.so.1\n"
    )
    survey = Survey(recorded("wsl-healthy-3090", commands={"/sbin/ldconfig -p": {"out": cache}}))
    assert survey.get("linux.libcuda_paths") == ["/usr/lib/wsl/lib/libcuda.so.1"]


@pytest.mark.parametrize(
    ("mount", "on_windows"),
    [
        ("C:\\134 /mnt/c 9p rw,aname=drvfs;path=C:\\ 0 0", True),
        ("C: /mnt/c drvfs rw 0 0", True),
        ("drvfsa /mnt/c virtiofs rw 0 0", True),
        ("/dev/sdd /mnt/c ext4 rw 0 0", False),
        ("share /mnt/c 9p rw,trans=virtio 0 0", False),
    ],
)
def test_a_windows_drive_by_its_mount(mount: str, on_windows: bool) -> None:
    changes: Mapping[str, Any] = {
        "data_folder": "/mnt/c/data",
        "files": {"/proc/self/mounts": f"/dev/sdc / ext4 rw 0 0\n{mount}\n"},
    }
    assert Survey(recorded("wsl-healthy-3090", **changes)).get("linux.data_folder_on_windows_drive") is on_windows


# --- documents


def test_merge_prefers_what_is_known_and_then_the_first() -> None:
    one = facts(
        windows={"build": 1, "features": {"wsl": "enabled"}}, unknown={"windows.edition": "denied", "linux": "absent"}
    )
    two = facts(
        windows={"build": 2, "edition": "Core", "features": {"hyper_v": "absent"}}, linux={"kernel": "k"}, place="wsl"
    )
    merged = merge(one, two)
    assert merged.get("windows.build") == 1
    assert merged.get("windows.edition") == "Core"
    assert merged.get("windows.features") == {"wsl": "enabled", "hyper_v": "absent"}
    assert merged.get("linux.kernel") == "k"
    assert merged.place == "wsl"
    assert merged.document["unknown"] == {}
    assert merge(two, one).get("windows.build") == 2


def test_reasons_stay_with_what_stays_unknown() -> None:
    one = facts(unknown={"windows": "timeout"})
    merged = merge(one, facts(unknown={"wsl.version": "absent"}))
    assert merged.reason("windows.build") == "timeout"
    assert merged.reason("wsl.version") == "absent"
    assert merged.reason("cuda.driver") == "not-asked"


def test_known_values_need_no_reason() -> None:
    parts = [
        Part({"linux.kernel": "k"}),
        Part({"linux.kernel": None}, {"linux.kernel": "timeout", "linux.init": "absent"}),
    ]
    assert make_facts("linux", iter(parts)).document["unknown"] == {"linux.init": "absent"}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "no facts document"),
        ({}, "no facts document"),
        ({"place": "wsl"}, "has no 'schema'"),
        ({"schema": 2, "place": "wsl"}, "schema is 2, not 1"),
        ({"schema": 1, "place": "moon"}, "place is 'moon', not one of"),
        ({"schema": 1, "place": "wsl", "windows": {"build": "x"}}, "windows.build is 'x', not integer or null"),
        ({"schema": 1, "place": "wsl", "windows": {"build": True}}, "windows.build is True"),
        (
            {"schema": 1, "place": "wsl", "linux": {"wsl_version": True}},
            "linux.wsl_version is True, not one of 1, 2, None",
        ),
        ({"schema": 1, "place": "wsl", "cuda": {"gpu_names": ["a", 3]}}, "cuda.gpu_names[1] is 3"),
        ({"schema": 1, "place": "wsl", "unknown": {"a": 1}}, "unknown.a is 1, not string"),
    ],
)
def test_what_is_no_facts_document_is_refused(document: Any, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        from_json(document, "facts.json")
    assert words in caught.value.message
    assert "facts.json" in caught.value.message
    assert caught.value.hint


def test_fields_of_a_newer_version_are_left_out() -> None:
    found = facts(windows={"build": 5, "colour": "blue"}, moon={"phase": 1})
    assert found.document["windows"] == {"build": 5}
    assert "moon" not in found.document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_that_windows_writes(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "facts.json"
    file.write_text(
        '{"schema": 1, "place": "windows", "windows": {"computer_model": "Prüfling"}}\r\n', encoding=encoding
    )
    assert load_facts(file).get("windows.computer_model") == "Prüfling"


def test_documents_of_the_commands_are_unwrapped(tmp_path: Path) -> None:
    inner = {"schema": 1, "place": "linux", "linux": {"kernel": "k"}}
    for number, outer in enumerate(
        (
            {"data": {"facts": inner}},
            {"data": inner},
            {"place": "linux", "facts": inner},
            {"data": {"place": "linux", "facts": inner}},
        )
    ):
        file = tmp_path / f"{number}.json"
        file.write_text(json.dumps(outer))
        assert load_facts(file).get("linux.kernel") == "k"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"\0" * 50, b" " * (5 * 2**20)])
def test_files_that_are_no_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "facts.json").write_bytes(content)
    with pytest.raises(UsageError):
        load_facts(tmp_path / "facts.json")


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        load_facts(tmp_path / "none.json")


def test_our_schema_reader_agrees_with_the_standard_one() -> None:
    schema = facts_schema()
    good = {"schema": 1, "place": "wsl", "wsl": {"distributions": [{"version": 2}]}, "unknown": {}}
    for document in (
        good,
        {**good, "schema": 3},
        {**good, "wsl": {"distributions": [{"version": 5}]}},
        {**good, "cuda": 5},
        {"place": "wsl"},
    ):
        ours = next(shape.problems(document, schema), None) is None
        assert ours == jsonschema.Draft202012Validator(schema).is_valid(document)
