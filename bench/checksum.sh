#!/usr/bin/env bash
# The benchmark of `vouch checksum`, run by script/bench, which builds and
# installs what it needs. One pair of servers at a time, warm, over sockets:
# vouch and pt-table-checksum take turns on the same tables, each with its
# default options, while the lag of the replica is sampled.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}/release
vouch=$target/vouch

rows=1000000 tables=4 repeats=3 flavors=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) rows=100000 ;;
    --repeats) repeats=$2; shift ;;
    mysql | mariadb) flavors+=("$1") ;;
    *) echo "bench: unknown word '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#flavors[@]} -gt 0 ] || flavors=(mysql mariadb)
. "$here/common.sh"

vouch_checksum() { "$vouch" checksum "${both_sides[@]}" --databases sb --replicate percona."${1:-vouch}" --quiet "${@:2}"; }
same_values() { vouch_checksum same --function crc32-percona; }

# Ten times a second, until the sampling is over, in one session: a client for each
# would take a fifth of a core, from programs that keep both busy.
often() {
  while [ -e "$scratch/sampling" ]; do printf '%s;\n' "$2"; sleep 0.1; done |
    mariadb --no-defaults -u root -S "$1" -N --unbuffered
}

# Samples how far the replica is behind, in milliseconds: a row that the source
# stamps ten times a second, through the same replication.
sample_lag() {
  often "$SOURCE_SOCKET" 'REPLACE INTO percona.beat VALUES (1, NOW(3))' &
  often "$REPLICA_SOCKET" \
    'SELECT GREATEST(0, ROUND(TIMESTAMPDIFF(MICROSECOND, at, NOW(3)) / 1000) - 100) FROM percona.beat'
  wait
}

# with_lag FILE COMMAND…: appends the seconds it took to FILE and the greatest lag to FILE.lag.
with_lag() {
  local file=$1; shift
  on_source 'REPLACE INTO percona.beat VALUES (1, NOW(3))'
  in_sync
  touch "$scratch/sampling"
  sample_lag >"$scratch/lag" &
  local sampler=$!
  seconds "$@" >>"$file"
  in_sync
  rm "$scratch/sampling"
  wait "$sampler"
  sort -n "$scratch/lag" | tail -1 >>"$file.lag"
}

greatest() { sort -n "$1" | tail -1; }

# chunk_times TABLE: chunks, and the median and greatest of their times in seconds.
chunk_times() {
  on_source "SELECT chunk_time FROM percona.$1 WHERE db = 'sb' AND this_cnt > 0" | sort -n |
    awk '{v[NR] = $1} END {printf "%d chunks of %.2f s, at most %.2f s", NR, v[int((NR + 1) / 2)], v[NR]}'
}

speed() {
  local repeat v p ratio lag_v lag_p rate
  vouch_checksum >/dev/null; same_values >/dev/null; pt >/dev/null || true
  rm -f "$scratch"/{v,p,s}{,.lag}
  for ((repeat = 0; repeat < repeats; repeat++)); do
    with_lag "$scratch/v" vouch_checksum
    with_lag "$scratch/p" pt
    with_lag "$scratch/s" same_values
  done
  v=$(median <"$scratch/v") p=$(median <"$scratch/p") ratio=$(calc "$p / $v")
  lag_v=$(greatest "$scratch/v.lag") lag_p=$(greatest "$scratch/p.lag")
  rate() { awk "BEGIN {printf \"%.0f\", $rows * $tables / $1 / 1000}"; }
  row "faster than pt-table-checksum" "$ratio× ($v s : $p s)" "at least 1.5×" "$(verdict "$ratio" '>=' 1.5)"
  row "… with its values (--function crc32-percona)" "$(calc "$p / $(median <"$scratch/s")")×" "" ""
  row "thousand rows a second" "$(rate "$v") : $(rate "$p")" "" ""
  row "chunks" "$(chunk_times vouch) : $(chunk_times checksums)" "" ""
  row "greatest lag of the replica" "$lag_v ms : $lag_p ms" "no more" "$(verdict "$lag_v" '<=' "$lag_p + 100")"
}

# ---- the run

provide_pt
results=$scratch/results
for flavor in "${flavors[@]}"; do
  start_pair "$flavor"
  label="$flavor $VERSION"
  both_sides=(--source "$(address "$SOURCE_PORT")" --replica "$(address "$REPLICA_PORT")")
  seed
  pt_setup
  on_source 'CREATE TABLE percona.beat (id INT PRIMARY KEY, at DATETIME(3) NOT NULL)'
  in_sync
  say "$flavor: $repeats repeats of vouch checksum and pt-table-checksum"
  speed | tee -a "$results" >&2
  stop_pair
done
printf '| server | figure | vouch : pt-table-checksum | target | target met |\n|---|---|---|---|---|\n'
cat "$results"
