#!/usr/bin/env bash
# Installs SLURM, munge and MariaDB from Debian's packages for the tests. Nothing is started: the
# tests start daemons of their own (cluster.sh), which know nothing of those in /etc.
set -euo pipefail
packages=(slurm-client slurmctld slurmd slurmdbd slurm-wlm-mysql-plugin munge mariadb-server)
missing=()
for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ "${#missing[@]}" -eq 0 ]; then
    exit 0
fi

# 101 is Debian's word for "do not start this service now".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
