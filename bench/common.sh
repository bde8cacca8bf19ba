# What the benchmarks share: a pair of servers, its tables, clocks and rows of the
# result. Sourced by them; they set rows, tables and target first.

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

# start_pair FLAVOR [REPLICAS]: with one replica by default. MySQL makes itself a certificate,
# MariaDB 10.11 gets one, so that both are asked over TCP and TLS as a user's servers are.
start_pair() {
  local options=()
  if [ "$1" = mariadb ]; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 7 -subj /CN=localhost -keyout "$scratch/key.pem" -out "$scratch/cert.pem" \
      2>"$scratch/err" || { cat "$scratch/err" >&2; exit 1; }
    options=(--ssl-cert="$scratch/cert.pem" --ssl-key="$scratch/key.pem")
  fi
  coproc PAIR { exec "$target/examples/pair" "$1" 3072 "${2:-1}" "${options[@]}"; }
  pair_input=${PAIR[1]}
  local line
  while read -r line <&"${PAIR[0]}"; do
    if [ "$line" = ready ]; then
      on_source "CREATE USER bench IDENTIFIED BY 'bench'; GRANT ALL ON *.* TO bench WITH GRANT OPTION"
      return 0
    fi
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

# address PORT: of a server as a user names it, which both programs understand.
address() { echo "h=127.0.0.1,P=$1,u=bench,p=bench"; }
sql() { mariadb --no-defaults -u root -S "$1" -N -e "$2"; }
on_source() { sql "$SOURCE_SOCKET" "$1"; }
# On the source, and not in its binary log, which would be as large as the tables.
unlogged() { on_source "SET SESSION sql_log_bin=0; $1"; }
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

pt_setup() {
  on_source 'CREATE DATABASE IF NOT EXISTS percona'
  in_sync
  on_source "SET SESSION sql_log_bin=0; CREATE TABLE percona.dsns (id INT PRIMARY KEY, parent_id INT, dsn VARCHAR(255));
    INSERT INTO percona.dsns VALUES (1, NULL, '$(address "$REPLICA_PORT")')"
}

# Its own defaults; the replica is named because its port is not 3306, and the
# check that is left out is about replicas of the replica. It knows MariaDB by
# `version_comment`, where Debian's says nothing of the kind, so the copy for it names MariaDB.
pt() {
  perl "$scratch/pt-$flavor" "$(address "$SOURCE_PORT")" --databases sb \
    --recursion-method=dsn=D=percona,t=dsns --no-check-binlog-format
}

# Peak resident memory in MB of a command: the kernel's own high-water mark,
# read until the process is gone.
peak_mb() {
  "$@" >/dev/null 2>&1 &
  local process=$! peak=0 seen
  while seen=$(awk '/VmHWM/ {print $2}' "/proc/$process/status" 2>/dev/null) && [ -n "$seen" ]; do peak=$seen; done
  wait "$process" || true
  calc "$peak / 1024"
}

row() { printf '| %s | %s | %s | %s | %s |\n' "$label" "$1" "$2" "$3" "$4"; }
# verdict VALUE OPERATOR LIMIT: "yes" or "no".
verdict() { awk "BEGIN {print ($1 $2 $3) ? \"yes\" : \"no\"}"; }

# Copies of pt-table-checksum, one for each flavor; see pt.
provide_pt() {
  cp "$VOUCH_PT_TABLE_CHECKSUM" "$scratch/pt-mysql"
  sed "s/delete \$query->{version_comment}/'MariaDB'/" "$VOUCH_PT_TABLE_CHECKSUM" >"$scratch/pt-mariadb"
}

# loop COMMAND…: again and again in the background, until unloop.
loop() {
  ( trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM
    while :; do "$@" >/dev/null 2>&1 & wait $!; done ) &
  looping=$!
}
unloop() { kill "$looping" 2>/dev/null || true; wait "$looping" 2>/dev/null || true; looping=''; }
