"""Checkpoints: there and back, and every kind of damage."""

from __future__ import annotations

import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from dreamrig.errors import FailedError, RigError, UsageError
from generator.config import GenerateConfig
from generator.state import State, require_same_run, state_from_bytes, state_to_bytes


def make_state(step: int = 4) -> State:
    return State(
        step=step,
        config=GenerateConfig(prompt="sunset é:2").to_dict(),
        models_name="toy",
        models_sha256="00",
        tensors={
            "start": torch.linspace(0, 1, 30).view(1, 5, 2, 3),
            "random.draws": torch.arange(20, dtype=torch.uint8),
            "turned": torch.arange(6.0).view(2, 3).T,
        },
        plan_words="a sea",
        unknown_words={"zea": ["sea"]},
    )


def test_there_and_back() -> None:
    state = make_state()
    again = state_from_bytes(state_to_bytes(state))
    assert state_to_bytes(again) == state_to_bytes(state)
    assert (again.step, again.config, again.plan_words) == (4, state.config, "a sea")
    assert again.unknown_words == {"zea": ["sea"]}
    assert all(torch.equal(again.tensors[name], tensor) for name, tensor in state.tensors.items())


def test_any_truncation_is_damage() -> None:
    data = state_to_bytes(make_state())
    for length in (0, 1, 7, 8, 9, 100, len(data) // 2, len(data) - 1):
        with pytest.raises(FailedError, match="damaged") as caught:
            state_from_bytes(data[:length])
        assert caught.value.hint


@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    whole = state_to_bytes(make_state())
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    try:
        state = state_from_bytes(bytes(changed))
    except RigError:
        return
    assert state_to_bytes(state) == whole  # white space of the header, say


@given(st.binary(max_size=200))
def test_bytes_of_anything_are_damage(data: bytes) -> None:
    with pytest.raises(FailedError):
        state_from_bytes(data)


def test_weights_are_no_checkpoint() -> None:
    for metadata in (None, {"format": "pt"}, {"dreamrig": "{}"}, {"dreamrig": "0" * 64 + "{}"}):
        with pytest.raises(FailedError):
            state_from_bytes(safetensors.torch.save({"weight": torch.zeros(3)}, metadata=metadata))


def test_another_schema_is_told_apart_from_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generator.state.SCHEMA", 99)
    data = state_to_bytes(make_state())
    monkeypatch.undo()
    with pytest.raises(UsageError, match="another version"):
        state_from_bytes(data)


def test_what_may_change_on_resuming() -> None:
    state = make_state()
    config = GenerateConfig(prompt="sunset é:2", steps=70, preview_every=1, checkpoint_every=2)
    require_same_run(state, config, "toy", "00")
    for changed in ({"seed": 1}, {"prompt": "fog"}, {"threads": 1}, {"deterministic": False}, {"steps": 3}):
        with pytest.raises(UsageError) as caught:
            require_same_run(state, GenerateConfig(**({"prompt": "sunset é:2"} | changed)), "toy", "00")
        assert next(iter(changed)) in str(caught.value) + caught.value.hint
