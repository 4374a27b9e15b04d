"""Where everything lies: every place with its size, and none counted twice."""

from pathlib import Path

import pytest

from dreamrig import where


def test_a_place_inside_another_is_counted_once(tmp_path: Path) -> None:
    inside = tmp_path / "program" / ".venv"
    inside.mkdir(parents=True)
    (inside / "packages").write_bytes(bytes(1000))
    (tmp_path / "program" / "code").write_bytes(bytes(10))
    (tmp_path / "program" / "link").symlink_to(inside)
    wanted = [("environment", inside), ("program", tmp_path / "program"), ("settings", tmp_path / "none")]
    sizes = {what: size for what, _, size in where.measure(wanted)}
    assert sizes["environment"] == 1000
    assert 10 <= (sizes["program"] or 0) < 1000
    assert sizes["settings"] is None


def test_what_a_server_keeps_is_among_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMRIG_HOME", str(tmp_path))
    found = dict(where.places())
    assert found["server"] == tmp_path / "serve"
    assert {"runs", "weights", "settings", "environment", "program"} < set(found)
