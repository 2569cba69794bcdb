# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The first steps of a virtual machine, for scripts that boot kernels of kernels.sh; sourced by them.

# make_initramfs KERNEL_DIRECTORY FILE INIT MODULE...: busybox, INIT as /init, and in /modules the MODULES with what they
# need, their load order in /modules/order and the kernel's release in /modules/release. A kernel without modules gets
# an empty order only.
make_initramfs() {
  local kernel=$1 file=$2 init=$3 tree=$2.tree release module
  shift 3
  mkdir -p "$tree/bin" "$tree/modules"
  cp "$(command -v busybox)" "$tree/bin/busybox"
  cp "$init" "$tree/init"
  : >"$tree/modules/order"
  if [[ -d $kernel/lib/modules ]]; then
    release=$(basename "$kernel"/lib/modules/*)
    echo "$release" >"$tree/modules/release"
    for module in "$@"; do
      modprobe -d "$kernel" -S "$release" --show-depends "$module" || return
    done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r module; do
      unpack_module "$module" "$tree/modules" >>"$tree/modules/order"
    done
  fi
  (cd "$tree" && find . | cpio --quiet -o -H newc) | gzip -1 >"$file"
}

# busybox's insmod does not read every compression that kernels use. Prints the file's name.
unpack_module() {
  local name
  name=$(basename "$1")
  case $name in
    *.xz) name=${name%.xz} && xz -dc "$1" >"$2/$name" ;;
    *.zst) name=${name%.zst} && zstd -qdc "$1" >"$2/$name" ;;
    *.gz) name=${name%.gz} && gzip -dc "$1" >"$2/$name" ;;
    *) cp "$1" "$2/$name" ;;
  esac
  echo "$name"
}
