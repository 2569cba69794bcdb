# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What all steps of ./machine use. A step is a function that reports its figures with `figures`, or what is wrong with
# `wrong`, which ends it. Everything else that it prints goes to the log.

# step NAME FUNCTION: writes its line to results.
step() {
  local name=$1 start=$SECONDS
  echo "=== $name, $(cut -d . -f 1 /proc/uptime) s"
  : >said
  if ("$2"); then
    echo "PASS system: $name $(paste -sd ' ' said), $((SECONDS - start)) s" >>results
  else
    [[ -s said ]] || echo "ended without a word" >said
    echo "FAIL system: $name $(tail -n 1 said)" >>results
    # What the journal has may be the cause.
    journalctl -b -q --no-pager -u ctgated -n 40
    return 1
  fi
}

figures() { echo "$*" >>said; }

wrong() {
  echo "wrong: $*"
  echo "$*" >>said
  exit 1
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

# field NAME FILE: the value of a number in one JSON object.
field() { sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$2"; }

# The machine forwards between two namespaces, with DNAT to two addresses of one of them; what it forwards over UDP goes
# through a queue, to which a third party binds later. Addresses as daemon/lab/topology.hh has them.
set_up_network() {
  local end
  ip netns add client && ip netns add server && ip netns add spare &&
    ip link add client0 address 02:00:00:00:01:01 type veth peer name eth0 address 02:00:00:00:01:02 netns client &&
    ip link add server0 address 02:00:00:00:02:01 type veth peer name eth0 address 02:00:00:00:02:02 netns server &&
    ip addr add 10.99.1.1/24 dev client0 && ip addr add 10.99.2.1/24 dev server0 &&
    ip -n client addr add 10.99.1.2/24 dev eth0 && ip -n server addr add 10.99.2.2/24 dev eth0 &&
    ip -n server addr add 10.99.2.3/24 dev eth0 && ip link set client0 up && ip link set server0 up || return
  for end in client server; do ip -n $end link set lo up && ip -n $end link set eth0 up || return; done
  ip -n client route add default via 10.99.1.1 && ip -n server route add default via 10.99.2.1 &&
    sysctl -qw net.ipv4.ip_forward=1 && nft -f - <<'NFT' || return
table ip nat {
  chain prerouting {
    type nat hook prerouting priority -100;
    ip daddr 10.99.9.9 dnat to numgen inc mod 2 map { 0 : 10.99.2.2, 1 : 10.99.2.3 };
  }
}
table ip third_party {
  chain base { type filter hook forward priority 0; meta l4proto udp queue flags bypass to 1; }
}
NFT
  wait_for 30 forwards || return
  setsid ./package_traffic serve >serve.out 2>>errors </dev/null &
  wait_for 30 test -s serve.out
}

# A connection that is refused proves both directions.
forwards() {
  ip netns exec client bash -c 'exec 3<>/dev/tcp/10.99.2.2/9' 2>&1 | grep -q refused
}

# A user's program that sends and receives over UDP, from the beginning to the end.
start_user_program() {
  setsid setpriv --reuid tester --regid tester --clear-groups ./package_traffic chat >chat.out 2>>errors </dev/null &
  echo $! >chat.pid
}

# Ends it; wrong, unless it was there all the time and got every answer.
user_program_is_well() {
  local pid
  pid=$(cat chat.pid)
  kill -0 "$pid" || wrong "the user's program is gone"
  kill -TERM "$pid"
  wait_for 20 test -s chat.out || wrong "the user's program did not end"
  (($(field lost chat.out) == 0)) || wrong "the user's program lost answers: $(cat chat.out)"
  figures "user's program $(field sent chat.out) datagrams 0 lost,"
}

# bursts NAME: the third-party scenario; its JSON goes to the file.
bursts() {
  ./package_traffic scenario 20 >"$1" || wrong "the scenario could not run, see the log"
  cat "$1"
}

# clean_bursts NAME: as above, under the gate, and nothing may be wrong.
clean_bursts() {
  local name held
  held=$(ctgate status --json | sed -n 's/.*"held_total": *\([0-9]*\).*/\1/p')
  bursts "$1"
  for name in lost split out_of_order clash_resolve; do
    [[ $(field $name "$1") == 0 ]] || wrong "with ctgated: $(cat "$1")"
  done
  held=$(($(ctgate status --json | sed -n 's/.*"held_total": *\([0-9]*\).*/\1/p') - held))
  ((held > 0)) || wrong "the scenario was clean, but ctgated held nothing: it was not the gate's doing"
  figures "20 flows of 4 datagrams clean, $held held,"
}

apt() {
  echo "\$ apt-get $*"
  apt-get -q -y -o Dpkg::Use-Pty=0 "$@" </dev/null
}

ctgated_pid() { systemctl show -P MainPID ctgated; }
package_version() { dpkg-query -W -f '${Version}' "$1"; }
