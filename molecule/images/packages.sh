#!/bin/sh
# Install what a VPS provider's image has, by whichever package manager there is, and leave nothing of that behind.
set -eu

common="ca-certificates openssh-server python3 sudo systemd"
if [ -x /usr/bin/apt-get ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  # shellcheck disable=SC2086 # words, not one name
  apt-get install --yes --no-install-recommends $common dbus dbus-user-session iproute2 libpam-systemd systemd-sysv
  apt-get clean
  rm -rf /var/lib/apt/lists/*
elif [ -x /usr/bin/dnf ]; then
  # shellcheck disable=SC2086
  dnf install --assumeyes --setopt=install_weak_deps=False $common dbus iproute systemd-pam util-linux
  dnf clean all
elif [ -x /usr/bin/zypper ]; then
  # shellcheck disable=SC2086
  zypper --non-interactive install --no-recommends $common dbus-1 iproute2 python312 shadow util-linux
  zypper clean --all
elif [ -x /usr/bin/pacman ]; then
  pacman -Syu --noconfirm ca-certificates iproute2 openssh python sudo systemd
  pacman -Scc --noconfirm
fi
# Where they are made at the first boot only.
ssh-keygen -A
