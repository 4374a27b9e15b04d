# dreamrig guest step: python
# A Python that can make environments. `ask` as anybody, `do` as root.
set -eu

ask() { # prints the command of a Python >= 3.11 with its venv module, or none
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo none
}

get() {
    if ! command -v apt-get >/dev/null; then
        echo 'this distribution has no apt-get; install Python 3.11 or newer with its venv module by hand' >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get -o DPkg::Lock::Timeout=300 update
    apt-get -o DPkg::Lock::Timeout=300 install -y ca-certificates python3 python3-venv
    for version in 3.13 3.12 3.11; do # older releases of Ubuntu carry a newer one beside their own
        if [ "$(ask)" != none ]; then break; fi
        apt-get -o DPkg::Lock::Timeout=300 install -y "python$version" "python$version-venv" || true
    done
    ask
}

case $1 in
ask) ask </dev/null ;;
do) get </dev/null ;;
esac
