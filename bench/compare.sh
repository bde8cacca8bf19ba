#!/usr/bin/env bash
# The benchmark of `vouch compare`, run by script/bench, which builds and
# installs what it needs. One pair of servers at a time, warm, over TCP and TLS.
#
# --before BINARY races an earlier build of vouch in the same turns.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}/release
vouch=$target/vouch

rows=1000000 tables=4 big=10 repeats=3 load_seconds=30 before='' flavors=() measures=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) rows=100000 big=3 load_seconds=8 ;;
    --repeats) repeats=$2; shift ;;
    --before) before=$2; shift ;;
    speed | drift | size | throughput) measures+=("$1") ;;
    mysql | mariadb) flavors+=("$1") ;;
    *) echo "bench: unknown word '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#flavors[@]} -gt 0 ] || flavors=(mysql mariadb)
[ ${#measures[@]} -gt 0 ] || measures=(speed drift size throughput)
. "$here/common.sh"

# A table of $big times as many rows, put on both servers without the binary log.
seed_big() {
  say "$flavor: seeding a table of $((rows * big)) rows"
  local socket part workers=()
  for socket in "$SOURCE_SOCKET" "$REPLICA_SOCKET"; do
    {
      sql "$socket" 'SET SESSION sql_log_bin=0; CREATE DATABASE big; CREATE TABLE big.rows1 LIKE sb.sbtest1; ALTER TABLE big.rows1 DROP KEY k_1'
      for ((part = 0; part < big; part++)); do
        sql "$socket" "SET SESSION sql_log_bin=0; INSERT INTO big.rows1 SELECT id + $part * $rows, k, c, pad FROM sb.sbtest1"
      done
    } &
    workers+=($!)
  done
  wait "${workers[@]}"
}

# ---- what is measured

table_names() { local n; for ((n = 1; n <= tables; n++)); do echo "sbtest$n"; done; }

read_rows() {
  local port workers=()
  for port in "$SOURCE_PORT" "$REPLICA_PORT"; do
    "$scratch/read_rows" "$port" "$@" &
    workers+=($!)
  done
  wait "${workers[0]}" && wait "${workers[1]}"
}

compare() { "$vouch" compare "${both_sides[@]}" "$@"; }
compare_before() { "$before" compare "${both_sides[@]}" "$@"; }

speed() {
  say "$flavor: $repeats repeats of vouch, pt-table-checksum and plain reading"
  local repeat v p r atleast
  read_rows sb $(table_names) >/dev/null
  : >"$scratch/v"; : >"$scratch/p"; : >"$scratch/r"; : >"$scratch/b"
  for ((repeat = 0; repeat < repeats; repeat++)); do
    seconds compare --databases sb >>"$scratch/v"
    [ -z "$before" ] || seconds compare_before --databases sb >>"$scratch/b"
    seconds pt >>"$scratch/p"
    seconds read_rows sb $(table_names) >>"$scratch/r"
  done
  v=$(median <"$scratch/v") p=$(median <"$scratch/p") r=$(median <"$scratch/r")
  atleast=5; [ "$flavor" = mysql ] || atleast=4
  say "vouch $v s, pt-table-checksum $p s, reading $r s"
  row "faster than pt-table-checksum" "$(calc "$p / $v")× ($v s : $p s)" "at least $atleast×" "$(verdict "$p / $v" '>=' $atleast)"
  row "time against reading the rows" "$(calc "$v / $r")× ($v s : $r s)" "at most 1.5×" "$(verdict "$v / $r" '<=' 1.5)"
  [ -n "$before" ] || return 0
  # Of the ratios within a turn, since the machine's own speed changes from turn to turn.
  p=$(paste "$scratch/v" "$scratch/b" | awk '{print $1 / $2}' | median)
  row "time against the earlier build" "$(calc "$p")× ($v s : $(median <"$scratch/b") s)" "at most 1.03×" "$(verdict "$p" '<=' 1.03)"
}

size() {
  seed_big
  read_rows big rows1 >/dev/null
  say "$flavor: memory and time at $rows and $((rows * big)) rows"
  local small large short long repeat ratio
  : >"$scratch/a"; : >"$scratch/b"
  for ((repeat = 0; repeat < repeats; repeat++)); do
    seconds compare --tables sb.sbtest1 >>"$scratch/a"
    seconds compare --tables big.rows1 >>"$scratch/b"
  done
  short=$(median <"$scratch/a") long=$(median <"$scratch/b")
  small=$(peak_mb compare --tables sb.sbtest1) large=$(peak_mb compare --tables big.rows1)
  ratio=$(calc "$long / $short")
  row "peak memory at $rows rows" "$small MB" "under 150 MB" "$(verdict "$small" '<' 150)"
  row "peak memory at $((rows * big)) rows" "$large MB" "under 150 MB" "$(verdict "$large" '<' 150)"
  row "time at $big× the rows" "$ratio× ($short s : $long s)" "linear: at most $(calc "$big * 1.15")×" "$(verdict "$ratio" '<=' "$big * 1.15")"
  sql "$SOURCE_SOCKET" 'SET SESSION sql_log_bin=0; DROP DATABASE big'
  on_replica 'DROP DATABASE big'
}

# Differing rows in one table, compared alone and among all: two looks are a
# second apart, which weighs more the less there is to read meanwhile.
drift() {
  say "$flavor: differing rows"
  local change='UPDATE sb.sbtest1 SET c = REVERSE(c) WHERE id % 100 = 7' scope words clean drifted found repeat
  for scope in 'its table alone' 'all tables'; do
    words=(--databases sb); [ "$scope" = 'all tables' ] || words=(--tables sb.sbtest1)
    : >"$scratch/a"; : >"$scratch/b"
    for ((repeat = 0; repeat < repeats; repeat++)); do
      seconds compare "${words[@]}" >>"$scratch/a"
      on_replica "$change"
      seconds compare "${words[@]}" --format json >>"$scratch/b"
      found=$(grep -o '"code": *"row-changed"' "$scratch/out" | wc -l)
      on_replica "$change"
    done
    clean=$(median <"$scratch/a") drifted=$(median <"$scratch/b")
    row "time with $((rows / 100)) differing rows ($found found), $scope" "$(calc "$drifted / $clean")× ($clean s : $drifted s)" \
      "less than 2×" "$(verdict "$drifted / $clean" '<' 2)"
  done
}

transactions_per_second() {
  bench_load oltp_read_write 4 --time=$load_seconds run >"$scratch/sysbench.log" 2>&1 ||
    { tail -n 20 "$scratch/sysbench.log" >&2; return 1; }
  sed -n 's/.*transactions:.*(\(.*\) per sec.*/\1/p' "$scratch/sysbench.log"
}

throughput() {
  say "$flavor: sysbench beside vouch and beside pt-table-checksum"
  local free with_vouch with_pt loss_vouch loss_pt
  bench_load oltp_read_write 4 --time=5 run >/dev/null
  free=$(transactions_per_second); in_sync
  loop compare --databases sb
  with_vouch=$(transactions_per_second)
  unloop; in_sync
  free=$( { echo "$free"; transactions_per_second; } | median); in_sync
  loop pt
  with_pt=$(transactions_per_second)
  unloop; in_sync
  free=$( { echo "$free"; transactions_per_second; } | median); in_sync
  loss_vouch=$(calc "100 * (1 - $with_vouch / $free)") loss_pt=$(calc "100 * (1 - $with_pt / $free)")
  row "sysbench throughput lost beside vouch" "$loss_vouch % (pt-table-checksum: $loss_pt %; of $free/s)" "at most half of it" \
    "$(verdict "$loss_vouch" '<=' "$loss_pt / 2")"
}

# ---- the run

provide_pt
gcc -O2 -o "$scratch/read_rows" "$here/read_rows.c" $(mariadb_config --cflags --libs)
results=$scratch/results
for flavor in "${flavors[@]}"; do
  start_pair "$flavor"
  label="$flavor $VERSION"
  both_sides=(--source "$(address "$SOURCE_PORT")" --replica "$(address "$REPLICA_PORT")" --state-dir "$scratch/state")
  seed
  pt_setup
  for measure in "${measures[@]}"; do $measure | tee -a "$results" >&2; done
  stop_pair
done
printf '| server | figure | measured | target | target met |\n|---|---|---|---|---|\n'
cat "$results"
