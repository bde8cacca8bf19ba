#!/usr/bin/env bash
# The benchmark of `vouch probe` and `vouch serve`, run by script/bench, which builds
# and installs what it needs. The daemon has one core, those who ask it the other.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
vouch=$target/release/vouch load=$target/release/examples/answers pair=$target/release/examples/pair
home=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$home"' EXIT

mkfifo "$home/hold"
"$pair" mariadb 128 >"$home/pair" <"$home/hold" 2>"$home/pair.log" &
exec 9>"$home/hold"
for _ in $(seq 600); do grep -q '^ready' "$home/pair" 2>/dev/null && break; sleep 0.1; done
grep -q '^ready' "$home/pair" || { cat "$home/pair" "$home/pair.log" >&2; exit 1; }
source_url="S=$(sed -n 's/^SOURCE_SOCKET=//p' "$home/pair"),u=root"
replica_url="S=$(sed -n 's/^REPLICA_SOCKET=//p' "$home/pair"),u=root"

nodes=()
for n in $(seq 25); do nodes+=(--node "n$((2 * n - 1))=$source_url" --node "n$((2 * n))=$replica_url"); done
cores=$(nproc)
# Takes the place of the subshell that it is called in, so that $! is the program's own.
pin() { if [ "$cores" -gt 1 ]; then exec taskset -c "$1" "${@:2}"; else exec "${@:2}"; fi; }
pin 0 "$vouch" serve "${nodes[@]}" --listen 127.0.0.1:18306 --agent-listen 127.0.0.1:18307 \
  --socket "$home/sock" 2>"$home/serve.log" &
daemon=$!
for _ in $(seq 200); do grep -q listening "$home/serve.log" && break; sleep 0.1; done
sleep 2
reached=$(curl -sf http://127.0.0.1:18306/board | grep -o '"reachable":true' | wc -l)
[ "$reached" = 50 ] || { echo "the daemon reaches $reached of 50 nodes" >&2; cat "$home/serve.log" >&2; exit 1; }

row() { printf '| %s | %s | %s |\n' "$@"; }
row 'what' 'measured' 'target'; row '---' '---' '---'
read -r rate p99 < <(pin $((cores - 1)) "$load" http 127.0.0.1:18306 8 5)
row 'HTTP answers a second, 50 nodes watched' "$rate" '20000'
row 'p99 of an HTTP answer, ms' "$p99" '< 5'
read -r rate p99 < <(pin $((cores - 1)) "$load" agent 127.0.0.1:18307 8 5)
row 'agent-check answers a second' "$rate" '10000'
row 'p99 of an agent-check, ms' "$p99" '< 5'
row 'resident memory of the daemon at its most, MiB' "$(awk '/VmHWM/ {printf "%.0f", $2 / 1024}' /proc/$daemon/status)" '< 50'
median() { # median of 21 runs in ms
  for _ in $(seq 21); do
    from=$(date +%s%N); "$@" >/dev/null 2>&1 || true; echo $((($(date +%s%N) - from) / 10000))
  done | sort -n | awk '{a[NR] = $1} END {printf "%.1f", a[int((NR + 1) / 2)] / 100}'
}
row '`vouch probe` with the daemon, ms' "$(median "$vouch" probe --socket "$home/sock" --for n1)" '< 30'
row '`vouch probe` without, a pair, ms' \
  "$(median "$vouch" probe --no-daemon --node "a=$source_url" --node "b=$replica_url")" '< 150'
