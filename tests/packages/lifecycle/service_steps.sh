# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps of ./inside about the daemon's package. Each runs in its own subshell.

install_gates_nothing() {
  local link mode
  install_all
  [[ ! -e $preload ]] || wrong "/etc/ld.so.preload came with the installation"
  link=$(find "$root/etc/systemd" "$root/run" -name '*ctgated*' | head -n 1)
  [[ -z $link ]] || wrong "enabled or running after the installation: $link"
  grep -q '^ctgate:.*:/usr/sbin/nologin$' "$root/etc/passwd" || wrong "no user ctgate, or one that can log in"
  mode=$(stat -c '%a %U' "$root/run/ctgate")
  [[ $mode == "755 root" ]] || wrong "/run/ctgate is $mode"
  in_root ctgate policy check /etc/ctgate/policy.toml >&2 || wrong "the default policy has an error"
  [[ $(in_root ctgate policy show | tail -n +2) == "$(in_root ctgate policy show /dev/null | tail -n +2)" ]] ||
    wrong "the default policy is not the built-in one"
  in_root ctgated --check >&2 || wrong "ctgated can't work here"
  echo "not enabled, user $(in_root id -u ctgate)"
}

# ctgated with the rights that the service gives it, until it runs.
start_ctgated() {
  in_root install -d -o ctgate /run/ctgated
  chroot "$root" setpriv --reuid ctgate --regid ctgate --clear-groups --no-new-privs --inh-caps -all,+net_admin \
    --ambient-caps -all,+net_admin --bounding-set -all,+net_admin /usr/sbin/ctgated >/dev/null 2>"$work/ctgated.log" &
  ctgated=$!
  until grep -q ' running: ' "$work/ctgated.log"; do
    kill -0 $ctgated || wrong "ctgated: $(tail -n 1 "$work/ctgated.log")"
    sleep 0.05
  done
}

# Its base chains stay after a stop, until the package goes. Another one's table stays for good.
rules_go_with_the_package() {
  nft add table ip bystander || wrong "no nft"
  start_ctgated
  in_root ctgate status >&2 || wrong "no status"
  kill $ctgated && wait $ctgated || wrong "ctgated ended badly"
  nft list tables | grep -q ctgate || wrong "a stopped ctgated has taken its tables with it"
  dpkg_in -r ctgate || wrong "can't be removed"
  [[ $(nft list ruleset) == "$(printf 'table ip bystander {\n}')" ]] || wrong "rules: $(nft list ruleset | paste -sd ' ')"
  nft delete table ip bystander
  [[ ! -e $root/run/ctgate ]] || wrong "/run/ctgate stays"
  [[ -e $root/etc/ctgate/policy.toml ]] || wrong "the removal has taken the policy"
  [[ $(cat "$preload") == *libctgate.so* ]] || wrong "ctgate alone has taken the line out of ld.so.preload"
  echo "none are left"
}

# After the library is removed: ctgate once more, with all the state that there can be.
purge_leaves_nothing() {
  local left
  install_all
  in_root ctgate policy compile >&2 || wrong "policy compile failed"
  in_root ctgate policy compile --output /run/ctgate/policy.image >&2 || wrong "policy compile failed"
  echo "version = 1" >"$root/etc/ctgate/lan.toml"
  : >"$preload.ctgate-new"
  dpkg_in --purge ctgate libctgate || wrong "can't be purged"
  left=$(list_files | diff "$work/files.before" -) || wrong "differs: $(grep '^[<>]' <<<"$left" | paste -sd ' ')"
  in_root dpkg-query -W ctgate libctgate 2>/dev/null && wrong "dpkg knows the packages still"
  echo "$(wc -l <"$work/files.before") files as before"
}
