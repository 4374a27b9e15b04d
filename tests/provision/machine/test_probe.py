"""The probes of the driver and of torch, for real: what they say on a machine with and without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provision.facts.collectors.driver import collect_cuda, collect_nvml, collect_torch, collect_torch_files, run_probe
from provision.machine.local import ThisMachine
from provision.machine.probe import nvml
from provision.machine.recorded import Recorded

ROOT = Path(__file__).parents[3]


def probe(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provision.machine.probe", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(("name", "key"), [("cuda", "library_error"), ("nvml", "nvml_code")])
def test_driver_probes_answer_with_or_without_a_driver(name: str, key: str) -> None:
    ended = probe(name)
    answers = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == 0
    assert key in answers[0] or "missing" in answers[0]


def test_there_is_no_probe_of_another_name() -> None:
    assert probe("gpu").returncode == 2
    assert probe().returncode == 2
    assert "cuda | nvml | torch | kernel" in probe("gpu").stderr


def test_kernel_probe_tells_what_torch_is_before_it_tries() -> None:
    import torch

    found, wrong = run_probe(ThisMachine(), "kernel", 120)
    assert wrong is None
    assert found["version"] == torch.__version__
    assert found["cuda_available"] == torch.cuda.is_available()
    assert found["kernel"] == ("right" if torch.cuda.is_available() else "failed")


def test_files_of_torch_say_what_torch_says() -> None:
    import torch

    values = collect_torch_files(ThisMachine()).values
    assert values["torch.version"] == torch.__version__
    assert values["torch.cuda"] == (torch.version.cuda or "absent")
    assert values["torch.is_cpu_build"] == (torch.version.cuda is None and torch.version.hip is None)


# --- what becomes of a probe that ends badly


def ends(**answer: object) -> Recorded:
    return Recorded(
        {"commands": {f"python3 -m provision.machine.probe {name}": answer for name in ("cuda", "nvml", "kernel")}}
    )


def test_what_was_said_before_a_crash_is_kept() -> None:
    part = collect_cuda(ends(code=-11, out='{"library_error": "absent", "driver_cuda": "12.4"}\n'))
    assert part.values == {"cuda.library_error": "absent", "cuda.driver_cuda": "12.4"}
    assert part.unknown["cuda.init_code"] == "failed: crashed (SIGSEGV)"


def test_a_crash_inside_the_kernel_is_a_failed_kernel() -> None:
    part = collect_torch(ends(code=-6, out='{"version": "2.6", "arch_list": ["sm_86"]}\n'), "8.6")
    assert part.values["torch.kernel"] == "failed"
    assert part.values["torch.kernel_error"] == "failed: crashed (SIGABRT)"
    assert part.values["torch.has_kernels_for_gpu"] is True


def test_the_last_line_of_a_traceback_is_the_reason() -> None:
    part = collect_nvml(
        ends(code=1, err="Traceback (most recent call last):\n  File x\nImportError: no libcudnn.so.9\n")
    )
    assert part.unknown["cuda.nvml_code"] == "failed: ImportError: no libcudnn.so.9"


def test_what_a_driver_prints_besides_does_no_harm() -> None:
    part = collect_cuda(ends(out='[dxg] hello\n{not json\n{"init_code": 0}\n"text"\n'))
    assert part.values == {"cuda.init_code": 0}


def test_missing_nvidia_ml_py_is_told() -> None:
    part = collect_nvml(ends(out='{"missing": "No module named \'pynvml\'"}\n'))
    assert part.unknown["cuda.nvml_code"] == "failed: No module named 'pynvml'"


class Nvml:
    """NVIDIA's library with one card, or some; the power limits are known or not."""

    class NVMLError(Exception):
        value = 3

    def __init__(self, cards: int = 1, watts: tuple[int, int] | None = (200, 350)) -> None:
        self.cards, self.watts = cards, watts

    def __getattr__(self, name: str) -> Callable[..., object]:
        answers: dict[str, object] = {
            "nvmlInit": None,
            "nvmlSystemGetDriverVersion": b"580.1",
            "nvmlDeviceGetCount": self.cards,
            "nvmlDeviceGetHandleByIndex": "handle",
            "nvmlDeviceGetName": b"NVIDIA GeForce RTX 3090",
        }
        if name in answers:
            return lambda *_: answers[name]
        return self.watt if name.endswith("DefaultLimit") else self.limit

    def limit(self, _: object) -> int:
        if self.watts is None:
            raise self.NVMLError("not supported")
        return self.watts[0] * 1000

    def watt(self, _: object) -> int:
        assert self.watts is not None
        return self.watts[1] * 1000


@pytest.mark.parametrize(
    ("library", "told"),
    [
        (Nvml(), {"power_limit_watts": 200, "power_default_watts": 350}),
        (Nvml(watts=None), {}),  # as under WSL: not supported says nothing about the rest
        (Nvml(cards=2), {}),  # which of the two would it be?
    ],
)
def test_power_limits_are_told_where_they_are_known(
    library: Nvml, told: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", library)  # the probe's own import is the door
    found: dict[str, object] = {}
    for answer in nvml():
        found |= answer
    assert {name: value for name, value in found.items() if name.startswith("power")} == told
    assert (found["nvml_code"], found["driver"]) == (0, "580.1")
