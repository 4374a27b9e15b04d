# ruff: noqa: E501  (commands stand here as they stand in the knowledge base)
"""What each Linux command of the knowledge base is tried with, and what it should have changed.

A command that is not listed here merely looks: it must end well, and leave every file as it was.
"""

from dataclasses import dataclass, field

FILL = {
    "PROGRAM.py": "program.py", "NAME.py": "thing.py", "checkpoints/NAME": "checkpoints/model.ckpt",
    "FILE.whl": "/srv/wheels/thing-1.0-py3-none-any.whl", "'FILE'": "'checkpoints/model.ckpt'", "INDEX": "cu126",
    "torch==OLD-VERSION torchvision==OLD-VERSION": "torch==1.13.1 torchvision==0.14.1", "OLD-VERSION": "1.0",
    "OLD_VERSION": "1.16.0", "OLD_VALUE": "/old", "/dev/sdX": "/srv/disk.img", "TEXT": "a tree", "PORT": "3128",
    "CONTAINER": "box", "IMAGE": "nvidia/cuda:12.4.1-base-ubuntu22.04", "NAME": "thing",
}  # fmt: skip
"""What a person puts for the words in capitals, the longest first."""

NOT_RUN = {
    "cat /proc/sys/fs/binfmt_misc/WSLInterop": "only WSL's own kernel has the entry",
    "python3 -c \"import ctypes; c = ctypes.CDLL('libcuda.so.1'); print(c.cuInit(0))\"": "calls NVIDIA's own library",
    "sudo resize2fs $(findmnt -n -o SOURCE /)": "needs a disk of its own that has grown",
    "sudo hwclock -s": "sets the clock of this machine",
    "hf auth login": "asks the hub for an account",
    "dreamrig weights import CHECKPOINT": "needs a checkpoint of 1 GB; tests/generator/weights/ imports small ones",
}
"""Command -> why it is not run at all."""


@dataclass(frozen=True)
class Trial:
    """How a command is tried. before, after: bash; after is one condition."""

    after: str = ""
    before: str = ""
    answers: str = ""
    """What a person types."""
    again: str = ""
    """Why it does not end well a second time; what the first time changed must stand all the same."""
    serves: int = 0
    """The port it answers at until it is stopped."""
    fill: dict[str, str] = field(default_factory=dict)
    once: str = ""
    """Why it is not done twice."""


def installed(package: str) -> str:
    return f"dpkg-query -W -f '${{Status}}' {package} | grep -q 'install ok installed'"


def absent(package: str) -> str:
    return f"! {installed(package)}"


def pip_has(name: str, version: str = "") -> str:
    """Asked without pip, which takes its time."""
    return f'python -c \'from importlib.metadata import version; version("{name}").startswith("{version}") or exit(1)\' 2>&-'


def line_once(file: str, line: str) -> str:
    return f"[ \"$(grep -cxF '{line}' {file})\" = 1 ]"


def in_wsl_conf(line: str, section: str) -> str:
    """The line is there once, in a section that is there once, and the line before it was not joined to another."""
    there_once = f"[ \"$(grep -cxF '[{section}]' /etc/wsl.conf)\" = 1 ]"
    return f"{line_once('/etc/wsl.conf', line)} && {there_once} && grep -qx '\\[boot\\]' /etc/wsl.conf"


YES = "y\n" * 9
WITH_DRIVER = (
    "sudo apt-get update >/dev/null && sudo apt-get install -y nvidia-driver-550 libnvidia-compute-550 >/dev/null"
)
CONDA = 'conda() { command conda "$@"; }'
SETTINGS = {".wslconfig": ".wslconfig --file ~/.wslconfig"}
TWO_STEPS = "printf 'steps = 2\\n' >dreamrig.toml"
SLOW = "a picture takes its time"
DRAWN = "[ \"$(find ~/.local/share/dreamrig -name '*.png' | wc -l)\" -ge 1 ]"
TORCH_IS_ANEW = f"{pip_has('torch', '2.10.0')} && {pip_has('torchvision', '0.25.0')}"
TORCH_IS_OLD = f"{pip_has('torch', '1.13.1')} && {pip_has('torchvision', '0.14.1')}"
CLIP = "python -c 'import clip; clip.load'"
CLIP_BUILT = "pip install ftfy regex tqdm git+https://github.com/openai/CLIP.git"
OLD_SETUPTOOLS = (
    "python -m pip install -q 'setuptools<81' && export PIP_CONSTRAINT=/tmp/older && echo 'setuptools<81' >/tmp/older"
)
WSL_LIBRARIES = "/usr/lib/wsl/lib"
NO_CUDA = {"device='cuda'": "device='cpu'"}

TRIALS = {
    # --- dreamrig itself
    './rig generate "sunset over the sea"': Trial(DRAWN, TWO_STEPS, once=SLOW),
    'dreamrig generate "TEXT" --size 256': Trial(DRAWN, f'cd "$REPO" && {TWO_STEPS}', once=SLOW),
    "./rig doctor": Trial("true", "rm -r /usr/local/sbin/nvidia-smi /usr/local/sbin/lspci /usr/lib/wsl"),
    "jupyter server --ServerApp.allow_origin=https://colab.research.google.com --port=8888 --ServerApp.port_retries=0 "
    "--ServerApp.allow_credentials=True": Trial(
        "true",
        "mkdir ~/.jupyter && echo 'c.ServerApp.allow_root = True' >~/.jupyter/jupyter_server_config.py",
        serves=8888,
        once="it serves until it is stopped",
    ),
    "dreamrig colab": Trial("true", serves=8888, once="it serves until it is stopped"),
    "dreamrig setting .wslconfig wsl2.autoProxy false": Trial(
        line_once("~/.wslconfig", "autoProxy=false"), fill=SETTINGS
    ),
    "dreamrig setting .wslconfig wsl2.dnsTunneling true": Trial(
        line_once("~/.wslconfig", "dnsTunneling=true"), fill=SETTINGS
    ),
    "dreamrig setting .wslconfig wsl2.dnsTunneling false": Trial(
        line_once("~/.wslconfig", "dnsTunneling=false"), fill=SETTINGS
    ),
    "dreamrig setting .wslconfig wsl2.networkingMode mirrored": Trial(
        line_once("~/.wslconfig", "networkingMode=mirrored"), fill=SETTINGS
    ),
    "dreamrig setting .wslconfig wsl2.networkingMode nat": Trial(
        line_once("~/.wslconfig", "networkingMode=nat"), fill=SETTINGS
    ),
    "dreamrig setting .wslconfig wsl2.swap 0": Trial(line_once("~/.wslconfig", "swap=0"), fill=SETTINGS),
    "dreamrig setting .wslconfig wsl2.swapFile 'C:\\Temp\\wsl-swap.vhdx'": Trial(
        line_once("~/.wslconfig", "swapFile=C:\\\\Temp\\\\wsl-swap.vhdx"), fill=SETTINGS
    ),
    'sudo env "PATH=$PATH" dreamrig setting wsl.conf automount.options metadata': Trial(
        in_wsl_conf("options=metadata", "automount")
    ),
    'sudo env "PATH=$PATH" dreamrig setting wsl.conf automount.mountFsTab false': Trial(
        in_wsl_conf("mountFsTab=false", "automount")
    ),
    "sudo env \"PATH=$PATH\" dreamrig setting wsl.conf boot.command 'ip link set dev eth0 mtu 1400'": Trial(
        in_wsl_conf("command=ip link set dev eth0 mtu 1400", "boot")
    ),
    'sudo env "PATH=$PATH" dreamrig setting wsl.conf boot.systemd true': Trial(in_wsl_conf("systemd=true", "boot")),
    'sudo env "PATH=$PATH" dreamrig setting wsl.conf network.generateHosts false': Trial(
        in_wsl_conf("generateHosts=false", "network")
    ),
    'sudo env "PATH=$PATH" dreamrig setting wsl.conf network.generateResolvConf false && { [ -e /etc/resolv.conf.before ] '
    "|| sudo mv /etc/resolv.conf /etc/resolv.conf.before; } && echo 'nameserver 1.1.1.1' | sudo tee /etc/resolv.conf": Trial(
        "grep -qx 'nameserver 172.20.0.1' /etc/resolv.conf.before && grep -qx 'nameserver 1.1.1.1' /etc/resolv.conf && "
        + in_wsl_conf("generateResolvConf=false", "network")
    ),
    # --- packages of the distribution
    "apt-get purge -y 'cuda-compat-*'": Trial(
        absent("cuda-compat-12-4"), "apt-get install -y cuda-compat-12-4 >/dev/null"
    ),
    "sudo apt-get install -y build-essential python3-dev": Trial(installed("python3-dev")),
    "sudo apt-get install -y nvidia-container-toolkit": Trial(installed("nvidia-container-toolkit")),
    "sudo apt-get install -y python3 python3-venv python3-pip": Trial(installed("python3-venv")),
    "sudo apt-get update && sudo apt-get install -y git ffmpeg unzip wget": Trial(installed("ffmpeg")),
    "sudo apt-get update && sudo apt-get install --only-upgrade nvidia-container-toolkit libnvidia-container1": Trial(
        "dpkg-query -W nvidia-container-toolkit libnvidia-container1 | grep -c 1.17.8 | grep -qx 2",
        "apt-get install -y nvidia-container-toolkit=1.16.0 libnvidia-container1=1.16.0 >/dev/null",
        YES,
    ),
    "sudo apt-get install -y cuda-toolkit-12-4": Trial(installed("cuda-toolkit-12-4")),
    "sudo apt-get update": Trial("ls /var/lib/apt/lists/*Packages* >/dev/null"),
    "sudo dpkg --configure -a": Trial("true"),
    "sudo apt-get --fix-broken install": Trial("true", answers=YES),
    "sudo apt-get install systemd": Trial(installed("systemd"), answers=YES),
    "sudo apt-get update && sudo apt-get install -y libgl1 libglib2.0-0 libgomp1": Trial(installed("libgl1")),
    "sudo apt-get update && sudo apt-get install -y python3-venv": Trial(installed("python3-venv")),
    "sudo apt-get remove $(dpkg-query -W -f='${Package} ' 'nvidia-driver-*' 'nvidia-utils-*' 'nvidia-dkms-*' "
    "'libnvidia-compute-*' 'cuda-drivers*' 2>/dev/null)": Trial(
        f"{absent('nvidia-driver-550')} && {absent('libnvidia-compute-550')}", WITH_DRIVER, YES
    ),
    "dpkg -l | grep -i nvidia": Trial("true", WITH_DRIVER),
    "dpkg -l | grep -E 'nvidia-(driver|utils|compute|dkms|kernel)|libnvidia|cuda-drivers'": Trial("true", WITH_DRIVER),
    "wget https://developer.download.nvidia.com/compute/cuda/repos/wsl-ubuntu/x86_64/cuda-keyring_1.1-1_all.deb "
    "&& sudo dpkg -i cuda-keyring_1.1-1_all.deb && sudo apt-get update": Trial(installed("cuda-keyring"), answers=YES),
    # --- packages of Python
    "python -m ensurepip --upgrade": Trial("python -m pip --version >/dev/null"),
    "python -m pip download --no-deps pip -d /tmp/pip-answers": Trial("ls /tmp/pip-answers/pip-*.whl >/dev/null"),
    'python -m pip install "setuptools<81"': Trial("python -c 'import pkg_resources'"),
    'python -m pip install "setuptools<70"': Trial(pip_has("setuptools", "69.5.1")),
    'python -m pip install "setuptools<81" wheel && python -m pip install --no-build-isolation '
    "git+https://github.com/openai/CLIP.git": Trial(CLIP),
    "python -m pip install 'numpy<2'": Trial(pip_has("numpy", "1.26.4")),
    "python -m pip install --no-build-isolation NAME": Trial(pip_has("thing")),
    "python -m pip install --only-binary :all: NAME": Trial(pip_has("thing")),
    "python -m pip install --timeout 120 --retries 10 --no-cache-dir NAME": Trial(pip_has("thing")),
    "python -m pip install --upgrade NAME": Trial(pip_has("thing", "2.0"), "python -m pip install -q thing==1.0"),
    "python -m pip install --upgrade numpy torch": Trial(
        f"{pip_has('numpy', '2.4.0')} && {pip_has('torch', '2.10.0')}"
    ),
    "python -m pip install FILE.whl": Trial(pip_has("thing", "1.0")),
    "python -m pip install NAME": Trial(pip_has("thing")),
    "python -m pip install NAME --index-url https://pypi.org/simple": Trial(pip_has("thing")),
    'python -m pip install "NAME==OLD-VERSION"': Trial(pip_has("thing", "1.0")),
    'python -m pip install "pip<24.1"': Trial("python -m pip --version | grep -qE '^pip (2[0-3]|24[.]0)'"),
    f"python -m {CLIP_BUILT}": Trial(CLIP, OLD_SETUPTOOLS),
    "python -m pip install setuptools": Trial(pip_has("setuptools"), "python -m pip uninstall -qy setuptools"),
    "python -m pip install --upgrade --force-reinstall torch torchvision --index-url "
    "https://download.pytorch.org/whl/INDEX": Trial(TORCH_IS_ANEW),
    'python -m pip install --no-deps "torchvision==OLD-VERSION"': Trial(
        pip_has("torchvision", "0.14.1"), fill={"OLD-VERSION": "0.14.1"}
    ),
    "python -m pip uninstall -y xformers flash-attn": Trial(
        f"! {pip_has('xformers')}", "python -m pip install -q --no-deps xformers"
    ),
    "python -m pip install --upgrade --no-deps xformers --index-url https://download.pytorch.org/whl/cuNNN": Trial(
        pip_has("xformers")
    ),
    'python -m pip install "torch==OLD-VERSION" --index-url https://download.pytorch.org/whl/cuNNN': Trial(
        pip_has("torch", "1.13.1"), fill={"OLD-VERSION": "1.13.1"}
    ),
    "git log -1 --format=%cs": Trial("true", "cd /srv/git/openai/CLIP.git"),
    f"python -m pip uninstall -y clip && python -m {CLIP_BUILT}": Trial(CLIP, OLD_SETUPTOOLS),
    "git clone https://github.com/CompVis/taming-transformers && python -m pip install -e ./taming-transformers": Trial(
        "python -c 'import taming'", again="the folder is there"
    ),
    "git clone https://github.com/openai/CLIP": Trial("[ -e CLIP/pyproject.toml ]", again="the folder is there"),
    "python -m pip show clip": Trial("true"),
    "python3 -m venv .venv && . .venv/bin/activate": Trial('[ "$(command -v python)" = "$PWD/.venv/bin/python" ]'),
    "python3 -m venv NAME": Trial("[ -x thing/bin/python ]"),
    "python3 -m venv .venv && .venv/bin/python -m pip install torch": Trial(
        ".venv/bin/python -c 'import torch' && [ ! -e ~/.local/lib ]"
    ),
    "conda create -n newer python=3.11": Trial("[ -e ~/.conda/environments/newer ]", CONDA, YES),
    "conda create -n older python=3.10": Trial("grep -q 3.10 ~/.conda/environments/older", CONDA, YES),
    "conda create -n older python=3.9": Trial("grep -q 3.9 ~/.conda/environments/older", CONDA, YES),
    'conda create -n old-code python=3.9 "pip<24.1" && conda activate old-code && pip install "torch==1.13.1" '
    '"torchvision==0.14.1" "numpy<1.24" "pytorch-lightning==1.7.7" "omegaconf==2.0.6" "pillow<10"': Trial(
        f"{pip_has('torch', '1.13.1')} && {pip_has('numpy', '1.23.5')} && {pip_has('pillow', '9.5.0')}", CONDA, YES
    ),
    "conda activate NAME": Trial("true", CONDA),
    "conda init bash": Trial(line_once("~/.bashrc", "# >>> conda initialize >>>")),
    "conda install -c conda-forge libstdcxx-ng": Trial("grep -q libstdcxx-ng ~/.conda/environments/base", answers=YES),
    "conda install -c conda-forge NAME": Trial("grep -q thing ~/.conda/environments/base", answers=YES),
    'conda install "mkl<2024.1"': Trial("grep -q 'mkl<2024.1' ~/.conda/environments/base", answers=YES),
    "conda install nomkl": Trial("grep -q nomkl ~/.conda/environments/base", answers=YES),
    "python -m pip list": Trial("true"),
    "python -m pip uninstall -y NAME": Trial(f"! {pip_has('thing')}", "python -m pip install -q thing"),
    # --- files and variables
    "mkdir -p checkpoints": Trial("[ -d checkpoints ]", "mv checkpoints elsewhere"),
    "mv NAME.py my_NAME.py": Trial(
        "[ -e my_thing.py ] && [ ! -e thing.py ]", fill={"my_NAME.py": "my_thing.py"}, again="it is moved already"
    ),
    "mv checkpoints/NAME checkpoints/NAME.broken": Trial(
        "[ -e checkpoints/model.ckpt.broken ] && [ ! -e checkpoints/model.ckpt ]", again="it is moved already"
    ),
    "mv ~/.vscode-server ~/.vscode-server.before": Trial(
        "[ -e ~/.vscode-server.before ] && [ ! -e ~/.vscode-server ]",
        "mkdir ~/.vscode-server",
        again="it is moved already",
    ),
    "mv .venv .venv.before": Trial(
        "[ -e .venv.before ] && [ ! -e .venv ]", "mkdir -p .venv", once="before would make it again"
    ),
    "cat ~/.docker/config.json": Trial("true", "mkdir ~/.docker && echo '{}' >~/.docker/config.json"),
    "mv ~/.cache/clip ~/.cache/clip.broken": Trial(
        "[ -e ~/.cache/clip.broken/ViT-B-32.pt ] && [ ! -e ~/.cache/clip ]", again="it is moved already"
    ),
    "export LD_LIBRARY_PATH=$(echo $LD_LIBRARY_PATH | tr ':' '\\n' | grep -v compat | paste -sd:)": Trial(
        '[ "$LD_LIBRARY_PATH" = /a:/b ]', "export LD_LIBRARY_PATH=/a:/usr/local/cuda/compat:/b"
    ),
    "export PATH=/usr/local/cuda/bin:$PATH; export CUDA_HOME=/usr/local/cuda": Trial(
        'command -v nvcc >/dev/null && [ "$CUDA_HOME" = /usr/local/cuda ]'
    ),
    "export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True": Trial('[ -n "$PYTORCH_CUDA_ALLOC_CONF" ]'),
    "export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:False": Trial('[ -n "$PYTORCH_CUDA_ALLOC_CONF" ]'),
    "export LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libstdc++.so.6": Trial('[ -n "$LD_PRELOAD" ]'),
    "export PATH=$HOME/.local/bin:$PATH": Trial("[[ $PATH = $HOME/.local/bin:* ]]"),
    "export PYTHONUTF8=1 LANG=C.UTF-8": Trial("[ \"$(python -c 'import sys; print(sys.flags.utf8_mode)')\" = 1 ]"),
    "export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt": Trial(
        '[ "$REQUESTS_CA_BUNDLE" = "$SSL_CERT_FILE" ]'
    ),
    "mkdir -p ~/tmp && export TMPDIR=~/tmp": Trial('[ -d "$TMPDIR" ]'),
    "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY": Trial(
        '[ -z "${https_proxy+x}" ]', "export https_proxy=http://127.0.0.1:9"
    ),
    "export HF_ENDPOINT=https://hf-mirror.com": Trial('[ -n "$HF_ENDPOINT" ]'),
    "export IMAGEIO_FFMPEG_EXE=/usr/bin/ffmpeg": Trial('[ -n "$IMAGEIO_FFMPEG_EXE" ]'),
    "export NCCL_DEBUG=INFO": Trial('[ -n "$NCCL_DEBUG" ]'),
    "export NCCL_P2P_DISABLE=1 NCCL_NVLS_ENABLE=0 NCCL_IB_DISABLE=1": Trial(
        "[ $NCCL_P2P_DISABLE$NCCL_NVLS_ENABLE = 10 ]"
    ),
    "export PYTORCH_ENABLE_MPS_FALLBACK=1": Trial("[ $PYTORCH_ENABLE_MPS_FALLBACK = 1 ]"),
    "export TORCHDYNAMO_DISABLE=1": Trial("[ $TORCHDYNAMO_DISABLE = 1 ]"),
    "export LD_LIBRARY_PATH=\"$(python -c \"import os, nvidia; print(':'.join(e.path + '/lib' for p in nvidia.__path__ for e in os.scandir(p) if os.path.isdir(e.path + '/lib')))\")\"": Trial(
        "[[ $LD_LIBRARY_PATH = */nvidia/cudnn/lib ]]",
        "mkdir -p \"$(python -c 'import site; print(site.getsitepackages()[0])')/nvidia/cudnn/lib\"",
    ),
    'export TORCH_CUDA_ARCH_LIST="$(python -c "import torch; print(\'%d.%d\' % torch.cuda.get_device_capability())")"': Trial(
        "[[ $TORCH_CUDA_ARCH_LIST = [0-9]*.[0-9] ]]"
    ),
    "unset CUDA_VISIBLE_DEVICES": Trial('[ -z "${CUDA_VISIBLE_DEVICES+x}" ]', "export CUDA_VISIBLE_DEVICES=-1"),
    "export CUDA_VISIBLE_DEVICES=0": Trial("[ $CUDA_VISIBLE_DEVICES = 0 ]"),
    "export CUDA_VISIBLE_DEVICES=0,1,2": Trial("[ $CUDA_VISIBLE_DEVICES = 0,1,2 ]"),
    "export LD_LIBRARY_PATH=/usr/lib/wsl/lib": Trial(f"[ $LD_LIBRARY_PATH = {WSL_LIBRARIES} ]"),
    "export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH": Trial(f"[[ $LD_LIBRARY_PATH = {WSL_LIBRARIES}:* ]]"),
    "export LIBRARY_PATH=/usr/lib/wsl/lib:$LIBRARY_PATH": Trial(f"[[ $LIBRARY_PATH = {WSL_LIBRARIES}:* ]]"),
    "export https_proxy=http://$(ip route show default | cut -d' ' -f3):PORT": Trial(
        "[ $https_proxy = http://172.20.0.1:3128 ]"
    ),
    "grep -qxF 'export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH' ~/.bashrc || printf '\\n%s\\n' 'export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH' >> ~/.bashrc": Trial(
        line_once("~/.bashrc", "export LD_LIBRARY_PATH=/usr/lib/wsl/lib:$LD_LIBRARY_PATH")
    ),
    "grep -qxF 'export PATH=$HOME/.local/bin:$PATH' ~/.bashrc || printf '\\n%s\\n' 'export PATH=$HOME/.local/bin:$PATH' >> ~/.bashrc": Trial(
        line_once("~/.bashrc", "export PATH=$HOME/.local/bin:$PATH")
    ),
    "grep -qxF 'export PATH=$PATH:/usr/lib/wsl/lib' ~/.bashrc || printf '\\n%s\\n' 'export PATH=$PATH:/usr/lib/wsl/lib' >> ~/.bashrc": Trial(
        line_once("~/.bashrc", "export PATH=$PATH:/usr/lib/wsl/lib")
    ),
    # --- the system
    "echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig": Trial(
        f"ldconfig -p | grep -q '{WSL_LIBRARIES}/libcuda.so.1'"
    ),
    "echo ':WSLInterop:M::MZ::/init:PF' | sudo tee /etc/binfmt.d/WSLInterop.conf "
    "&& sudo service systemd-binfmt restart": Trial(
        line_once("/etc/binfmt.d/WSLInterop.conf", ":WSLInterop:M::MZ::/init:PF")
        + " && grep -qx running /var/lib/systemd-binfmt.state",
        "mkdir -p /etc/binfmt.d",
    ),
    "sudo usermod -aG docker $USER": Trial(
        "id -nG me | grep -qw docker", "export USER=me; getent passwd me >/dev/null || useradd me; groupadd -f docker"
    ),
    "ls /proc/sys/fs/binfmt_misc": Trial("true"),
    "sudo ldconfig": Trial("true"),
    "ldconfig -p | grep -E 'libcuda|libnvidia-ml'": Trial(
        "true", f"echo {WSL_LIBRARIES} >/etc/ld.so.conf.d/x.conf; ldconfig"
    ),
    "sudo e2fsck -f /dev/sdX": Trial("true", fill={"-f": "-f -n"}),  # it asks at a terminal alone
    "sed -i 's/\\r$//' NAME": Trial(
        "printf 'a\\nb\\n' | cmp - thing",
        "printf 'a\\r\\nb\\r\\n' >thing",
        once="a file that holds no CR stays as it is",
    ),
    "git config --global core.autocrlf input": Trial('[ "$(git config --global core.autocrlf)" = input ]'),
    "git config --global http.version HTTP/1.1": Trial('[ "$(git config --global http.version)" = HTTP/1.1 ]'),
    "git config --global --add safe.directory FOLDER": Trial(
        "git config --global --get-all safe.directory | grep -qx FOLDER"
    ),
    "sudo ip link set dev eth0 mtu 1400": Trial("ip link show eth0 | grep -q 'mtu 1400'"),
    "sudo mkdir -p /mnt/d && sudo mount -t drvfs D: /mnt/d": Trial("mountpoint -q /mnt/d"),
    "sudo mount -a": Trial("mountpoint -q /mnt/e"),
    "sudo reboot": Trial("[ -e /var/lib/reboot.asked ]"),
    "sudo service docker restart": Trial("grep -qx running /var/lib/docker.state"),
    "sudo service docker start": Trial("grep -qx running /var/lib/docker.state"),
    "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml": Trial("[ -s /etc/cdi/nvidia.yaml ]"),
    "sudo nvidia-ctk runtime configure --runtime=docker": Trial("grep -q nvidia /etc/docker/daemon.json"),
    "docker export CONTAINER -o rootfs.tar": Trial("[ -s rootfs.tar ]"),
    "ls -l /dev/dxg": Trial("true", "touch /dev/dxg"),
    "[ -e /tmp/.X11-unix/X0 ] || sudo ln -s /mnt/wslg/.X11-unix/X0 /tmp/.X11-unix/X0": Trial(
        "[ -e /tmp/.X11-unix/X0 ]", "mkdir -p /tmp/.X11-unix /mnt/wslg/.X11-unix && touch /mnt/wslg/.X11-unix/X0"
    ),
    "ls /.dockerenv": Trial("true", "touch /.dockerenv"),
    "ls /mnt; mount | grep -E 'drvfs|9p'": Trial("true", "mkdir /mnt/d && mount -t drvfs D: /mnt/d"),
}

UNDONE = {
    'sudo mv /etc/resolv.conf.before /etc/resolv.conf && sudo env "PATH=$PATH" dreamrig setting --undo wsl.conf': (
        "grep -qx 'nameserver 172.20.0.1' /etc/resolv.conf && printf '[boot]\\nsystemd=false' | cmp - /etc/wsl.conf"
    ),
    "python -m pip install --upgrade pip": pip_has("pip", "99.0"),
    'sudo env "PATH=$PATH" dreamrig setting --undo wsl.conf': "printf '[boot]\\nsystemd=false' | cmp - /etc/wsl.conf",
    "dreamrig setting --undo .wslconfig": "printf '[wsl2]\\nmemory=8GB\\n' | cmp - ~/.wslconfig",
    "conda init --reverse bash": "printf 'export DISPLAY=:0\\n' | cmp - ~/.bashrc",
    "mv checkpoints/NAME.broken checkpoints/NAME": "[ -e checkpoints/model.ckpt ]",
    "mv my_NAME.py NAME.py": "[ -e thing.py ]",
    "mv ~/.cache/clip.broken ~/.cache/clip": "[ -e ~/.cache/clip/ViT-B-32.pt ]",
    "python -m pip install --upgrade numpy": pip_has("numpy", "2.4.0"),
    "python -m pip install --upgrade setuptools": pip_has("setuptools", "82.0.0"),
    "python -m pip install torch==OLD-VERSION torchvision==OLD-VERSION": TORCH_IS_OLD,
    "python -m pip uninstall NAME": f"! {pip_has('thing')}",
    "python -m pip uninstall -y clip && python -m pip install clip": pip_has("clip", "0.2.0"),
    "python -m pip uninstall taming-transformers": "! python -c 'import taming' 2>/dev/null",
    "rm -r .venv": "[ ! -e .venv ]",
    "sudo apt-get remove python3-venv": absent("python3-venv"),
    "sudo apt-get remove cuda-keyring": absent("cuda-keyring"),
    "sudo apt-get install nvidia-container-toolkit=OLD_VERSION": "dpkg-query -W nvidia-container-toolkit | grep -q 1.16.0",
    "sed -i '\\#/usr/lib/wsl/lib:#d' ~/.bashrc": "! grep -q wsl/lib ~/.bashrc",
    "sed -i '\\#HOME/.local/bin#d' ~/.bashrc": "! grep -q HOME/.local/bin ~/.bashrc",
    "sed -i 's/$/\\r/' NAME": "printf 'a\\r\\nb\\r\\n' | cmp - thing",
    "git config --global --unset core.autocrlf": '[ -z "$(git config --global core.autocrlf)" ]',
    "git config --global --unset http.version": '[ -z "$(git config --global http.version)" ]',
    "git config --global --unset-all safe.directory FOLDER": '[ -z "$(git config --global --get-all safe.directory)" ]',
    "sed -i '\\#PATH:/usr/lib/wsl/lib#d' ~/.bashrc": "! grep -q wsl/lib ~/.bashrc",
    "sudo ip link set dev eth0 mtu 1500": "ip link show eth0 | grep -q 'mtu 1500'",
    "sudo nvidia-ctk runtime configure --runtime=docker --disable": "! grep -q nvidia /etc/docker/daemon.json",
    "sudo rm /etc/binfmt.d/WSLInterop.conf": "[ ! -e /etc/binfmt.d/WSLInterop.conf ]",
    "sudo gpasswd -d $USER docker": "! id -nG me | grep -qw docker",
    "mv .venv.before .venv": "[ -e .venv ]",
    "mv ~/.vscode-server.before ~/.vscode-server": "[ -e ~/.vscode-server ]",
    "sudo rm /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig": f"! ldconfig -p | grep -q {WSL_LIBRARIES}",
}
"""Command that takes another one back -> what is as before then."""
