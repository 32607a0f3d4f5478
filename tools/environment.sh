#!/bin/sh
# Make the course's environment in .venv when it is missing or out of date, then run the given command in it:
#     sh tools/environment.sh python -m pytest
# uv makes it if present, else venv and pip, with the newest Python on the PATH that works.
set -eu

CDPATH='' cd -- "$(dirname -- "$0")/.."
root=$(pwd -P)
venv=$root/.venv
lock=$root/.venv-being-made
# Written last, so that an interrupted install leaves none. It holds what was installed and where: a new lock, or a
# renamed folder (scripts and the editable install keep absolute paths), makes a new environment.
stamp=$venv/installed

# What a machine may have set for other projects must not reach this one. Without compiled bytecode each kernel would
# start twice as slowly.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME PYTHONSTARTUP VIRTUAL_ENV
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_DISABLE_PIP_VERSION_CHECK=1

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

wanted() { printf '%s\n' "$root"; cat requirements.txt; }
ready() { [ -f "$stamp" ] && wanted | cmp -s - "$stamp" && "$venv/bin/python" -c '' 2>/dev/null; }

# Set `python` to the newest Python 3.11 to 3.14 that runs and can make environments ('' if there is none),
# `incomplete` to one that lacks venv, and `too_old` to what else was found. Every candidate is started: a pyenv shim
# may exist and fail.
find_python() {
    python='' incomplete='' too_old='' newest=0
    saved_ifs=$IFS
    IFS=:
    set -f
    for directory in $PATH; do
        [ "$directory" != "$venv/bin" ] || continue
        for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
            candidate=$directory/$name
            [ -x "$candidate" ] || continue
            found=$("$candidate" -c '
import importlib.util, sys
able = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print("%d %d %s %d.%d" % (sys.version_info[:2] + (able,) + sys.version_info[:2]))' 2>/dev/null) || continue
            minor=${found#3 }
            minor=${minor%% *}
            case $found in
                3\ 1[1-4]\ True*) if [ "$minor" -gt "$newest" ]; then python=$candidate newest=$minor; fi ;;
                3\ 1[1-4]\ *) incomplete=${incomplete:-$candidate} ;;
                *) too_old="${too_old:+$too_old, }${found##* } ($candidate)" ;;
            esac
        done
    done
    set +f
    IFS=$saved_ifs
}

with_uv() {
    # uv needs neither venv nor ensurepip, and can fetch a Python where there is none.
    uv venv --quiet --python "${python:-${incomplete:->=3.11,<3.15}}" "$venv" 2>"$lock/log" || {
        [ -n "$python$incomplete" ] && cat "$lock/log" >&2
        return 1
    }
    uv pip install --quiet --python "$venv/bin/python" --compile-bytecode -r requirements.txt -e .
}

with_pip() {
    # Joined by &&, since `set -e` does not hold in a function whose result is asked for.
    "$python" -m venv "$venv" &&
        "$venv/bin/python" -m pip install --quiet --require-hashes -r requirements.txt &&
        "$venv/bin/python" -m pip install --quiet --no-deps -e .
}

make_environment() {
    find_python
    if uv --version >/dev/null 2>&1; then installer=uv; else installer=pip; fi
    if [ -z "$python" ] && [ $installer = pip ]; then
        [ -z "$incomplete" ] || die "$incomplete cannot make environments: run 'apt install python3-venv' (Debian, Ubuntu), or install uv, and try again."
        die "The course needs Python 3.11 to 3.14; found here: ${too_old:-none}. Install one of these, or uv, and try again."
    fi
    say "Making the environment in .venv with $installer: about half a minute with uv, two minutes with pip, this once."
    rm -rf "$venv"
    if ! "with_$installer"; then
        [ -n "$python$incomplete" ] || die "The course needs Python 3.11 to 3.14; found here: ${too_old:-none}, and uv could not fetch one. Install one of these and try again."
        die "The environment could not be made; the cause stands above. Mend it and run the same command again."
    fi
    # Else the first notebook would make matplotlib's font cache, and print that it does so.
    MPLCONFIGDIR=$venv/matplotlib "$venv/bin/python" -c 'import matplotlib.font_manager'
    wanted >"$stamp"
}

if ! ready; then
    # Two commands in two terminals must not make it at once: the second waits. A lock whose maker is gone is void.
    refused=0
    until mkdir "$lock" 2>/dev/null; do
        if [ -d "$lock" ]; then refused=0; else refused=$((refused + 1)); fi
        [ $refused -lt 3 ] || die "Cannot write to $root: free some space, or clone the course into a folder of your own."
        sleep 1
        kill -0 "$(cat "$lock/pid" 2>/dev/null)" 2>/dev/null || rm -rf "$lock"
    done
    echo $$ >"$lock/pid"
    trap 'rm -rf "$lock"' EXIT
    trap 'exit 130' INT TERM HUP
    ready || make_environment
    rm -rf "$lock"
    trap - EXIT INT TERM HUP
fi

[ $# -gt 0 ] || exit 0
export MPLCONFIGDIR="$venv/matplotlib" PATH="$venv/bin:$PATH"
exec "$@"
