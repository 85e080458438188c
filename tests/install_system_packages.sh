#!/usr/bin/env bash
# Installs the Debian packages that the tests need: a browser for the results page, dcm2niix, and
# LaTeX with booktabs and siunitx for the tables (some 135 MB, without recommended packages).
set -euo pipefail
packages=(chromium dcm2niix texlive-latex-recommended texlive-science)
missing=()
for package in "${packages[@]}"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
