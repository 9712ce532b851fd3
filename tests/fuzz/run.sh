#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs fuzzers one after the other, each on a fresh copy of its seeds: all files under
# tests/data/NAME for build/fuzz/fuzz_NAME. What makes one crash is left in build/fuzz.
#
# usage: run.sh SECONDS FUZZER...
#
# Prints one closing line per fuzzer; fails if one of them crashed.
set -eu

if [ $# -lt 2 ]; then
    echo "usage: $0 SECONDS FUZZER..." >&2
    exit 2
fi
seconds=$1
shift
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$root/build/fuzz"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

for fuzzer in "$@"; do
    name=$(basename "$fuzzer")
    name=${name#fuzz_}
    corpus=$work/$name
    log=$root/build/fuzz/$name.log
    mkdir -p "$corpus"
    # Files of the same name in different folders are all seeds.
    seeds=0
    if [ -d "$root/tests/data/$name" ]; then
        find "$root/tests/data/$name" -type f >"$work/seeds"
        while IFS= read -r seed; do
            seeds=$((seeds + 1))
            cp "$seed" "$corpus/seed-$seeds"
        done <"$work/seeds"
    fi
    if "$fuzzer" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$root/build/fuzz/$name-" "$corpus" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "fuzz $name: ok, $runs runs in $seconds s from $seeds seeds"
    else
        grep -E 'ERROR|SUMMARY|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
        echo "fuzz $name: FAILED, see build/fuzz/$name.log"
        failed=1
    fi
done
exit $failed
