#!/usr/bin/env bash
# The benchmark of `vouch pages`, run by script/bench, which builds and installs
# what it needs. A server fills a table and is stopped; its file is read warm.
# Programs run in turns, and the median of the ratios within a turn counts.
#
# --before BINARY races an earlier build of vouch in the same turns.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}/release
vouch=$target/vouch

gib=1 repeats=9 small=16 before='' flavors=()
while [ $# -gt 0 ]; do
  case $1 in
    --quick) repeats=3 ;;
    --gib) gib=$2; shift ;;
    --repeats) repeats=$2; shift ;;
    --before) before=$2; shift ;;
    mysql | mariadb) flavors+=("$1") ;;
    *) echo "bench: unknown word '$1'" >&2; exit 2 ;;
  esac
  shift
done
[ ${#flavors[@]} -gt 0 ] || flavors=(mysql mariadb)

. "$here/common.sh"

# fill TABLE ROWS: sysbench rows, from those of table sbtest1.
fill() {
  local from=0 step=1000000
  unlogged "CREATE TABLE sb.$1 LIKE sb.sbtest1; ALTER TABLE sb.$1 DROP KEY k_1"
  while [ "$from" -lt "$2" ]; do
    unlogged "INSERT INTO sb.$1 SELECT id + $from, k, c, pad FROM sb.sbtest1 WHERE id <= $(($2 - from))"
    from=$((from + step))
  done
}

# take TABLE: the file of the table as an export leaves it, until the server is gone.
take() {
  unlogged "FLUSH TABLES sb.$1 FOR EXPORT; \! ln '$SOURCE_DATA/sb/$1.ibd' '$scratch/$1.ibd' && touch '$scratch/$1.taken'
    SELECT SLEEP(3600)" >/dev/null 2>&1 &
  until [ -e "$scratch/$1.taken" ]; do sleep 0.1; done
}

seed() {
  local rows=$((gib * 4700000))
  say "$flavor: filling a table of $gib GiB, and one of $small times fewer rows"
  unlogged 'CREATE DATABASE sb'
  sysbench oltp_read_write --mysql-socket="$SOURCE_SOCKET" --mysql-user=root --mysql-db=sb --tables=1 --table-size=1000000 \
    prepare >"$scratch/log"
  fill large $rows
  fill little $((rows / small))
  take large
  take little
  stop_pair
  local part
  for ((part = 0; part < small; part++)); do
    mkdir -p "$scratch/many/$part" && cp "$scratch/little.ibd" "$scratch/many/$part/t.ibd"
  done
}

innochecksum() {
  if [ "$flavor" = mariadb ]; then command innochecksum "$@"; else
    local libraries; libraries=$(dirname "$(ls "$VOUCH_MYSQL_HOME"/usr/lib/*/ld-linux*)")
    "$libraries"/ld-linux* --library-path "$libraries" "$VOUCH_MYSQL_HOME/usr/bin/innochecksum" "$@"
  fi
}

# Its output must go nowhere: race keeps what commands say in a file.
read_file() { cat "$1" >/dev/null; }

pages() { "$vouch" pages --quiet --format json --state clean "$@"; }
pages_before() { "$before" pages --quiet --format json --state clean "$@"; }

# race TIMES COMMAND…: runs each command once a round. The machine's own speed changes by half from one second to
# the next, for all of them alike, so that only what ran in one round is compared.
race() {
  local times=$1 run from to command; shift
  : >"$scratch/race"
  for ((run = 0; run < times; run++)); do
    for command in "$@"; do
      from=$(now); $command >"$scratch/out" 2>"$scratch/err" || { say "failed: $command"; tail -n 5 "$scratch/err" >&2; exit 1; }; to=$(now)
      calc "($to - $from) * 10000" | tr '\n' ' '
    done
    echo
  done >"$scratch/race"
}
# took NUMBER: the median time of the command of this number, in seconds.
took() { awk -v n="$1" '{print $n / 10000}' "$scratch/race" | median; }
# times NUMBER OTHER: how often the time of OTHER fits into that of NUMBER, as the median of all rounds.
times() { awk -v a="$1" -v b="$2" '{print $a / $b}' "$scratch/race" | median | awk '{printf "%.2f\n", $1}'; }
rate() { calc "$(stat -Lc %s "$@" | awk '{sum += $1} END {print sum}') / $seconds / 1e9"; }

throughput() {
  local file=$scratch/large.ibd peer=20 peers=$repeats faster
  read_file "$file"
  say "$flavor: $repeats runs each"
  race "$repeats" "read_file $file" "pages $file" "pages $file --level quick"
  seconds=$(took 2)
  row "\`vouch pages --level tree\`, $gib GiB" "$(rate "$file") GB/s" '' ''
  row 'as fast as `cat FILE > /dev/null`' "$(times 1 2)× ($seconds s : $(took 1) s)" 'at least 1×' "$(verdict "$(times 1 2)" '>=' 1)"
  row '… with `--level quick`' "$(times 1 3)×" '' ''
  if [ "$flavor" = mariadb ]; then peer=2; else peers=3; fi
  race "$peers" "innochecksum $file" "pages $file"
  faster=$(times 1 2)
  row 'faster than its innochecksum' "$faster× ($(took 2) s : $(took 1) s)" "at least $peer×" "$(verdict "$faster" '>=' $peer)"
}

# A loop that touches no memory, on one core or on as many as there are: what the machine itself gives.
idle_loops() {
  local run
  for ((run = 0; run < $1; run++)); do awk 'BEGIN {for (i = 0; i < 2000000; i++) sum += i}' & done
  wait
}

scaling() {
  local one=$scratch/large.ibd many large small_ones machine
  many=$(echo "$scratch"/many/*/t.ibd)
  # shellcheck disable=SC2086
  cat $many >/dev/null
  race "$repeats" "pages $one --threads 1" "pages $one" "pages $many --threads 1" "pages $many" 'idle_loops 1' "idle_loops $(nproc)"
  large=$(times 1 2) small_ones=$(times 3 4) machine=$(calc "$(times 5 6) * $(nproc)")
  row "speed with $(nproc) cores against one: one large file" "$large×" "as $small small ones" "$(verdict "$large" '>=' "0.9 * $small_ones")"
  row "… $small small files" "$small_ones×" '' ''
  row '… a loop that touches no memory' "$machine×" '' ''
}

# Against the earlier build: one large file, many small ones, a stream.
earlier() {
  [ -n "$before" ] || return 0
  local one=$scratch/large.ibd many what
  many=$(echo "$scratch"/many/*/t.ibd)
  stream() { "$1" - <"$scratch/large.ibd"; }
  for what in 'one large file' "$small small files" 'standard input'; do
    case $what in
      one*) race "$repeats" "pages $one" "pages_before $one" ;;
      standard*) race "$repeats" 'stream pages' 'stream pages_before' ;;
      *) race "$repeats" "pages $many" "pages_before $many" ;;
    esac
    row "time against the earlier build: $what" "$(times 1 2)× ($(took 1) s : $(took 2) s)" 'at most 1.03×' \
      "$(verdict "$(times 1 2)" '<=' 1.03)"
  done
}

memory() {
  local file=$scratch/large.ibd peak limit
  peak=$(peak_mb "$vouch" pages --quiet --format json --state clean "$file")
  limit=$(calc "64 + 40 * $(stat -Lc %s "$file") / 16384 / 1048576")
  row "peak memory, $gib GiB" "$peak MB" "under $limit MB" "$(verdict "$peak" '<' "$limit")"
}

image() {
  local image=$scratch/image.mbstream
  (cd "$scratch" && mbstream -c large.ibd) >"$image"
  cat "$image" >/dev/null
  from_file() { pages - <"$image"; }
  from_pipe() { cat "$image" | pages -; }
  race "$repeats" from_file from_pipe
  seconds=$(took 1)
  row 'mbstream from standard input' "$(rate "$image") GB/s" 'at least 1.5 GB/s' "$(verdict "$(rate "$image")" '>=' 1.5)"
  seconds=$(took 2)
  row '… through a pipe from `cat`' "$(rate "$image") GB/s" 'at least 1.5 GB/s' "$(verdict "$(rate "$image")" '>=' 1.5)"
}

results=$scratch/results
for flavor in "${flavors[@]}"; do
  start_pair "$flavor" 0
  label="$flavor $VERSION"
  seed
  for measure in throughput scaling memory image earlier; do $measure | tee -a "$results" >&2; done
  rm -rf "$scratch"/{large,little}.* "$scratch/many" "$scratch/image.mbstream"
done
printf '| server | figure | measured | target | target met |\n|---|---|---|---|---|\n'
cat "$results"
