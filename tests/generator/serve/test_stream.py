"""What fifty open pages are told is computed for each friend once, and never older than what was already told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from generator.serve.api.stream import Once
from generator.serve.friends import Friend
from generator.serve.line.live import Hub


def friend(number: int) -> Friend:
    return Friend(
        id=number, name=f"friend {number}", is_owner=False, weight=1, most_waiting=5, most_a_minute=20, quota_mib=100,
        discord=None, made_at=0, revoked_at=None,
    )  # fmt: skip


class Maker:
    """Answers with how often it was asked; as slow as the others need to come in."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def __call__(self) -> tuple[int, bytes]:
        self.asked += 1
        number = self.asked
        await asyncio.sleep(0)
        if self.fails:
            raise RuntimeError("no")
        return number, str(number).encode()


def test_streams_of_one_friend_share_and_no_other_does() -> None:
    async def evening() -> tuple[int, int, int]:
        once, ann, ben, lives = Once(Hub()), Maker(), Maker(), Maker()
        await asyncio.gather(*(once.get("state", friend(1), ann) for _ in range(9)))
        await asyncio.gather(*(once.get("state", friend(2), ben) for _ in range(9)))
        await asyncio.gather(*(once.get("live", friend(1), lives) for _ in range(9)))
        return ann.asked, ben.asked, lives.asked

    assert asyncio.run(evening()) == (1, 1, 1)


def test_after_a_change_it_is_made_anew_also_while_the_older_is_being_made() -> None:
    async def evening() -> tuple[Any, Any]:
        hub = Hub()
        once, make = Once(hub), Maker()
        before = asyncio.create_task(once.get("state", friend(1), make))
        await asyncio.sleep(0)
        hub.ring()
        after = await once.get("state", friend(1), make)
        return await before, after

    assert asyncio.run(evening()) == ((1, b"1"), (2, b"2"))


def test_a_stream_that_ends_takes_it_from_nobody_and_a_fault_is_not_kept() -> None:
    async def evening() -> tuple[Any, Any]:
        once, make = Once(Hub()), Maker()
        leaving = asyncio.create_task(once.get("state", friend(1), make))
        staying = asyncio.create_task(once.get("state", friend(1), make))
        await asyncio.sleep(0)
        leaving.cancel()
        told = await staying
        make.fails = True
        with pytest.raises(RuntimeError):
            await once.get("live", friend(1), make)
        make.fails = False
        return told, await once.get("live", friend(1), make)

    assert asyncio.run(evening()) == ((1, b"1"), (3, b"3"))
