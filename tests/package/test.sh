#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tests/package/test.sh BUILD     Installs the build folder's tune and builds a project outside the tree against it.
set -eu
source=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; exit 1; }
cp "$source/CMakeLists.txt" "$source/main.cpp" "$source/ranks.cpp" "$source/config.json" "$work"
cd "$work"
{ cmake -G Ninja -S . -B build -DCMAKE_PREFIX_PATH="$work/prefix" && cmake --build build; } >>log 2>&1 || { cat log; exit 1; }
./build/outside
./build/ranks
