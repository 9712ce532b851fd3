#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a fuzzer. build/fuzz/fuzz_NAME is seeded from all files under tests/data/NAME, and goes on where
# the last run has left off: what it finds of interest is kept in build/fuzz/corpus/NAME, and what makes
# it crash in build/fuzz.
#
# usage: run.sh SECONDS FUZZER
#
# Prints one closing line; fails if it crashed, or found no seeds.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 SECONDS FUZZER" >&2
    exit 2
fi
seconds=$1
fuzzer=$2
root=$(cd "$(dirname "$0")/../.." && pwd)
name=$(basename "$fuzzer")
name=${name#fuzz_}
seeds=$root/tests/data/$name
corpus=$root/build/fuzz/corpus/$name
log=$root/build/fuzz/$name.log

mkdir -p "$corpus"
if "$fuzzer" -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="$root/build/fuzz/$name-" "$corpus" "$seeds" \
    >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    count=$(find "$seeds" -type f | wc -l)
    kept=$(find "$corpus" -type f | wc -l)
    echo "fuzz $name: ok, $runs runs in $seconds s from $count seeds, $kept inputs kept"
else
    grep -E 'ERROR|SUMMARY|Test unit written' "$log" >&2 || tail -n 20 "$log" >&2
    echo "fuzz $name: FAILED, see build/fuzz/$name.log"
    exit 1
fi
