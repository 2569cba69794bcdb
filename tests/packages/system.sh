#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The packages in a real system: see --help.
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/system" && pwd)
subject=system
# shellcheck source=SCRIPTDIR/support.sh
. "$here/../support.sh"
# shellcheck source=SCRIPTDIR/../vm/kernels.sh
. "$source_root/tests/vm/kernels.sh"
# shellcheck source=SCRIPTDIR/../vm/machine.sh
. "$source_root/tests/vm/machine.sh"
# shellcheck source=SCRIPTDIR/system/root.sh
. "$here/root.sh"

usage() {
  cat <<'HELP'
usage: tests/packages/system.sh [--build-dir DIR] [--debs DIR --newer DIR] [--kernel PREFIX] [--keep DIR]

Boots a fresh Debian with systemd in QEMU (software emulation), on the newest kernel that the apt sources have, and
there installs the packages, runs the service and the preload library through a reboot, an upgrade under load, removal
and purge. Prints a line `PASS system: NAME FIGURES` or `FAIL system: NAME REASON` for each step. Needs root.
  --build-dir DIR   where package_traffic was built (default: build in the source tree)
  --debs DIR        install these packages (default: built by packaging/build-deb)
  --newer DIR       and upgrade to these, of a higher version
  --kernel PREFIX   boot this kernel series (6.1, 6.12)
  --keep DIR        leave the packages, the machine's console, its log and what it measured there
Environment: VM_TIMEOUT, seconds for the machine (default 900). The root file system and the kernel are kept below
$XDG_CACHE_HOME/ctgate/packages, the former for a week.
Exit codes: 0 all passed, 1 one failed, 2 usage, 77 nothing could run.
HELP
}

build_dir=$source_root/build kernel_prefix=""
options=()
while (($#)); do
  case $1 in
    --build-dir | --kernel)
      (($# > 1)) || { usage >&2; exit 2; }
      if [[ $1 == --kernel ]]; then kernel_prefix=$2; else build_dir=$2; fi
      shift
      ;;
    *) options+=("$1") ;;
  esac
  shift
done
parse_options "${options[@]}"

# What ./system/machine has to report, in order.
steps=(install scenario units enable reboot preload upgrade remove purge)
# For the disk and the shares; ext4 and 9p are modules in Debian's kernels.
modules=(virtio_pci virtio_blk ext4 9pnet_virtio 9p)
time_limit=${VM_TIMEOUT:-900}

prepare() {
  local pair
  [[ $(id -u) == 0 ]] || skip_all "needs root: it makes a root file system"
  [[ $(. /etc/os-release && echo "$ID") == debian && $(dpkg --print-architecture) == amd64 ]] ||
    skip_all "makes its root from Debian's packages for amd64, which this system has not"
  for pair in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mke2fs:e2fsprogs busybox:busybox-static \
    modprobe:kmod cpio:cpio xz:xz-utils; do
    command -v "${pair%:*}" >/dev/null || skip_all "needs ${pair%:*}: apt install ${pair#*:}"
  done
  ldd "$(command -v busybox)" >/dev/null 2>&1 && skip_all "busybox is not the static one: apt install busybox-static"
  [[ -x $build_dir/bin/package_traffic ]] || skip_all "$build_dir/bin/package_traffic is not built"
  cache=${XDG_CACHE_HOME:-${HOME:-$build_dir}/.cache}/ctgate/packages
  mkdir -p "$cache/kernels" || skip_all "can't make $cache"
  [[ -n $(packaged_kernels) ]] || apt-get update -qq >/dev/null 2>&1
}

# The newest of the packaged kernels; prints its name. In a directory of its own: it has the disk's driver as well.
make_kernel() {
  local package
  used_modules+=(drivers/block/virtio_blk.)
  package=$(packaged_kernels | grep "^linux-image-$kernel_prefix" | tail -n 1)
  [[ -n $package ]] && make_packaged_kernel "$package"
}

# What ./system/machine wants in /share. Without the packages of debugging symbols.
fill_share() { # SHARE KERNEL_DIRECTORY
  local directory
  for directory in debs newer; do
    mkdir -p "$1/$directory" && cp "${!directory}"/{ctgate,libctgate}_*.deb "$1/$directory/" || return
  done
  cp "$build_dir/bin/package_traffic" "$here"/{machine,*_steps.sh,support.sh} "$2/damage" "$1/"
}

# boot KERNEL_DIRECTORY IMAGE SHARE: until the machine powers itself off or its time is up. It reboots inside of the one
# qemu, which keeps what is written to the disk in a temporary file, so that the image stays as it is.
boot() {
  timeout --kill-after=5 "$time_limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 1G \
    -nodefaults -no-user-config -display none -serial "file:$work/console.log" -nic none \
    -kernel "$1/vmlinuz" -initrd "$work/initramfs" \
    -append "console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off init_on_alloc=0 apparmor=0 selinux=0 audit=0" \
    -drive "file=$2,format=raw,if=virtio,cache=unsafe,snapshot=on" \
    -virtfs "local,path=$3,mount_tag=share,security_model=none" \
    -virtfs "local,path=$(echo "$1"/lib/modules/*),mount_tag=modules,security_model=none,readonly=on" </dev/null &
  machine=$!
  wait "$machine"
}

# The machine's lines, and one for each step that has none.
report() { # SHARE STATUS
  local step reported="" bad=0 ending
  [[ -s $1/results ]] && reported=$(<"$1/results") && echo "$reported"
  [[ $'\n'$reported == *$'\n'FAIL* ]] && bad=1
  ending="the machine ended before it: $(grep -s '^===' "$1/log" | tail -n 1)"
  (($2 == 124)) && ending="stopped after $time_limit s, in: $(grep -s '^===' "$1/log" | tail -n 1)"
  for step in "${steps[@]}"; do
    grep -q "^[A-Z]* system: $step " <<<"$reported" && continue
    echo "FAIL system: $step $ending"
    bad=1
  done
  return "$bad"
}

machine=""
stop_and_leave() {
  [[ -n $machine ]] && kill "$machine" 2>/dev/null && wait "$machine"
  leave
}
trap stop_and_leave EXIT

prepare
get_packages
name=$(make_kernel) || skip_all "no kernel could be had"
kernel=$cache/kernels/$name share=$work/share
mkdir "$share"
fill_share "$share" "$kernel" || { echo "FAIL system: install the packages are not as expected in $debs"; exit 1; }
image=$(make_root "$share"/debs/*.deb) || skip_all "the root file system can't be made, see above"
make_initramfs "$kernel" "$work/initramfs" "$here/init" "${modules[@]}" || skip_all "can't make the initramfs of $name"

boot "$kernel" "$image" "$share"
status=$?
machine=""
[[ -n $keep ]] && mkdir -p "$keep" && cp -r "$share" "$keep/"
report "$share" "$status" && exit
{
  echo "=== end of the console"
  tail -n 15 "$work/console.log"
  echo "=== end of the log"
  tail -n 80 "$share/log"
} >&2
exit 1
