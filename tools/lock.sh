#!/bin/sh
# Make the lock anew from pyproject.toml: requirements.txt with hashes, and the same pins without hashes for conda.
# Pins that still fit are kept; `make lock ARGS=--upgrade` takes the newest of all. Needs uv.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")/.."
uv --version >/dev/null 2>&1 || { echo "make lock needs uv: run 'pip install uv' and try again." >&2; exit 1; }

# --universal: one lock for all platforms and for 3.11 and later, told apart by markers. No index or local folder of
# the machine that made it may get into it.
uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet "$@" -o requirements.txt

# pip refuses what has no hash (this repository) beside what has one, and conda calls pip once with all lines.
{
    echo "# Made by 'make lock': requirements.txt without its hashes, for environment.yml."
    sed -n 's/^\([a-z0-9][^ ]*==.*[^ ]\) \\$/\1/p' requirements.txt
} >tools/constraints.txt
