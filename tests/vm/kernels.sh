# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# Kernels for ./run, which sources this file with $here (this directory) and $cache set. A kernel is a directory
# $cache/kernels/NAME with
#   vmlinuz                       what qemu boots
#   lib/modules/RELEASE/          its modules, absent when it has none
#   damage                        what the demo must show without ctgated: "splits", "losses" or "any" (not asserted)
# Nothing is installed into the system. A directory appears whole or not at all. The functions that make one print its
# name and are called in a subshell, $(...), whose end removes what is half done.

# What a virtual machine without devices can use of lib/modules/RELEASE/kernel/.
used_modules=(arch/ crypto/ fs/ lib/ net/ drivers/virtio/ drivers/net/veth. drivers/net/dummy.)

# nfnetlink_queue's own repair of the race went with 6.12 (8af79d3edb5f): from there on flows are split.
damage_of_release() {
  if [[ $(printf '%s\n' 6.12 "$1" | sort -V | head -n 1) == 6.12 ]]; then echo splits; else echo any; fi
}

# The newest packaged kernel of each x.y series that the configured apt sources have, as package names.
packaged_kernels() {
  local metas
  mapfile -t metas < <(apt-cache pkgnames linux-image- | grep -E '^linux-image-([0-9]+\.[0-9]+-)?amd64$')
  ((${#metas[@]})) || return 0
  apt-cache show "${metas[@]}" 2>/dev/null | grep -oE '^Depends: linux-image-[0-9][^ ,]*-amd64' | cut -d ' ' -f 2 |
    sort -Vu | awk -F '[-.]' '{ newest[$3 "." $4] = $0 } END { for (series in newest) print newest[series] }' | sort -V
}

# make_packaged_kernel PACKAGE: prints the kernel's name. The package is unpacked only as far as it is used.
make_packaged_kernel() {
  local package=$1 name=${1#linux-image-}
  local target=$cache/kernels/$name new wanted module
  echo "$name"
  [[ -e $target/vmlinuz ]] && return
  new=$(new_directory) || return
  # shellcheck disable=SC2064 # the variable is gone by then; this is the subshell that reads the name
  trap "rm -rf '$new'" EXIT
  (
    cd "$new" || exit
    apt-get -q -o APT::Sandbox::User=root download "$package" >&2 || exit
    wanted=('./boot/vmlinuz-*' '*/lib/modules/*/modules.*')
    for module in "${used_modules[@]}"; do wanted+=("*/lib/modules/*/kernel/$module*"); done
    # Debian 13 has the modules below /usr/lib, where Debian 12 has /lib.
    dpkg-deb --fsys-tarfile ./*.deb | tar -x --wildcards --transform 's,^\./usr/lib/,./lib/,' "${wanted[@]}" || exit
    mv boot/vmlinuz-* vmlinuz && rm -r boot ./*.deb && depmod -b . "$name" && damage_of_release "$name" >damage
  ) && mv "$new" "$target"
}

# Below the cache, so that it can become a kernel's by one rename(2).
new_directory() { mktemp -d "$cache/kernels/.new.XXXXXX"; }

# Prints the names of the kernels that were built here earlier.
built_kernels() {
  local directory
  for directory in "$cache"/kernels/*-small "$cache"/kernels/*-old; do
    [[ -e $directory/vmlinuz ]] && basename "$directory"
  done
}

# build_kernel SERIES [PATCH]: a small kernel (kernel.config) from Debian's package linux-source-SERIES; with a patch it
# is the "old" one. Prints its name. Takes some minutes.
build_kernel() {
  local series=$1 patch=${2-} name=$1-small new
  [[ -n $patch ]] && name=$series-old
  echo "$name"
  [[ -e $cache/kernels/$name/vmlinuz ]] && return
  new=$(new_directory) || return
  # shellcheck disable=SC2064 # as above
  trap "rm -rf '$new'" EXIT
  (
    cd "$new" || exit
    apt-get -q -o APT::Sandbox::User=root download "linux-source-$series" || exit
    dpkg-deb --fsys-tarfile ./*.deb | tar -xO "./usr/src/linux-source-$series.tar.xz" |
      tar -xJ --strip-components=1 || exit
    [[ -z $patch ]] || patch -p1 <"$patch" || exit
    make -s tinyconfig && scripts/kconfig/merge_config.sh -m .config "$here/kernel.config" >/dev/null &&
      make -s olddefconfig LOCALVERSION= && check_config && make -s -j"$(nproc)" bzImage
  ) >"$cache/build-$name.log" 2>&1 || {
    tail -n 20 "$cache/build-$name.log" >&2
    return 1
  }
  mkdir "$new/result"
  cp "$new/arch/x86/boot/bzImage" "$new/result/vmlinuz"
  if [[ -n $patch ]]; then echo losses; else damage_of_release "$series"; fi >"$new/result/damage"
  mv "$new/result" "$cache/kernels/$name"
}

# olddefconfig drops silently what has unmet dependencies. What a series does not know at all is built in there.
check_config() {
  local line symbol missing=0
  while read -r line; do
    grep -qxF "$line" .config && continue
    symbol=${line%%=*}
    grep -rqE --include='Kconfig*' "^(menu)?config ${symbol#CONFIG_}\$" . || continue
    echo "kernel.config: $line did not survive olddefconfig"
    missing=1
  done < <(grep -E '^CONFIG_[A-Z0-9_]+=' "$here/kernel.config")
  return "$missing"
}
