# A guest of WSL as it matters to the commands: made once, inside the throw-away root, over this machine.
# Variables: REPO, PREFIX (the environment that runs the tests), PYTHON (its interpreter), FILES (this folder).
set -eu
umask 022
mkdir -p /usr/lib/wsl/lib /mnt/c/Windows/System32/WindowsPowerShell/v1.0 /mnt/wslg /tmp/.X11-unix \
    /home/me/.cache/clip /home/me/.cache/pip /srv/wheels /srv/apt/pool /srv/git /home/me/work/checkpoints /etc/cdi

# What stands in for tools that are not here, or that would reach through to this machine.
for name in $("$PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1]); import tools; print(*tools.TOOLS)' "$FILES/stand_ins"); do
    { echo "#!$PYTHON" && cat "$FILES/stand_ins/tools.py"; } >"/usr/local/sbin/$name"
    chmod +x "/usr/local/sbin/$name"
done
install "$FILES/stand_ins/sudo" /usr/local/sbin/sudo
ln -s /usr/local/sbin/mount.drvfs /sbin/mount.drvfs
cp /usr/local/sbin/nvidia-smi /usr/lib/wsl/lib/nvidia-smi
cp /usr/local/sbin/powershell.exe /mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe
hash -r

# WSL's side of Linux: the driver's libraries (with nothing in them), its settings, its display.
for library in libcuda.so libcuda.so.1 libcuda.so.1.1; do # a small library, under a name as long as its own
    sed 's/libutil\.so\.1/libcuda.so.1/g' "$(ldconfig -p | awk '/libutil\.so\.1/ { print $NF; exit }')" >"/usr/lib/wsl/lib/$library"
done
printf '[boot]\nsystemd=false' >/etc/wsl.conf # without a line end, as editors of Windows leave it
printf 'tmpfs /mnt/e tmpfs defaults 0 0\n' >/etc/fstab
mkdir -p /mnt/e
printf '127.0.0.1 localhost\n140.82.112.3 github.com\n' >/etc/hosts
rm -f /etc/resolv.conf && printf 'nameserver 172.20.0.1\n' >/etc/resolv.conf
printf 'export DISPLAY=:0\n' >/home/me/.bashrc
printf '# nothing\n' >/home/me/.profile
printf '[wsl2]\nmemory=8GB\n' >/home/me/.wslconfig
echo old >/home/me/.cache/clip/ViT-B-32.pt

# A distribution without any package, and a repository with those that the commands name: empty ones, real apt and dpkg.
"$PYTHON" "$FILES/packages.py" debs /srv/apt/pool
(cd /srv/apt && dpkg-scanpackages --multiversion pool >Packages 2>/dev/null)
rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /var/lib/apt/lists/* /var/lib/dpkg/info/* /var/lib/apt/extended_states
: >/var/lib/dpkg/status
echo 'deb [trusted=yes] file:/srv/apt ./' >/etc/apt/sources.list
printf 'APT::Sandbox::User "root";\n' >/etc/apt/apt.conf.d/99throwaway
rm -f /etc/apt/apt.conf.d/*snapshot* /etc/apt/apt.conf.d/*upgrades*
apt-get -qq update

# Python's packages, as small as can be, in a folder that pip finds them in; repositories that git is led to.
"$PYTHON" "$FILES/packages.py" wheels /srv/wheels
"$PYTHON" "$FILES/packages.py" sources /srv/git
for folder in /srv/git/*/*; do
    git init -q "$folder"
    git -C "$folder" add .
    git -C "$folder" -c user.name=x -c user.email=x@example.org commit -q -m x
done
git config --system --add safe.directory '*'
git config --system url.file:///srv/git/.insteadOf https://github.com/
"$PYTHON" -m venv /home/me/venv
export PIP_NO_INDEX=1 PIP_FIND_LINKS=/srv/wheels PIP_CONFIG_FILE=/dev/null PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_COMPILE=1
/home/me/venv/bin/python -m pip install -q torch==2.9.0 torchvision==0.24.0 numpy==2.1.0 setuptools==82.0.0 clip==0.2.0

# The checkout, as ./rig leaves it.
[ -e "$REPO/.venv" ] || ln -s "$PREFIX" "$REPO/.venv"
mkdir -p "$REPO/.venv/.dreamrig"
printf '%s %s\n' "$(cksum <"$REPO/pyproject.toml")" "$REPO" >"$REPO/.venv/.dreamrig/project"

cd /home/me/work
printf 'import os\nprint(sorted(name for name in os.environ if name.startswith(("CUDA", "LD_", "TORCH"))))\n' >program.py
cp program.py generate.py
echo 'x = 1' >thing.py
echo '<html>' >checkpoints/model.ckpt
tar -cf rootfs.tar program.py
truncate -s 8M /srv/disk.img
mkfs.ext4 -q -F /srv/disk.img
