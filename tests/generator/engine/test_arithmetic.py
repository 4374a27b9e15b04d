"""torch's switches have one owner: set around a step, put back after it, and assigned by nobody else."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch.utils import deterministic

from generator.config import GenerateConfig
from generator.engine import arithmetic
from generator.engine.arithmetic import Arithmetic, read_tf32
from generator.engine.loop import generate
from generator.models.base import Models

ROOT = Path(__file__).parents[3]
OWNER = ROOT / "generator" / "engine" / "arithmetic.py"
SETTERS = {
    "set_float32_matmul_precision",
    "set_num_threads",
    "set_num_interop_threads",
    "use_deterministic_algorithms",
    "set_deterministic_debug_mode",
    "set_flush_denormal",
}
WORKSHOP = ROOT / "generator" / "starter" / "making" / "train.py"
"""A program of its own that trains the starter, and decides for its whole process."""


@pytest.fixture(autouse=True)
def switches() -> Iterator[None]:
    """The global switches as they were."""
    backends = torch.backends
    before = backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark
    yield
    backends.cuda.matmul.allow_tf32, backends.cudnn.allow_tf32, backends.cudnn.benchmark = before


def everything() -> tuple[object, ...]:
    return (
        *read_tf32(),
        torch.backends.cudnn.benchmark,
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        deterministic.fill_uninitialized_memory,  # type: ignore[attr-defined]  # set up at run time
    )


@pytest.mark.parametrize("products", [False, True])
@pytest.mark.parametrize("convolutions", [False, True])
@pytest.mark.parametrize("wanted", [False, True])
def test_the_switches_are_as_asked_inside_and_as_before_after(products: bool, convolutions: bool, wanted: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = products, convolutions
    torch.backends.cudnn.benchmark = not wanted
    before = everything()
    asked = Arithmetic(tf32=wanted, deterministic=wanted, autotuned=wanted, threads=2)
    with contextlib.suppress(KeyError), asked.applied():
        assert everything() == (wanted, wanted, wanted, 2, wanted, not wanted)
        raise KeyError
    assert everything() == before
    assert before[:2] == (products, convolutions)


def test_switches_of_the_newer_kind_are_put_back_too() -> None:
    backends = torch.backends
    owners = [backends.cuda.matmul, getattr(backends.cudnn, "conv", None)]
    if not all(hasattr(owner, "fp32_precision") for owner in owners):
        assert torch.__version__ < "2.9"  # only the older ones exist
        return
    owners[0].fp32_precision, owners[1].fp32_precision = "ieee", "ieee"  # type: ignore[union-attr]  # just looked at
    with pytest.raises(RuntimeError):
        print(backends.cudnn.allow_tf32)
    with Arithmetic(tf32=True).applied():
        assert read_tf32() == (True, True)
    assert [owner.fp32_precision for owner in owners] == ["ieee", "ieee"]  # type: ignore[union-attr]  # just looked at


@pytest.mark.parametrize(
    ("device", "precision", "deterministic", "expected"),
    [
        ("cpu", "fp32", True, Arithmetic(deterministic=True, threads=3)),
        ("cpu", "mixed", False, Arithmetic(threads=3)),
        ("cuda", "fp32", True, Arithmetic(deterministic=True, threads=3)),
        ("cuda", "fp32", False, Arithmetic(autotuned=True, threads=3)),
        ("cuda:1", "mixed", False, Arithmetic(tf32=True, autotuned=True, threads=3)),
        ("cuda", "mixed", True, Arithmetic(tf32=True, deterministic=True, threads=3)),
        ("mps", "mixed", False, Arithmetic(threads=3)),
    ],
)
def test_a_config_decides(device: str, precision: str, deterministic: bool, expected: Arithmetic) -> None:
    config = GenerateConfig(prompt="x", precision=precision, deterministic=deterministic, threads=3)
    assert Arithmetic.of(config, torch.device(device)) == expected


def test_a_step_is_computed_alike_whatever_was_computed_before(
    models: Models, toy_config: Callable[..., GenerateConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a full-size network that was loaded before used to change the starter's arithmetic."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    seen = []
    decode = models.image.decode

    def looking(latent: torch.Tensor) -> torch.Tensor:
        seen.append(read_tf32())
        return decode(latent)

    monkeypatch.setattr(models.image, "decode", looking)
    for _ in generate(toy_config(steps=2), models):
        assert read_tf32() == (True, True)
    assert set(seen) == {(False, False)}


def assignments(tree: ast.AST) -> Iterator[str]:
    """Every torch.backends.* that is assigned, and every call of a setter of torch's."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            lists = (target.elts if isinstance(target, ast.Tuple | ast.List) else [target] for target in node.targets)
            targets = [target for several in lists for target in several]
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SETTERS:
            yield node.func.attr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "setattr":
            targets = [node.args[0]]
        yield from (text for text in map(ast.unparse, targets) if "backends." in text)


def test_the_search_finds_what_it_is_for() -> None:
    code = """
torch.backends.cudnn.benchmark = True
a, torch.backends.cuda.matmul.allow_tf32 = 1, True
setattr(torch.backends.cudnn, "allow_tf32", True)
torch.set_num_threads(1)
x = torch.backends.cudnn.benchmark
"""
    assert sorted(assignments(ast.parse(code))) == [
        "set_num_threads",
        "torch.backends.cuda.matmul.allow_tf32",
        "torch.backends.cudnn",
        "torch.backends.cudnn.benchmark",
    ]
    assert list(assignments(ast.parse(Path(arithmetic.__file__).read_text(encoding="utf-8"))))


def test_nobody_else_sets_how_torch_computes() -> None:
    found = {}
    for folder in ("dreamrig", "generator", "bench", "provision", "docs"):
        for path in (ROOT / folder).rglob("*.py"):
            names = set(assignments(ast.parse(path.read_text(encoding="utf-8"))))
            if names and path not in (OWNER, WORKSHOP):
                found[str(path.relative_to(ROOT))] = names
    assert found == {}
