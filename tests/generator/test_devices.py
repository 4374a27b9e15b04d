"""Choosing a device, naming it, what it likes best, and what its driver says when there is no room."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bench.proofs.pretended.cuda import pretended_cuda
from dreamrig.errors import NotReadyError, UsageError, code_of
from generator import devices
from generator.config import GenerateConfig
from generator.models.choose import device_defaults, load_models
from generator.work.door import GeneratorDoor
from generator.work.plan import Plan


def test_a_card_can_be_chosen_by_its_number() -> None:
    with pretended_cuda(devices=2):
        assert devices.resolve_device("auto") == torch.device("cuda")
        assert devices.resolve_device("cuda:1") == torch.device("cuda", 1)
        assert devices.describe(torch.device("cuda", 1)) == "cuda:1 (Pretended 3090)"
        with pytest.raises(NotReadyError, match="no device cuda:2; there are 2, cuda:0 to cuda:1") as caught:
            devices.resolve_device("cuda:2")
        assert caught.value.hint == "use --device cuda:1"
    assert GenerateConfig(prompt="x", device="cuda:1").device == "cuda:1"


@pytest.mark.parametrize("name", ["cuda:", "cuda:x", "cuda:-1", "cuda:100", "cpu:0", "mps:0", "gpu", "", "CUDA"])
def test_what_names_no_device_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="device"):
        GenerateConfig(prompt="x", device=name)


def test_every_device_of_a_machine_runs_on_the_one_that_was_chosen() -> None:
    with pretended_cuda(devices=2):
        models = load_models(GenerateConfig(prompt="x", device="cuda:1"))
        assert models.image.codebook.device == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("hip", "words", "hint"), [(None, "no CUDA device", "nvidia-smi"), ("6.4", "no AMD GPU", "rocminfo")]
)
def test_a_missing_gpu_is_told_in_its_makers_words(
    monkeypatch: pytest.MonkeyPatch, hip: str | None, words: str, hint: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "hip", hip)
    with pytest.raises(NotReadyError, match=words) as caught:
        devices.resolve_device("cuda")
    assert hint in caught.value.hint


def test_rocm_is_called_rocm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.4")
    with pretended_cuda(name="AMD Radeon RX 7900 XTX"):
        assert devices.describe(devices.resolve_device("cuda")) == "cuda:0 (AMD Radeon RX 7900 XTX, ROCm)"
        config = GenerateConfig(prompt="x", device="cuda", model="coco-f16")
        assert device_defaults(config) == {"deterministic": False}  # half precision was never tried there


# What a device likes best -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "capability", "expected"),
    [
        ("coco-f16", (8, 6), {"deterministic": False, "precision": "mixed"}),
        ("coco-f16", (7, 0), {"deterministic": False, "precision": "mixed"}),
        ("coco-f16", (6, 1), {"deterministic": False}),  # Pascal: halves at a 64th of the speed
        ("starter", (8, 6), {"deterministic": False}),
    ],
)
def test_defaults_by_device(model: str, capability: tuple[int, int], expected: dict[str, Any]) -> None:
    with pretended_cuda(capability=capability):
        assert device_defaults(GenerateConfig(prompt="x", model=model, device="cuda")) == expected
    assert device_defaults(GenerateConfig(prompt="x", model=model, device="cpu")) == {}


def test_what_was_chosen_stays_and_the_recipe_says_what_was_not() -> None:
    """So that to repeat a picture means the same, whatever a later version likes best on the device."""
    with pretended_cuda():
        models = load_models(GenerateConfig(prompt="x", device="cuda"))
        left = Plan(prompt="x", given={"device": "cuda"}).to_config(models.defaults)
        strict = Plan(prompt="x", given={"device": "cuda", "deterministic": True}).to_config(models.defaults)
    assert (left.deterministic, strict.deterministic) == (False, True)
    assert left.to_dict()["deterministic"] is False
    assert left.to_dict()["precision"] == "fp32"


# No room ----------------------------------------------------------------------------------------------------

NO_ROOM = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("HIP out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:83] data. DefaultCPUAllocator: not enough memory: you tried"),
    MemoryError(),
]


@pytest.mark.parametrize("error", NO_ROOM, ids=lambda error: str(error)[:40])
def test_no_room_is_known_in_whosever_words(error: BaseException) -> None:
    assert code_of(error) == "out_of_memory"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm`"),
        RuntimeError("memory format option is only supported by strided tensors"),
        ValueError("out of memory"),
        RuntimeError("deallocation of a tensor that was allocated elsewhere"),
    ],
    ids=lambda error: str(error)[:40],
)
def test_another_error_is_not_called_lack_of_room(error: BaseException) -> None:
    assert code_of(error) != "out_of_memory"


def test_a_run_is_loaded_as_its_device_likes_best_but_for_what_was_chosen(toy_models: Any) -> None:
    loaded: list[GenerateConfig] = []

    def load(config: GenerateConfig) -> Any:
        loaded.append(config)
        return toy_models()

    door = GeneratorDoor(load_models=load)
    for given in ({}, {"precision": "fp32"}):
        with pretended_cuda():
            door.load(Plan(prompt="x", given={"model": "coco-f16", "device": "cuda", **given}).to_config, 0.0)
    assert [config.precision for config in loaded] == ["mixed", "fp32"]
    assert [config.deterministic for config in loaded] == [False, False]
