# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# The root file system of the machine, for ../system.sh, which sources this file with $cache set: a small Debian of the
# host's release with systemd, as an ext4 image. It holds nothing of ctgate, but everything that its packages depend on,
# so that they install without a network.

# What a server has. The host's programs and kernel modules come in otherwise, see init.
root_packages=(systemd-sysv systemd udev dbus libpam-systemd nftables iptables iproute2 conntrack kmod procps
  openssh-server openssh-client sudo cron)
root_size=3G # of a sparse file
root_days=7  # after which a cached image is made anew, for the updates

# The host's own sources of Debian's packages, and no one else's, one line each.
debian_sources() {
  apt-get indextargets --format '$(ORIGIN)|$(CREATED_BY)|$(ARCHITECTURE)|$(REPO_URI) $(RELEASE) $(COMPONENT)' |
    awk -F '|' -v keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
      '$1 == "Debian" && $2 == "Packages" && $3 == "amd64" { print "deb [signed-by=" keyring "] " $4 }' | sort -u
}

# dependencies_of DEB...: the names of the packages outside of them that they need; of alternatives the first.
dependencies_of() {
  local deb own=()
  for deb in "$@"; do own+=("$(dpkg-deb -f "$deb" Package)"); done
  for deb in "$@"; do
    dpkg-deb -f "$deb" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' | tr ',' '\n' |
      sed 's/|.*//; s/(.*//; s/:any//; s/[[:space:]]//g; /^$/d'
  done | sort -u | grep -vxF -f <(printf '%s\n' "${own[@]}")
}

# make_root DEB...: prints the image's path; it takes about two minutes when none is cached.
make_root() {
  local packages suite key image work
  mapfile -t packages < <({ printf '%s\n' "${root_packages[@]}" && dependencies_of "$@"; } | sort -u)
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  key=$(printf '%s\n' "$suite" "$root_size" "${packages[@]}" | cat - "${BASH_SOURCE[0]}" | sha256sum | cut -c 1-12)
  image=$cache/root-$suite-$key.ext4
  if [[ -n $(find "$image" -mtime "-$root_days" 2>/dev/null) ]]; then
    echo "$image"
    return
  fi
  work=$(mktemp -d "$cache/.root.XXXXXX") || return
  # shellcheck disable=SC2064 # the variable is gone by then; this is the subshell that reads the path
  trap "rm -rf '$work'" EXIT
  debian_sources >"$work/sources.list"
  [[ -s $work/sources.list ]] || { echo "apt has no package lists of Debian: apt-get update" >&2; return 1; }
  if ! fill_image "$suite" "$work" "${packages[@]}" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    return 1
  fi
  rm -f "$cache/root-$suite"-*.ext4
  mv "$work/image" "$image" && echo "$image"
}

# fill_image SUITE WORK PACKAGE...: WORK/image, by way of WORK/root, from WORK/sources.list.
fill_image() {
  local suite=$1 work=$2
  shift 2
  (IFS=, && mmdebstrap --quiet --variant=minbase --mode=root --include="$*" "$suite" "$work/root" \
    "$work/sources.list") && configure_root "$work/root" &&
    mke2fs -q -t ext4 -d "$work/root" -E root_owner=0:0 "$work/image" "$root_size"
}

# A user with a password-less sudo, and nothing that starts by itself and gets into the way of apt.
configure_root() {
  local root=$1
  echo machine >"$root/etc/hostname"
  echo '127.0.0.1 localhost machine' >"$root/etc/hosts"
  echo '/dev/vda / ext4 defaults 0 1' >"$root/etc/fstab"
  mkdir -p "$root/share"
  chroot "$root" useradd --create-home --shell /bin/bash tester &&
    chroot "$root" systemctl mask --quiet apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
      e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-firstboot.service &&
    echo 'tester ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/tester" && chmod 440 "$root/etc/sudoers.d/tester"
}
