# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps of ./machine: the library in every program, from the start of the system, and out again. What is in single
# quotes is for the shells under test.

prepare_logins() {
  local ssh=/home/tester/.ssh
  mkdir -p ~/.ssh && ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519 && mkdir -p $ssh &&
    cp ~/.ssh/id_ed25519.pub $ssh/authorized_keys && chown -R tester:tester $ssh && chmod 700 $ssh || return
  echo '@reboot tester grep -c libctgate.so /proc/$$/maps >/home/tester/cron 2>&1' >/etc/cron.d/probe
}

# What the second boot is to find: the library enabled, and a cron job for that moment.
enable() {
  local count
  prepare_logins || wrong "can't prepare the logins"
  ctgate preload enable || wrong "ctgate preload enable failed: $(ctgate preload enable 2>&1 | tail -n 1)"
  count=$(su - tester -c 'grep -c libctgate.so /proc/$$/maps')
  ((count > 0)) || wrong "a new shell has no library after enable"
  user_program_is_well
  figures "the library is in a new shell"
}

in_process() { grep -q '/libctgate\.so' "/proc/$1/maps" 2>/dev/null; }

# Between its execve(2) and ld.so's work a process has no library yet; an ended one has neither maps nor an executable.
has_the_library_or_is_gone() { in_process "$1" || ! readlink -q "/proc/$1/exe" >/dev/null; }

# Every process but kernel threads (which have no executable) is to have it: nothing here is static.
in_every_process() {
  local directory pid without="" count=0
  for directory in /proc/[0-9]*; do
    pid=${directory#/proc/}
    readlink -q "$directory/exe" >/dev/null || continue
    if wait_for 10 has_the_library_or_is_gone "$pid"; then
      ((++count))
    else
      without+=" $(cat "$directory/comm")"
    fi
  done
  [[ -z $without ]] || wrong "without the library:$without"
  figures "in $count processes from PID 1 on,"
}

# A package with a script, installed and removed.
apt_works() {
  local root=/run/probe
  mkdir -p $root/DEBIAN $root/usr/share/probe
  printf '%s\n' 'Package: probe' 'Version: 1' 'Architecture: all' 'Maintainer: nobody <nobody@example.org>' \
    'Description: probe' >$root/DEBIAN/control
  printf '#!/bin/sh\nset -e\necho "$1" >/run/probe.postinst\n' >$root/DEBIAN/postinst
  chmod 755 $root/DEBIAN/postinst
  dpkg-deb -b $root /run/probe.deb && apt install /run/probe.deb && grep -qx configure /run/probe.postinst &&
    apt purge probe && ! dpkg -s probe 2>/dev/null && rm -rf $root /run/probe.deb /run/probe.postinst
}

over_ssh() { ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new tester@localhost "$@"; }

# The shell of a real login, on a terminal. Typed again until it is read: login(1) may throw away what comes too early.
login_shell() { # COMMAND, whose output goes to /home/tester/login
  rm -f /home/tester/login
  {
    wait_for 60 typed "{ $1; } >login 2>&1"
    echo exit
  } | script -qec 'login -f tester' /dev/null
  [[ -s /home/tester/login ]]
}
typed() {
  echo "$1"
  sleep 2
  [[ -s /home/tester/login ]]
}

# logins_work WHEN: each in the way that its users use it.
logins_work() {
  [[ $(over_ssh 'id -un') == tester ]] || wrong "$1: ssh does not work"
  [[ $(setpriv --reuid tester --regid tester --init-groups sudo -n id -u) == 0 ]] || wrong "$1: sudo does not work"
  [[ $(su - tester -c 'echo $HOME') == /home/tester ]] || wrong "$1: su does not work"
  login_shell tty || wrong "$1: login does not work"
  grep -q /dev/pts /home/tester/login || wrong "$1: login has no terminal: $(cat /home/tester/login)"
}

preload() {
  local count
  local status='sudo -n ctgate shim status $$ && echo the library is in'
  in_every_process
  ctgate preload status || wrong "ctgate preload status finds something wrong"
  wait_for 60 test -s /home/tester/cron || wrong "cron did not run its job"
  grep -qx '[1-9][0-9]*' /home/tester/cron || wrong "cron's job: $(cat /home/tester/cron)"
  apt_works || wrong "apt does not work with the library"
  logins_work "with the library"
  over_ssh "$status" | grep -x 'the library is in' || wrong "the library is not in ssh's shell"
  login_shell "$status" || wrong "no login shell"
  grep -x 'the library is in' /home/tester/login ||
    wrong "the library is not in the login shell: $(head -n 1 /home/tester/login)"

  ctgate preload disable || wrong "ctgate preload disable failed"
  [[ -s /etc/ld.so.preload ]] && wrong "/etc/ld.so.preload has still: $(cat /etc/ld.so.preload)"
  count=$(su - tester -c 'grep -c libctgate.so /proc/$$/maps')
  [[ $count == 0 ]] || wrong "a new shell has the library after disable"
  over_ssh "$status" | grep -x 'the library is in' && wrong "ssh's shell has the library after disable"
  logins_work "after disable"
  figures "apt ssh sudo su cron login work; disabled again: not in a new shell, all work"
  # For the upgrade and the removal, which have to cope with it.
  ctgate preload enable || wrong "can't enable it again"
}
