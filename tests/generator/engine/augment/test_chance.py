"""Streams that go on, and noise that a run finds again on another kind of device."""

from __future__ import annotations

import torch

from generator.engine.augment.chance import DRAWS, NOISE, Chance, noise_seed


def test_streams_go_on_from_where_a_checkpoint_left_them() -> None:
    begun = Chance(3)
    begun.begin(0)
    begun.uniform(5), begun.normal_noise(2, 3)
    resumed = Chance(3)
    resumed.restore(begun.states(), 1)
    begun.begin(1)
    resumed.begin(1)
    assert torch.equal(resumed.uniform(4), begun.uniform(4))
    assert torch.equal(resumed.normal_noise(4), begun.normal_noise(4))
    assert torch.equal(resumed.uniform_noise(4), begun.uniform_noise(4))


def test_where_to_cut_and_noise_are_streams_of_their_own() -> None:
    quiet, noisy = Chance(3), Chance(3)
    noisy.normal_noise(100)
    assert torch.equal(quiet.uniform(4), noisy.uniform(4))


def test_a_checkpoint_of_another_device_leaves_noise_to_seed_and_step() -> None:
    """A CUDA generator's state is 16 bytes, and one of today's runs on CUDA keeps none at all."""
    states = Chance(3).states()
    older = {**states, NOISE: torch.zeros(16, dtype=torch.uint8)}
    newer = {DRAWS: states[DRAWS]}
    found = []
    for tensors in (older, newer):
        for step in (4, 5):
            chance = Chance(3)
            chance.restore(tensors, step)
            found.append(chance.normal_noise(8))
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])
    assert not torch.equal(found[0], found[1])


def test_seeds_of_noise_are_all_different() -> None:
    seeds = {noise_seed(seed, step) for seed in (0, 1, 2, 10, 2**63 - 1) for step in range(200)}
    assert len(seeds) == 1000
    assert all(0 <= seed < 2**63 for seed in seeds)
