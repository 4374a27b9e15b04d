"""The launcher with a Python, a pip and a uv that only write down what they are asked to do."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rig_checkout import FAKE_PYTHON, FAKE_UV, PATIENCE_SECONDS, Checkout

SHELLS = [shell for shell in ("sh", "dash", "bash", "busybox") if shutil.which(shell)]
ORACLE = "pip -m pip install --no-deps taming-transformers"
WHOLE_SUITE = "-m pytest --numprocesses logical --maxprocesses 8 --dist loadfile"

# --- the ordinary way


@pytest.mark.parametrize("shell", SHELLS)
def test_first_run_installs_and_second_only_runs(checkout: Checkout, shell: str) -> None:
    command = ("busybox", "sh") if shell == "busybox" else (shell,)
    by = (shutil.which(command[0]) or command[0], *command[1:])
    code, out, err = checkout.run("generate", "sunset over the sea", shell=by)
    assert (code, out) == (0, "dreamrig called\n<generate>\n<sunset over the sea>\n"), err
    assert len(checkout.calls("venv")) == len(checkout.calls("pip")) == 1
    assert checkout.run("history", shell=by) == (0, "dreamrig called\n<history>\n", "")
    assert len(checkout.calls("venv")) == len(checkout.calls("pip")) == 1


def test_words_and_exit_code_pass_unchanged(checkout: Checkout) -> None:
    words = ["", "two  spaces", "quo\"te's", "new\nline", "*", "$HOME", "--json", "-n", "\\"]
    code, out, _ = checkout.run(*words, FAKE_EXIT="3")
    assert code == 3
    assert out == "dreamrig called\n" + "".join(f"<{word}>\n" for word in words)


def test_works_through_symbolic_links(checkout: Checkout, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "relative").symlink_to("../a rig of one's own/rig")
    (folder / "rig").symlink_to("relative")
    code, out, err = checkout.run("x", at=folder / "rig")
    assert (code, out) == (0, "dreamrig called\n<x>\n"), err
    assert (checkout.root / ".venv").is_dir()
    assert not (folder / ".venv").exists()


def test_installation_says_how_far_it_is_on_stderr_only(checkout: Checkout) -> None:
    _, out, err = checkout.run()
    assert out == "dreamrig called\n"
    assert "about 3 GB" in err
    assert "fetching torch-2.13.0-cp311.whl (539.1 MB)" in err
    assert "rich-15.0.0" not in err
    assert "rich-15.0.0" in (checkout.state / "install.log").read_text()


# --- when to install again


def test_changed_project_file_installs_again_into_the_same_environment(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "pyproject.toml").write_text("[project]\nname = 'dreamrig'\nversion = '2'\n")
    assert checkout.run()[0] == 0
    assert checkout.run()[0] == 0
    assert len(checkout.calls("venv")) == 1
    assert len(checkout.calls("pip")) == 2


def test_touched_project_file_installs_nothing(checkout: Checkout) -> None:
    checkout.run()
    os.utime(checkout.root / "pyproject.toml", (1, 1))
    checkout.run()
    assert len(checkout.calls("pip")) == 1


def test_moved_checkout_installs_again(checkout: Checkout) -> None:
    checkout.run()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    code, out, err = checkout.run("x")
    assert (code, out) == (0, "dreamrig called\n<x>\n"), err
    assert len(checkout.calls("pip")) == 2


def test_failed_update_goes_on_with_what_is_installed_and_tries_again_next_time(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "pyproject.toml").write_text("changed")
    code, out, err = checkout.run("x", FAKE_PIP_FAILS="yes")
    assert (code, out) == (0, "dreamrig called\n<x>\n")
    assert "going on with those installed" in err
    checkout.run()
    assert len(checkout.calls("pip")) == 3


def test_vanished_python_makes_a_new_environment(checkout: Checkout) -> None:
    checkout.run()
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    code, _, err = checkout.run()
    assert code == 0, err
    assert len(checkout.calls("venv")) == 2


# --- two at once, and interruptions


def test_two_at_once_install_once(checkout: Checkout) -> None:
    gate = checkout.hold()
    first = checkout.start("first", FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    second = checkout.start("second")
    assert second.stderr is not None
    assert second.stderr.readline() == "dreamrig: another ./rig is installing; waiting for it\n"
    gate.unlink()
    for process, name in ((first, "first"), (second, "second")):
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, out) == (0, f"dreamrig called\n<{name}>\n"), err
    assert len(checkout.calls("venv")) == len(checkout.calls("pip")) == 1


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", ["venv", "pip"])
def test_first_installation_interrupted_half_way_is_made_anew(
    checkout: Checkout, place: str, signal_number: signal.Signals
) -> None:
    gate = checkout.hold()
    process = checkout.start(FAKE_STOP_AT=place)
    checkout.wait_for(place)
    os.killpg(process.pid, signal_number)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    gate.unlink()
    code, out, err = checkout.run("x")
    assert (code, out) == (0, "dreamrig called\n<x>\n"), err
    assert "half-made" in err
    assert len(checkout.calls("venv")) == 2


def test_installer_that_outlives_a_killed_launcher_is_waited_for(checkout: Checkout) -> None:
    gate = checkout.hold()
    process = checkout.start(FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    process.kill()  # the launcher alone; its pip goes on
    process.wait(timeout=PATIENCE_SECONDS)
    second = checkout.start("x")
    assert second.stderr is not None
    assert "waiting" in second.stderr.readline()
    gate.unlink()
    out, err = second.communicate(timeout=PATIENCE_SECONDS)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert (second.returncode, out) == (0, "dreamrig called\n<x>\n"), err


def test_interrupted_installation_of_the_test_tools_is_repaired_by_any_command(checkout: Checkout) -> None:
    checkout.run()
    gate = checkout.hold()
    process = checkout.start("test", FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    gate.unlink()
    assert checkout.run()[0] == 0
    assert checkout.calls("pip")[-1] == "pip -m pip install -e .[serve]"


def test_defaults_of_the_user_do_not_send_packages_past_the_environment(checkout: Checkout) -> None:
    assert checkout.run(PIP_USER="1")[0] == 0


def test_interrupted_update_keeps_the_environment(checkout: Checkout) -> None:
    checkout.run()
    (checkout.root / "pyproject.toml").write_text("changed")
    gate = checkout.hold()
    process = checkout.start(FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    gate.unlink()
    assert checkout.run()[0] == 0
    assert len(checkout.calls("venv")) == 1  # torch need not be fetched again
    assert len(checkout.calls("pip")) == 3


def test_failed_first_installation_says_why_and_is_tried_again(checkout: Checkout) -> None:
    code, out, err = checkout.run("x", FAKE_PIP_FAILS="yes")
    assert (code, out) == (4, "")
    assert "ERROR: no route to host" in err
    assert "error: Installing the packages failed" in err
    assert "hint: is there a network" in err
    assert checkout.run("x")[:2] == (0, "dreamrig called\n<x>\n")
    assert len(checkout.calls("venv")) == 1


# --- what is missing


@pytest.mark.parametrize(("user", "sudo"), [("0", ""), ("1000", "sudo ")])
def test_missing_venv_module_names_the_exact_apt_command(checkout: Checkout, user: str, sudo: str) -> None:
    checkout.add_command("apt-get", "#!/bin/sh\n")
    (checkout.bin / "id").unlink()
    checkout.add_command("id", f"#!/bin/sh\necho {user}\n")
    code, out, err = checkout.run("x", FAKE_LAME="yes")
    package = f"python3.{sys.version_info.minor}-venv"
    assert (code, out) == (4, "")
    assert f"hint: run: {sudo}apt-get update && {sudo}apt-get install -y {package}\n" in err
    assert not (checkout.root / ".venv").exists()


def test_missing_venv_module_without_apt_names_no_apt(checkout: Checkout) -> None:
    code, _, err = checkout.run(FAKE_LAME="yes")
    assert code == 4
    assert "apt" not in err
    assert "package manager" in err


def test_python_with_the_venv_module_is_preferred_to_a_newer_one_without(checkout: Checkout) -> None:
    checkout.add_command("python3.14", FAKE_PYTHON.replace("${FAKE_LAME-}", "lame"))
    code, _, err = checkout.run()
    assert code == 0
    assert f"with {checkout.bin / 'python3'}\n" in err


@pytest.mark.parametrize("broken", ["too old", "absent"])
def test_without_a_new_python_the_hint_brings_one(checkout: Checkout, broken: str) -> None:
    if broken == "absent":
        (checkout.bin / "python3").unlink()
    code, out, err = checkout.run(FAKE_OLD="yes")
    assert (code, out) == (4, "")
    assert "error: A Python 3.11 or newer is needed" in err
    assert "hint: run: curl -LsSf https://astral.sh/uv/install.sh | sh" in err


@pytest.mark.parametrize(
    ("candidate", "hint"), [("3.11.2-1+b1", "apt-get install -y python3 python3-venv"), ("3.10.6-1~22.04", "astral.sh")]
)
def test_apt_is_named_only_where_it_has_a_new_python(checkout: Checkout, candidate: str, hint: str) -> None:
    checkout.add_command("apt-get", "#!/bin/sh\n")
    checkout.add_command(
        "apt-cache", f"#!/bin/sh\nprintf 'python3:\\n  Installed: (none)\\n  Candidate: {candidate}\\n'\n"
    )
    _, _, err = checkout.run(FAKE_OLD="yes")
    assert hint in err


def test_chosen_python_that_does_not_run_is_named(checkout: Checkout) -> None:
    code, _, err = checkout.run(DREAMRIG_PYTHON="/nowhere/python")
    assert code == 4
    assert "/nowhere/python" in err


def test_too_little_room_is_said_before_anything_is_fetched(checkout: Checkout) -> None:
    (checkout.bin / "df").unlink()
    checkout.add_command(
        "df", "#!/bin/sh\nprintf 'Filesystem 1024-blocks Used Available\\n/dev/x 9000000 1 2048000\\n'\n"
    )
    code, out, err = checkout.run()
    assert (code, out) == (4, "")
    assert "need 8000 MiB" in err
    assert "2000 MiB are free" in err
    assert checkout.calls("pip") == []
    assert checkout.run(DREAMRIG_TORCH="cpu")[0] == 0


# --- uv, and which torch


def test_uv_installs_where_pip_has_no_configuration(checkout: Checkout) -> None:
    checkout.add_command("uv", FAKE_UV)
    code, out, err = checkout.run("x")
    assert (code, out) == (0, "dreamrig called\n<x>\n"), err
    assert checkout.calls("uv") == [f"uv pip install --python {checkout.root}/.venv/bin/python -e .[serve]"]
    assert checkout.calls("pip") == []


def test_pip_takes_over_where_uv_fails(checkout: Checkout) -> None:
    checkout.add_command("uv", FAKE_UV)
    assert checkout.run(FAKE_UV_FAILS="yes")[0] == 0
    assert checkout.calls("pip") == ["pip -m pip install -e .[serve]"]


@pytest.mark.parametrize(
    "line", [":env:.find-links='/opt/wheels'", "global.index-url='https://mirror'", "user.no-index='1'"]
)
def test_uv_is_left_out_where_pip_knows_where_packages_are(checkout: Checkout, line: str) -> None:
    checkout.add_command("uv", FAKE_UV)
    assert checkout.run(FAKE_PIP_CONFIG=f"global.timeout='60'\n{line}\n", DREAMRIG_TORCH="cuda")[0] == 0
    assert checkout.calls("uv") == []
    assert checkout.calls("pip") == ["pip -m pip install -e .[serve]"]


def test_the_build_of_torch_that_was_decided_reaches_a_pip_with_a_mirror(checkout: Checkout) -> None:
    """It announced 250 MB and fetched the CUDA build from the mirror; DREAMRIG_TORCH had no effect."""
    _, _, err = checkout.run(FAKE_PIP_CONFIG="global.index-url='https://mirror'\n", DREAMRIG_TORCH="cpu")
    assert checkout.calls("pip") == [
        "pip -m pip install --retries 0 --extra-index-url https://download.pytorch.org/whl/cpu -e .[serve]"
    ]
    assert "about 250 MB to fetch" in err
    assert "5 GB where neither pip's mirror nor PyTorch gives the CPU build" in err
    checkout.run(FAKE_PIP_CONFIG="global.index-url='https://mirror'\n", DREAMRIG_TORCH="cuda")
    assert checkout.calls("pip")[1:] == ["pip -m pip install --force-reinstall -e .[serve]"]


def test_with_a_mirror_and_a_gpu_the_size_of_the_cuda_build_is_announced(checkout: Checkout) -> None:
    _, _, err = checkout.run(FAKE_PIP_CONFIG="global.index-url='https://mirror'\n", DREAMRIG_TORCH="cuda")
    assert "with CUDA about 3 GB to fetch" in err


def test_a_python_that_is_too_old_is_named(checkout: Checkout) -> None:
    checkout.add_command("python3", '#!/bin/sh\ncase "$*" in *version_info*%d*) echo 3.10 ;; esac\n')
    code, _, err = checkout.run("x")
    assert (code, "the one here is Python 3.10." in err) == (4, True), err


# --- a command for every folder


def test_install_command_links_rig_and_uninstall_says_before_it_removes(checkout: Checkout) -> None:
    home = checkout.root.parent
    link = home / ".local" / "bin" / "dreamrig"
    code, _, err = checkout.run("install-command")
    assert (code, link.resolve()) == (0, checkout.root / "rig"), err
    assert "add to ~/.profile" in err
    assert checkout.run("install-command")[0] == 0
    assert checkout.run("x", at=link)[1] == "dreamrig called\n<x>\n"
    code, _, err = checkout.run("uninstall")
    assert code == 0
    assert f"would remove {checkout.root}/.venv" in err
    assert f"would remove {link}" in err
    assert link.exists()
    assert (checkout.root / ".venv").exists()
    assert checkout.run("uninstall", "--yes")[0] == 0
    assert not link.is_symlink()
    assert not (checkout.root / ".venv").exists()
    assert (checkout.root / "rig").exists()


def test_install_command_writes_the_tab_key_of_the_shells_that_are_here(checkout: Checkout) -> None:
    home = checkout.root.parent
    checkout.add_command("bash", "#!/bin/sh\n")
    checkout.add_command("fish", "#!/bin/sh\n")
    bash = home / ".local" / "share" / "bash-completion" / "completions" / "dreamrig"
    fish = home / ".config" / "fish" / "completions" / "dreamrig.fish"
    assert "for the tab key: install dreamrig" in checkout.run("install-command")[2]
    checkout._write_command(checkout.dreamrig, '#!/bin/sh\necho "# The words of dreamrig for $2"\n')
    checkout.run("x")
    fish.parent.mkdir(parents=True)
    fish.write_text("another's")
    code, _, err = checkout.run("install-command")
    assert (code, bash.read_text()) == (0, "# The words of dreamrig for bash\n")
    assert f"the tab key of bash, in new windows: {bash}" in err
    assert "is another: no tab key for fish" in err
    assert "zsh" not in err
    assert f"would remove {bash}" in checkout.run("uninstall")[2]
    assert bash.exists()
    checkout.run("uninstall", "--yes")
    assert not bash.exists()
    assert fish.read_text() == "another's"


def test_a_tab_key_that_cannot_be_written_is_said_and_costs_nothing_else(checkout: Checkout) -> None:
    checkout.add_command("bash", "#!/bin/sh\n")
    checkout.run("x")
    checkout._write_command(checkout.root / ".venv" / "bin" / "dreamrig", "#!/bin/sh\necho half\nexit 1\n")
    code, _, err = checkout.run("install-command")
    assert (code, "no tab key for bash" in err) == (0, True), err
    assert not [path for path in (checkout.root.parent / ".local" / "share").rglob("*") if path.is_file()]


def test_what_others_made_is_neither_replaced_nor_removed(checkout: Checkout) -> None:
    link = checkout.root.parent / ".local" / "bin" / "dreamrig"
    link.parent.mkdir(parents=True)
    link.write_text("another")
    code, _, err = checkout.run("install-command")
    assert (code, "is another" in err) == (4, True)
    (checkout.root / ".venv").mkdir()
    _, _, err = checkout.run("uninstall", "--yes")
    assert "did not make it" in err
    assert (checkout.root / ".venv").exists()
    assert link.read_text() == "another"


def test_the_name_that_was_called_is_handed_over(checkout: Checkout) -> None:
    checkout._write_command(checkout.dreamrig, '#!/bin/sh\necho "$DREAMRIG_CALLED"\n')
    assert checkout.run()[1] == f"{checkout.root}/rig\n"
    checkout.run("install-command")
    link = checkout.root.parent / ".local" / "bin" / "dreamrig"
    path = f"{checkout.bin}:{link.parent}"
    assert checkout.run(at=link, PATH=path)[1] == "dreamrig\n"
    by_name = subprocess.run(
        ["./rig"], cwd=checkout.root, env=checkout.environment({}), capture_output=True, text=True, check=True
    )
    assert by_name.stdout == "./rig\n"


def test_a_command_knows_when_it_began_whatever_was_waited_for_before(checkout: Checkout) -> None:
    checkout._write_command(checkout.dreamrig, '#!/bin/sh\necho "$DREAMRIG_BEGAN"\n')
    gate = checkout.hold()
    installing = checkout.start(FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    seen = time.clock_gettime(time.CLOCK_BOOTTIME)
    gate.unlink()
    assert float(installing.communicate(timeout=PATIENCE_SECONDS)[0]) >= seen - 0.02, "it had installed first"
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before - 0.02 <= float(checkout.run()[1]) <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_other_configuration_of_pip_does_not_matter(checkout: Checkout) -> None:
    checkout.add_command("uv", FAKE_UV)
    checkout.run(FAKE_PIP_CONFIG="global.timeout='60'\nglobal.cert='/etc/ssl'\n")
    assert checkout.calls("pip") == []


def test_uv_brings_a_python_where_there_is_none_that_serves(checkout: Checkout, tmp_path: Path) -> None:
    brought = checkout.add_command("uv-brought-python", FAKE_PYTHON)
    checkout.add_command("uv", FAKE_UV)
    code, out, err = checkout.run("x", FAKE_OLD="yes", FAKE_LAME="yes", FAKE_UV_PYTHON=str(brought))
    assert (code, out) == (0, "dreamrig called\n<x>\n"), err
    assert any(call.startswith("uv venv") for call in checkout.calls("uv"))


def test_without_a_gpu_the_cpu_build_is_fetched_and_with_one_later_the_cuda_build(checkout: Checkout) -> None:
    checkout.run(DREAMRIG_TORCH="cpu")
    checkout.run(DREAMRIG_TORCH="cpu")
    assert checkout.calls("pip") == [
        "pip -m pip install --extra-index-url https://download.pytorch.org/whl/cpu -e .[serve]"
    ]
    _, _, err = checkout.run(DREAMRIG_TORCH="cuda")
    checkout.run(DREAMRIG_TORCH="cuda")
    checkout.run(DREAMRIG_TORCH="cpu")  # the CUDA build runs without a GPU too
    assert "there is an NVIDIA GPU now" in err
    assert checkout.calls("pip")[1:] == ["pip -m pip install --force-reinstall -e .[serve]"]
    assert len(checkout.calls("venv")) == 1


def test_colab_keeps_its_own_packages(checkout: Checkout) -> None:
    checkout.add_command("uv", FAKE_UV)
    code, _, err = checkout.run(COLAB_RELEASE_TAG="release-colab", FAKE_LAME="yes", DREAMRIG_TORCH="cuda")
    assert code == 0, err
    (call,) = checkout.calls("venv")
    assert "--without-pip --system-site-packages" in call
    assert checkout.calls("uv") == []


# --- an environment that somebody else made


def test_environment_of_somebody_else_is_used_and_never_deleted(checkout: Checkout) -> None:
    own = checkout.root / ".venv" / "bin"
    own.mkdir(parents=True)
    (own.parent / "pyvenv.cfg").touch()
    shutil.copy(checkout.bin / "python3", own / "python")
    (own.parent / "precious").touch()
    gate = checkout.hold()
    process = checkout.start(FAKE_STOP_AT="pip")
    checkout.wait_for("pip")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE_SECONDS)
    gate.unlink()
    assert checkout.run()[0] == 0
    (own / "python").unlink()
    code, _, err = checkout.run()
    assert (code, "hint: run: mv " in err) == (4, True)
    assert (own.parent / "precious").exists()
    assert checkout.calls("venv") == []


def test_broken_environment_of_somebody_else_is_never_deleted(checkout: Checkout) -> None:
    own = checkout.root / ".venv"
    own.mkdir()
    (own / "pyvenv.cfg").touch()
    (own / "precious").touch()
    code, _, err = checkout.run()
    assert code == 4
    assert "hint: run: mv " in err
    assert (own / "precious").exists()


# --- ./rig test


def test_test_runs_every_check_with_its_name_and_pytest_last(checkout: Checkout) -> None:
    code, out, _ = checkout.run("test")
    assert code == 0
    assert [line for line in out.splitlines() if line.startswith("== ")] == [
        "== ruff check", "== ruff format", "== mypy", "== lint-imports", "== pytest",
    ]  # fmt: skip
    assert out.splitlines()[-1] == f"ran {WHOLE_SUITE}"
    assert checkout.calls("pip") == ["pip -m pip install -e .[dev]", ORACLE]
    checkout.run("test")
    checkout.run("history")
    assert len(checkout.calls("pip")) == 2


@pytest.mark.parametrize(
    ("module", "name"),
    [("ruff", "ruff check"), ("mypy", "mypy"), ("lint-imports", "lint-imports"), ("pytest", "pytest")],
)
def test_one_failing_check_fails_and_the_others_still_run(checkout: Checkout, module: str, name: str) -> None:
    code, out, _ = checkout.run("test", FAKE_FAILING=module)
    assert code == 1
    assert "== pytest" in out
    assert out.splitlines()[-1].startswith(f"== failed: [{name}]")


def test_words_after_test_go_to_pytest_alone(checkout: Checkout) -> None:
    code, out, _ = checkout.run("test", "-k", "a b", "tests/generator")
    assert code == 0
    assert checkout.calls("run") == ["run -m pytest -k a b tests/generator"]
    assert out == "ran -m pytest -k a b tests/generator\n"


def test_test_tools_come_on_top_of_an_installation(checkout: Checkout) -> None:
    checkout.run("history")
    checkout.run("test")
    assert checkout.calls("pip") == ["pip -m pip install -e .[serve]", "pip -m pip install -e .[dev]", ORACLE]
    assert checkout.calls("uv") == []


def test_the_oracle_comes_through_uv_where_the_packages_do(checkout: Checkout) -> None:
    checkout.add_command("uv", FAKE_UV)
    assert checkout.run("test")[0] == 0
    assert checkout.calls("pip") == []
    last = checkout.calls("uv")[-1]
    assert last.endswith(" --no-deps taming-transformers")


def test_the_tests_run_without_the_oracle_where_it_cannot_be_had(checkout: Checkout) -> None:
    code, out, err = checkout.run("test", FAKE_ORACLE_FAILS="yes")
    assert code == 0
    assert out.splitlines()[-1] == f"ran {WHOLE_SUITE}"
    assert "taming-transformers could not be installed; the tests that compare with it will be skipped" in err
    assert checkout.run("test", FAKE_ORACLE_FAILS="yes")[0] == 0
    assert len(checkout.calls("pip")) == 2  # not tried again at every start


def test_failing_test_tools_are_an_error_even_where_the_project_is_installed(checkout: Checkout) -> None:
    checkout.run("history")
    code, out, err = checkout.run("test", FAKE_PIP_FAILS="yes")
    assert (code, out) == (4, "")
    assert "error: Installing the packages failed" in err
