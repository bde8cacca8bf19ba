#!/usr/bin/env bash
# The benchmark of `vouch compare`, run by script/bench, which builds and
# installs what it needs. One pair of servers at a time, warm, over sockets.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}/release
vouch=$target/vouch

rows=1000000 tables=4 big=10 repeats=3 load_seconds=30 flavors=() measures=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) rows=100000 big=3 load_seconds=8 ;;
    --repeats) repeats=$2; shift ;;
    speed | drift | size | throughput) measures+=("$1") ;;
    mysql | mariadb) flavors+=("$1") ;;
    *) echo "bench: unknown word '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#flavors[@]} -gt 0 ] || flavors=(mysql mariadb)
[ ${#measures[@]} -gt 0 ] || measures=(speed drift size throughput)

scratch=$(mktemp -d "${TMPDIR:-/tmp}/vouch-bench-XXXXXX")
pair_input='' looping=''
finish() {
  trap '' INT TERM
  if [ -n "$looping" ]; then kill "$looping" 2>/dev/null || true; fi
  stop_pair
  rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

say() { printf 'bench: %s\n' "$*" >&2; }
calc() { awk "BEGIN {printf \"%.2f\\n\", $1}"; }
median() { sort -n | awk '{v[NR] = $1} END {print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
now() { echo "${EPOCHREALTIME/,/.}"; }

# seconds COMMAND…: how long it took. What it says goes to a log that is shown when it fails badly.
seconds() {
  local from status=0
  from=$(now)
  "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  local to; to=$(now)
  # 1 is "differences found", for vouch; pt-table-checksum has a bit mask, where 16 is "differences" too.
  case $status in
    0 | 1 | 16) ;;
    *) say "exit $status: $*"; tail -n 20 "$scratch/err" "$scratch/out" >&2; exit 1 ;;
  esac
  calc "$to - $from"
}

# ---- the servers

start_pair() {
  coproc PAIR { exec "$target/examples/pair" "$1" 3072; }
  pair_input=${PAIR[1]}
  local line
  while read -r line <&"${PAIR[0]}"; do
    [ "$line" = ready ] && return 0
    declare -g "$line"
  done
  say "no pair of $1"; exit 1
}

stop_pair() {
  [ -n "$pair_input" ] || return 0
  exec {pair_input}>&-
  pair_input=''
  wait "$PAIR_PID" 2>/dev/null || true
}

sql() { mariadb --no-defaults -u root -S "$1" -N -e "$2"; }
on_source() { sql "$SOURCE_SOCKET" "$1"; }
on_replica() { sql "$REPLICA_SOCKET" "SET SESSION sql_log_bin=0; $1"; }

in_sync() {
  local set
  if [ "$flavor" = mysql ]; then
    set=$(on_source 'SELECT @@GLOBAL.gtid_executed' | tr -d '\n' | sed 's/\\n//g')
    sql "$REPLICA_SOCKET" "SELECT WAIT_FOR_EXECUTED_GTID_SET('$set', 600)" >/dev/null
  else
    set=$(on_source 'SELECT @@GLOBAL.gtid_binlog_pos')
    sql "$REPLICA_SOCKET" "SELECT MASTER_GTID_WAIT('$set', 600)" >/dev/null
  fi
}

bench_load() {
  sysbench "$1" --mysql-socket="$SOURCE_SOCKET" --mysql-user=root --mysql-db=sb --tables=$tables --table-size="$rows" \
    --threads="$2" "${@:3}"
}

seed() {
  say "$flavor: seeding $tables tables of $rows rows"
  on_source 'CREATE DATABASE sb'
  bench_load oltp_read_write 2 prepare >"$scratch/sysbench.log" || { tail "$scratch/sysbench.log" >&2; exit 1; }
  in_sync
}

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
  local socket workers=()
  for socket in "$SOURCE_SOCKET" "$REPLICA_SOCKET"; do
    "$scratch/read_rows" "$socket" "$@" &
    workers+=($!)
  done
  wait "${workers[0]}" && wait "${workers[1]}"
}

compare() { "$vouch" compare "${both_sides[@]}" "$@"; }

pt_setup() {
  on_source 'CREATE DATABASE IF NOT EXISTS percona'
  in_sync
  on_source "SET SESSION sql_log_bin=0; CREATE TABLE percona.dsns (id INT PRIMARY KEY, parent_id INT, dsn VARCHAR(255));
    INSERT INTO percona.dsns VALUES (1, NULL, 'h=localhost,S=$REPLICA_SOCKET,u=root')"
}

# Its own defaults; the replica is named because its port is not 3306, and the
# check that is left out is about replicas of the replica. It knows MariaDB by
# `version_comment`, where Debian's says nothing of the kind: so it is told.
pt() {
  perl "$scratch/pt-$flavor" "h=localhost,S=$SOURCE_SOCKET,u=root" --databases sb \
    --recursion-method=dsn=D=percona,t=dsns --no-check-binlog-format
}

row() { printf '| %s | %s | %s | %s | %s |\n' "$label" "$1" "$2" "$3" "$4"; }
# verdict VALUE OPERATOR LIMIT: "yes" or "no".
verdict() { awk "BEGIN {print ($1 $2 $3) ? \"yes\" : \"no\"}"; }

speed() {
  say "$flavor: $repeats repeats of vouch, pt-table-checksum and plain reading"
  local repeat v p r atleast
  read_rows sb $(table_names) >/dev/null
  : >"$scratch/v"; : >"$scratch/p"; : >"$scratch/r"
  for ((repeat = 0; repeat < repeats; repeat++)); do
    seconds compare --databases sb >>"$scratch/v"
    seconds pt >>"$scratch/p"
    seconds read_rows sb $(table_names) >>"$scratch/r"
  done
  v=$(median <"$scratch/v") p=$(median <"$scratch/p") r=$(median <"$scratch/r")
  atleast=5; [ "$flavor" = mysql ] || atleast=4
  say "vouch $v s, pt-table-checksum $p s, reading $r s"
  row "faster than pt-table-checksum" "$(calc "$p / $v")× ($v s : $p s)" "at least $atleast×" "$(verdict "$p / $v" '>=' $atleast)"
  row "time against reading the rows" "$(calc "$v / $r")× ($v s : $r s)" "at most 1.5×" "$(verdict "$v / $r" '<=' 1.5)"
}

# Peak resident memory in MB of one comparison: the kernel's own high-water
# mark, read until the process is gone.
peak_mb() {
  "$vouch" compare "${both_sides[@]}" "$@" >/dev/null 2>&1 &
  local process=$! peak=0 seen
  while seen=$(awk '/VmHWM/ {print $2}' "/proc/$process/status" 2>/dev/null) && [ -n "$seen" ]; do
    peak=$seen
    sleep 0.02
  done
  wait "$process" || true
  calc "$peak / 1024"
}

size() {
  seed_big
  "$scratch/read_rows" "$SOURCE_SOCKET" big rows1 >/dev/null & "$scratch/read_rows" "$REPLICA_SOCKET" big rows1 >/dev/null
  wait $!
  say "$flavor: memory and time at $rows and $((rows * big)) rows"
  local small large short long repeat ratio
  : >"$scratch/a"; : >"$scratch/b"
  for ((repeat = 0; repeat < repeats; repeat++)); do
    seconds compare --tables sb.sbtest1 >>"$scratch/a"
    seconds compare --tables big.rows1 >>"$scratch/b"
  done
  short=$(median <"$scratch/a") long=$(median <"$scratch/b")
  small=$(peak_mb --tables sb.sbtest1) large=$(peak_mb --tables big.rows1)
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

# loop COMMAND…: again and again in the background, until unloop.
loop() {
  ( trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
    while :; do "$@" >/dev/null 2>&1 & wait $!; done ) &
  looping=$!
}
unloop() { kill "$looping" 2>/dev/null || true; wait "$looping" 2>/dev/null || true; looping=''; }

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

cp "$VOUCH_PT_TABLE_CHECKSUM" "$scratch/pt-mysql"
sed "s/delete \$query->{version_comment}/'MariaDB'/" "$VOUCH_PT_TABLE_CHECKSUM" >"$scratch/pt-mariadb"
gcc -O2 -o "$scratch/read_rows" "$here/read_rows.c" $(mariadb_config --cflags --libs)
results=$scratch/results
for flavor in "${flavors[@]}"; do
  start_pair "$flavor"
  label="$flavor $VERSION"
  both_sides=(--source "S=$SOURCE_SOCKET,u=root" --replica "S=$REPLICA_SOCKET,u=root" --state-dir "$scratch/state")
  seed
  pt_setup
  for measure in "${measures[@]}"; do $measure | tee -a "$results" >&2; done
  stop_pair
done
printf '| server | figure | measured | target | target met |\n|---|---|---|---|---|\n'
cat "$results"
