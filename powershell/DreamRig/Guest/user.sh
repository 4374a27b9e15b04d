# dreamrig guest step: user
# Who works inside Linux. `ask` runs as the default user, `do NAME` as root.
# The account gets no password: nothing is stored. So sudo asks for none either, as in cloud images of Ubuntu; root is one
# `wsl -u root` away in any case.
set -eu

ask() { # prints who a plain `wsl` starts as
    id -un
}

make() { # NAME; prints the account's name: NAME, or the first person that is there already
    there=$(getent passwd | awk -F: '$3 >= 1000 && $3 < 60000 { print $1; exit }')
    name=${there:-$1}
    if [ -z "$there" ]; then
        useradd --create-home --shell /bin/bash --user-group "$name"
        if getent group sudo >/dev/null; then usermod --append --groups sudo "$name"; fi
        if [ -d "${ROOT-}/etc/sudoers.d" ]; then
            printf '%s ALL=(ALL) NOPASSWD:ALL\n' "$name" >"${ROOT-}/etc/sudoers.d/90-dreamrig"
            chmod 440 "${ROOT-}/etc/sudoers.d/90-dreamrig"
        fi
    fi
    if ! grep -qs '^[[:space:]]*\[user\]' "${ROOT-}/etc/wsl.conf"; then
        printf '\n[user]\ndefault=%s\n' "$name" >>"${ROOT-}/etc/wsl.conf"
    fi
    printf '%s\n' "$name"
}

case $1 in
ask) ask </dev/null ;;
do) make "$2" </dev/null ;;
esac
