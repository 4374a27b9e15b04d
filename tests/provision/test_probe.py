"""The probes of the driver and of torch, for real: what they say on a machine with and without a GPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from provision.collectors.driver import collect_cuda, collect_nvml, collect_torch, collect_torch_files, run_probe
from provision.local import ThisMachine
from provision.recorded import Recorded

ROOT = Path(__file__).parents[2]


def probe(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provision.probe", *words]
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
    return Recorded({"commands": {f"python3 -m provision.probe {name}": answer for name in ("cuda", "nvml", "kernel")}})


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
