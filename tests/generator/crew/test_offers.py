"""What a worker offers to friends, by the memory of its device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from generator.crew.offers import DeviceRoom, offers
from generator.models.base import Models


@pytest.fixture
def models(toy_models: Callable[..., Models]) -> Models:
    return replace(toy_models(), memory_mib=lambda width, height, cutouts: cutouts * width * height / 1000)


def test_what_fits_goes_by_the_whole_device_so_that_a_busy_card_refuses_nothing(models: Models) -> None:
    roomy = list(offers(models, {}, {}, DeviceRoom(100_000.0, 100_000.0)))
    busy = list(offers(models, {}, {}, DeviceRoom(1.0, 100_000.0)))
    assert all(one.fits for one in roomy)
    assert busy == roomy, "it is waited for, and drawn as on a free card"
    assert all(one.needs_mib > 1.0 for one in busy)


def test_what_the_whole_device_cannot_draw_is_refused_with_the_width_that_fits(models: Models) -> None:
    large = max(offers(models, {}, {}, DeviceRoom(1.0, 100_000.0)), key=lambda one: one.needs_mib)
    small = list(offers(models, {}, {}, DeviceRoom(1.0, large.needs_mib / 16)))
    refused = [one for one in small if not one.fits]
    assert any(one.fits for one in small)
    assert any(0 < one.largest_width < one.config["width"] for one in refused)


def test_on_a_card_that_is_partly_busy_it_is_drawn_in_less_memory(models: Models) -> None:
    usual = next(iter(offers(models, {}, {}, DeviceRoom(100_000.0, 100_000.0))))
    thrifty = next(iter(offers(models, {}, {}, DeviceRoom(usual.needs_mib * 0.98, 100_000.0))))
    assert thrifty.fits
    assert thrifty.needs_mib < usual.needs_mib
    assert thrifty.config["cut_batch"] < usual.config["cutouts"]
