"""packages.py debs|wheels|sources FOLDER: packages with nothing in them but what the commands look for."""

import ensurepip
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

DEBS = (
    "build-essential", "python3-dev", "python3", "python3-venv", "python3-pip", "git", "ffmpeg", "unzip",
    "wget", "libgl1", "libglib2.0-0", "libgomp1", "systemd", "cuda-toolkit-12-4", "cuda-keyring",
    "cuda-compat-12-4", "cuda-drivers", "nvidia-driver-550", "nvidia-utils-550", "libnvidia-compute-550",
    "nvidia-container-toolkit=1.16.0", "nvidia-container-toolkit=1.17.8", "libnvidia-container1=1.16.0",
    "libnvidia-container1=1.17.8",
)  # fmt: skip
TORCH = """
class version: cuda = "12.6"
class cuda:
    get_arch_list = staticmethod(lambda: ["sm_80", "sm_89"])
    get_device_capability = staticmethod(lambda: (8, 9))
    is_available = staticmethod(lambda: True)
class Number(float):
    item = lambda self: float(self)
    sum = lambda self: self
    __mul__ = lambda self, other: Number(float(self) * other)
ones = lambda count, device: Number(count)
load = lambda path, map_location, weights_only: {"state_dict": open(path).read()}
"""
WHEELS: tuple[tuple[str, str, str], ...] = (
    ("torch", "2.9.0", TORCH), ("torch", "2.10.0", TORCH), ("torch", "1.13.1", TORCH),
    ("torchvision", "0.24.0", ""), ("torchvision", "0.25.0", ""), ("torchvision", "0.14.1", ""),
    ("numpy", "1.26.4", ""), ("numpy", "1.23.5", ""), ("numpy", "2.1.0", ""), ("numpy", "2.4.0", ""),
    ("pytorch-lightning", "1.7.7", ""), ("omegaconf", "2.0.6", ""), ("pillow", "9.5.0", ""), ("pillow", "12.0.0", ""),
    ("ftfy", "6.3.1", ""), ("regex", "2026.1", ""), ("tqdm", "4.67", ""), ("wheel", "0.45", ""),
    ("clip", "0.2.0", ""), ("thing", "1.0", ""), ("thing", "2.0", ""),
    ("setuptools", "80.9.0", ""), ("setuptools", "82.0.0", ""), ("setuptools", "69.5.1", ""),
    ("xformers", "0.0.30", ""),
)  # fmt: skip
"""Name, version, the module's text. setuptools 80 brings pkg_resources, 82 does not: as in the real ones."""
BACKEND = """
import zipfile
{first}
NAME = "{name}-1.0"
def _wheel(folder):
    with zipfile.ZipFile(f"{{folder}}/{{NAME}}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("{module}/__init__.py", "def load(): pass\\n")
        wheel.writestr(f"{{NAME}}.dist-info/METADATA", "Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        wheel.writestr(f"{{NAME}}.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{{NAME}}.dist-info/RECORD", "")
    return f"{{NAME}}-py3-none-any.whl"
def build_wheel(folder, settings=None, metadata=None): return _wheel(folder)
def build_editable(folder, settings=None, metadata=None): return _wheel(folder)
"""
SOURCES = {
    "openai/CLIP.git": ("clip", "clip", "import pkg_resources"),
    "CompVis/taming-transformers": ("taming_transformers", "taming", ""),
}
"""Path -> package, module, and what its build needs: CLIP's setup.py asks for pkg_resources."""


def debs(folder: Path) -> None:
    for entry in DEBS:
        name, _, version = entry.partition("=")
        with tempfile.TemporaryDirectory() as made:
            control = Path(made) / "DEBIAN" / "control"
            control.parent.mkdir(mode=0o755)
            about = "Architecture: all\nMaintainer: x <x@example.org>\nDescription: empty\n"
            control.write_text(f"Package: {name}\nVersion: {version or '1.0'}\n{about}", encoding="utf-8")
            words = ["dpkg-deb", "--build", "--root-owner-group", "-Znone", made, str(folder)]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


def wheels(folder: Path) -> None:
    for name, version, text in WHEELS:
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{module}/__init__.py", f"__version__ = {version!r}\n{text}")
            if (name, version) == ("setuptools", "80.9.0"):
                wheel.writestr("pkg_resources/__init__.py", "")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    pips(folder)


def pips(folder: Path) -> None:
    """The pip that Python brings along, under an older and a newer number: the real program."""
    own = next((Path(ensurepip.__file__).parent / "_bundled").glob("pip-*.whl"))
    known = own.name.split("-")[1]
    for version in ("24.0", "99.0"):
        with zipfile.ZipFile(own) as old, zipfile.ZipFile(folder / f"pip-{version}-py3-none-any.whl", "w") as new:
            for entry in old.namelist():
                text = old.read(entry)
                if entry.endswith(".dist-info/METADATA"):
                    text = re.sub(rb"(?m)^Version: [^\r\n]+", f"Version: {version}".encode(), text, count=1)
                new.writestr(entry.replace(f"pip-{known}.dist-info", f"pip-{version}.dist-info"), text)


def sources(folder: Path) -> None:
    for path, (name, module, first) in SOURCES.items():
        source = folder / path
        source.mkdir(parents=True)
        (source / "backend.py").write_text(BACKEND.format(name=name, module=module, first=first), encoding="utf-8")
        system = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        project = f'[project]\nname = "{name}"\nversion = "1.0"\n'
        (source / "pyproject.toml").write_text(system + project, encoding="utf-8")


if __name__ == "__main__":
    {"debs": debs, "wheels": wheels, "sources": sources}[sys.argv[1]](Path(sys.argv[2]))
