#!/usr/bin/env bash
# The benchmark of `vouch validate` and `vouch manifest create`, run by
# script/bench, which builds and installs what it needs. One server at a time,
# warm, over TCP and TLS, and over sockets where it says so. The peer of CHECKSUM TABLE by us is CHECKSUM TABLE by two
# plain clients side by side, each with every other table.
#
# --before BINARY races an earlier build of vouch in the same turns.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}/release
vouch=$target/vouch

rows=50000 tables=50 many=10000 repeats=5 before='' flavors=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) rows=10000 many=2000 ;;
    --repeats) repeats=$2; shift ;;
    --before) before=$2; shift ;;
    mysql | mariadb) flavors+=("$1") ;;
    *) echo "bench: unknown word '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#flavors[@]} -gt 0 ] || flavors=(mysql mariadb)
. "$here/common.sh"

create() { create_with "$vouch" "$1" "$1" "$2"; }
# create_with PROGRAM METHOD NAME TABLES
create_with() {
  "$1" manifest create --server "$address" --cluster bench --out "$scratch/$3.json" --method "$2" \
    --tables "$4" --workers 2 --serial 1 --quiet
}
create_before() { create_with "$before" "$1" "before-$1" 'sb.*'; }
validate_before() {
  validation "before-$1"
  gate[0]=$before
  "${gate[@]}"
}
validate() {
  validation "$1"
  "${gate[@]}"
}
# The command itself, for whoever looks at its process.
validation() {
  gate=("$vouch" validate --server "$address" --manifest "$scratch/$1.json" --allow-unsigned --allow-older
    --state-dir "$scratch/state" --workers 2 --extra ignore --format jsonl --quiet)
}
bare_part() { sql "$SOURCE_SOCKET" "$(seq "$1" 2 $tables | sed 's/.*/CHECKSUM TABLE sb.sbtest&;/')"; }
bare() { bare_part 1 & bare_part 2 & wait; }

# turns COMMAND…: seconds of each in turns, into a file each that has its words joined by dashes for a name.
turns() {
  local repeat command
  for ((repeat = 0; repeat <= repeats; repeat++)); do
    for command in "$@"; do
      # The first turn warms up.
      if [ "$repeat" -eq 0 ]; then seconds $command >/dev/null; else seconds $command >>"$scratch/${command// /-}"; fi
    done
  done
}
took() { median <"$scratch/$1"; }

speed() {
  local ours theirs rows_took
  address=$(address "$SOURCE_PORT"),ssl-mode=required
  turns 'validate checksum-table' bare 'create checksum-table sb.*' 'create row-sha256 sb.*' 'validate row-sha256' \
    'create row-sha256-tree sb.*' 'validate row-sha256-tree'
  versions create '-sb.*' "over TLS"
  versions validate '' "over TLS"
  ours=$(took validate-checksum-table) theirs=$(took bare)
  row "validate, checksum-table: time against the bare statements" "$(calc "$ours / $theirs")× ($ours s : $theirs s)" \
    "at most 1.1×" "$(verdict "$ours / $theirs" '<=' 1.1)"
  ours=$(took 'create-row-sha256-sb.*') theirs=$(took 'create-checksum-table-sb.*')
  row "create: row-sha256 against checksum-table" "$(calc "$ours / $theirs")× ($ours s : $theirs s)" \
    "$([ "$flavor" = mysql ] && echo 'at most 1.3×')" "$([ "$flavor" = mysql ] && verdict "$ours / $theirs" '<=' 1.3)"
  rows_took=$(took validate-row-sha256-tree)
  row "validate, row-sha256-tree: thousand rows a second" "$(awk "BEGIN {printf \"%.0f\", $rows * $tables / $rows_took / 1000}")" "" ""
}

# versions COMMAND SUFFIX HOW: the time of manifest v2 against that of v1.
versions() {
  local ours theirs
  ours=$(took "$1-row-sha256-tree$2") theirs=$(took "$1-row-sha256$2")
  row "$1, $3: manifest v2 against v1" "$(calc "$ours / $theirs")× ($ours s : $theirs s)" "at most 1.0×" \
    "$(verdict "$ours / $theirs" '<=' 1.0)"
}

# The same over a socket, where nothing is encrypted.
speed_socket() {
  address="S=$SOURCE_SOCKET,u=root"
  rm -f "$scratch"/create-row-* "$scratch"/validate-row-*
  turns 'create row-sha256 sb.*' 'validate row-sha256' 'create row-sha256-tree sb.*' 'validate row-sha256-tree'
  versions create '-sb.*' "over a socket"
  versions validate '' "over a socket"
}

# Against the earlier build, by the methods that both know, over TCP and TLS.
earlier() {
  [ -n "$before" ] || return 0
  local method command ratio
  address=$(address "$SOURCE_PORT"),ssl-mode=required
  rm -f "$scratch"/{create,validate}{,_before}-*
  for method in checksum-table row-sha256; do
    turns "create $method sb.*" "create_before $method" "validate $method" "validate_before $method"
    for command in create validate; do
      ratio=$(paste "$scratch/$command-$method"* "$scratch/${command}_before-$method" | awk '{print $1 / $2}' | median)
      row "$command, $method: time against the earlier build" "$(calc "$ratio")×" "at most 1.03×" "$(verdict "$ratio" '<=' 1.03)"
    done
  done
}

make_many() {
  say "$flavor: making $many small tables"
  unlogged 'CREATE DATABASE many'
  local n
  { echo 'SET SESSION sql_log_bin=0; USE many;'
    for ((n = 1; n <= many; n++)); do
      echo "CREATE TABLE t$n (id INT PRIMARY KEY, name VARCHAR(40) NOT NULL, at DATETIME, KEY (name)); INSERT INTO t$n VALUES ($n, 'n', NULL);"
    done; } | mariadb --no-defaults -u root -S "$SOURCE_SOCKET"
}

# own_ms COMMAND…: milliseconds of processor time that it took itself.
own_ms() {
  local TIMEFORMAT='%U %S'
  { time "$@" >"$scratch/out" 2>"$scratch/err"; } 2>&1 | awk '{printf "%.2f\n", ($1 + $2) * 1000}'
}

size() {
  local method spent
  make_many
  for method in checksum-table row-sha256 row-sha256-tree; do
    spent=$(own_ms create $method 'many.*')
    row "create, $method, $many tables: our own time a table" "$(calc "$spent / $many") ms" "under 2 ms" "$(verdict "$spent / $many" '<' 2)"
    spent=$(own_ms validate $method)
    row "validate, $method, $many tables: our own time a table" "$(calc "$spent / $many") ms" "under 2 ms" "$(verdict "$spent / $many" '<' 2)"
    validation $method
    spent=$(peak_mb "${gate[@]}")
    row "… peak memory" "$spent MB" "under 100 MB" "$(verdict "$spent" '<' 100)"
  done
}

# ---- the run

results=$scratch/results
for flavor in "${flavors[@]}"; do
  start_pair "$flavor" 0
  label="$flavor $VERSION"
  in_sync() { :; }
  seed
  address=$(address "$SOURCE_PORT")
  for method in checksum-table row-sha256 row-sha256-tree; do create $method 'sb.*' >/dev/null; done
  say "$flavor: $repeats repeats of all"
  for measure in speed speed_socket earlier; do $measure | tee -a "$results" >&2; done
  address=$(address "$SOURCE_PORT")
  size | tee -a "$results" >&2
  stop_pair
done
printf '| server | figure | measured | target | target met |\n|---|---|---|---|---|\n'
cat "$results"
