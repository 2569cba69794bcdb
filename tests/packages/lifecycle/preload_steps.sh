# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
# Steps of ./inside about /etc/ld.so.preload. Each runs in its own subshell.

# Whether a program in there has the library.
is_loaded() { in_root cat /proc/self/maps | grep -q "$library"; }

expect_preload() { # TEXT
  [[ $(cat "$preload"; echo .) == "$1." ]] || wrong "/etc/ld.so.preload is: $(cat -A "$preload" | paste -sd ' ')"
}

# Programs start all the time while packages change: none may find an entry without a file. Its output is empty then.
watch_programs() {
  while :; do in_root /bin/true; done >"$work/watched" 2>&1 &
  watcher=$!
}
stop_watching() {
  kill "$watcher" && wait "$watcher" 2>/dev/null
  [[ ! -s $work/watched ]] || wrong "a program that started meanwhile: $(head -n 1 "$work/watched")"
}

preload_is_created() {
  (umask 077 && in_root ctgate preload enable >&2) || wrong "preload enable failed"
  [[ $(stat -c '%a %U %G' "$preload") == "644 root root" ]] || wrong "under umask 077: $(stat -c '%a %U %G' "$preload")"
  [[ $(wc -l <"$preload") == 1 ]] || wrong "not one line: $(cat -A "$preload")"
  is_loaded || wrong "a program does not load it"
  echo "with $(cat "$preload"), mode 644 under umask 077"
}

preload_enable_is_idempotent() {
  local before
  before=$(stat -c '%i %z' "$preload")
  in_root ctgate preload enable >&2 || wrong "enabled twice is an error"
  [[ $(stat -c '%i %z' "$preload") == "$before" ]] || wrong "the file was written again"
  echo "not written again"
}

preload_is_not_touched_on_upgrade() {
  local before
  before=$(stat -c '%i %y %z' "$preload")
  watch_programs
  dpkg_in -i "/run/newer/${newer_libctgate##*/}" "/run/newer/${newer_ctgate##*/}" || wrong "can't be upgraded"
  stop_watching
  [[ $(stat -c '%i %y %z' "$preload") == "$before" ]] || wrong "the upgrade has changed /etc/ld.so.preload"
  is_loaded || wrong "a program does not load it any more"
  echo "to $(in_root dpkg-query -W -f '${Version}' libctgate), not touched, no program complained"
}

preload_line_goes_with_the_library() {
  is_loaded || wrong "is not in force before the removal"
  watch_programs
  dpkg_in -r libctgate || wrong "can't be removed"
  stop_watching
  [[ ! -e $preload ]] || wrong "/etc/ld.so.preload stays: $(cat -A "$preload")"
  [[ ! -e $root$library ]] || wrong "the library stays"
  echo "line and file, no program complained"
}

# From here on with libctgate alone. remove_library leaves what the steps look at.
remove_library() { dpkg_in --purge libctgate || wrong "can't be purged"; }

preload_stays_missing() {
  install_library
  remove_library
  [[ ! -e $preload ]] || wrong "there is an /etc/ld.so.preload now"
  echo "is no error"
}

preload_of_white_space_stays() {
  install_library
  printf ' \n\t\n' >"$preload"
  remove_library
  expect_preload $' \n\t\n'
  rm "$preload"
  echo "stays as it is"
}

# Every way to name this package's library goes, and nothing else: not a comment, not another libctgate.so, no white
# space that was there, neither mode nor owner. The foreign libraries exist, as ld.so would complain otherwise.
foreign_entries_stay() {
  install_library
  mkdir -p "$root/opt/lib"
  cp "$root$library" "$root/opt/lib/libctgate.so" && cp "$root$library" "$root/opt/lib/other.so" || wrong "no copies"
  printf '%s\n' "# ours, $library, and others" '/opt/lib/other.so' "$library" "  /usr/\$LIB/libctgate.so  /lib/$triplet/libctgate.so" \
    "/opt/lib/other.so $library /opt/lib/other.so" "$library:/opt/lib/other.so" "	/opt/lib/other.so:$library" '' \
    '/opt/lib/libctgate.so /opt/lib/libctgate.so.1' '/usr/${LIB}/libctgate.so' "/opt$library" >"$preload"
  printf '%s' libctgate.so >>"$preload"
  cp "$root$library" "$root/opt/lib/libctgate.so.1"
  mkdir -p "$root/opt${library%/*}" && cp "$root$library" "$root/opt$library"
  chmod 640 "$preload" && chown root:games "$preload"
  (umask 077 && remove_library)
  expect_preload "# ours, $library, and others
/opt/lib/other.so
/opt/lib/other.so /opt/lib/other.so
/opt/lib/other.so
	/opt/lib/other.so

/opt/lib/libctgate.so /opt/lib/libctgate.so.1
/opt$library
"
  [[ $(stat -c '%a %U %G' "$preload") == "640 root games" ]] || wrong "mode and owner: $(stat -c '%a %U %G' "$preload")"
  rm -r "$preload" "$root/opt/lib" "$root/opt/usr"
  echo "8 entries of ours went, 9 words of others stayed"
}

# The script is killed before its rename(2): the file is whole and the library there. Then again, to the end.
interrupted_removal_is_taken_up() {
  local foreign=/usr/lib/$triplet/libm.so.6
  command -v strace >/dev/null || wrong "needs strace, to kill it at the right moment"
  install_library
  printf '%s\n' "$library" "$foreign" >"$preload"
  in_root env DPKG_MAINTSCRIPT_PACKAGE=libctgate DPKG_MAINTSCRIPT_ARCH="$(dpkg --print-architecture)" strace -f -o /dev/null \
    -e trace=rename,renameat,renameat2 -e inject=rename,renameat,renameat2:signal=SIGKILL:retval=0 \
    sh "/var/lib/dpkg/info/$(in_root dpkg-query -f '${binary:Package}' -W libctgate).prerm" remove >&2
  [[ -e $preload.ctgate-new ]] || wrong "was not interrupted: there is no temporary file"
  expect_preload "$library
$foreign
"
  [[ -e $root$library ]] || wrong "the library is gone"
  dpkg_in -r libctgate || wrong "can't be removed after an interruption"
  [[ ! -e $preload.ctgate-new ]] || wrong "the temporary file stays"
  expect_preload "$foreign
"
  rm "$preload"
  echo "old file whole, second try removed the line and the temporary file"
}

preload_behind_a_link() {
  install_library
  echo "$library" >"$root/etc/preload.real"
  ln -s preload.real "$preload"
  remove_library
  [[ -L $preload && -e $root/etc/preload.real && ! -s $root/etc/preload.real ]] || wrong "$(ls -l "$root"/etc/*preload*)"
  rm "$preload" "$root/etc/preload.real"
  echo "the link stays, the file behind it is empty"
}

# A file that can't be changed: rather the library stays than that every program complains.
library_stays_where_its_line_can_not_go() {
  install_library
  echo "$library" >"$preload"
  mount --bind "$preload" "$preload" && mount -o remount,bind,ro "$preload" || wrong "can't mount"
  dpkg_in -r libctgate && wrong "was removed"
  [[ -e $root$library ]] || wrong "the library went before its line"
  umount "$preload"
  remove_library
  [[ ! -e $preload ]] || wrong "the line stays"
  echo "the removal fails, and works once the file can be written"
}

# libctgate:i386, made of this architecture's package and the 32-bit library of the build.
make_foreign_package() {
  local tree=$root/run/foreign from=$build_directory/lib32/libctgate.so
  [[ $(dpkg --print-architecture) == amd64 ]] || left_out "i386 goes beside amd64 only"
  [[ -e $from ]] || left_out "the tests' 32-bit library is not built (target ctgate_shim32)"
  [[ -e $root/lib/ld-linux.so.2 ]] || left_out "there is no loader for 32-bit programs"
  dpkg-deb -R "$libctgate" "$tree" && mv "$tree/usr/lib/$triplet" "$tree/usr/lib/i386-linux-gnu" &&
    cp "$from" "$tree/usr/lib/i386-linux-gnu/" && rm "$tree"/DEBIAN/md5sums &&
    sed -i -e 's/^Architecture: .*/Architecture: i386/' -e '/Depends:/d' "$tree/DEBIAN/control" &&
    sed -i -e "s/$triplet/i386-linux-gnu/g" -e 's/:-amd64}/:-i386}/' "$tree/DEBIAN/prerm" &&
    dpkg-deb --root-owner-group -b "$tree" "$root/run/debs/libctgate_i386.deb" >&2 && rm -r "$tree"
}

other_architecture_goes_alone() {
  make_foreign_package || wrong "can't make a package for i386"
  in_root dpkg --add-architecture i386
  dpkg_in -i "/run/debs/${libctgate##*/}" /run/debs/libctgate_i386.deb || wrong "can't be installed side by side"
  printf '%s\n' "/usr/\$LIB/libctgate.so" /usr/lib/i386-linux-gnu/libctgate.so >"$preload"
  dpkg_in --purge libctgate:i386 2>/dev/null || wrong "the foreign one can't be purged"
  expect_preload "/usr/\$LIB/libctgate.so
"
  is_loaded || wrong "native programs lost it with the foreign package"
  # Now the native one first: nearly all programs would complain.
  dpkg_in -i /run/debs/libctgate_i386.deb || wrong "can't be installed again"
  dpkg_in --purge "libctgate:amd64" || wrong "the native one can't be purged"
  [[ ! -e $preload ]] || wrong "without the native one: $(cat "$preload")"
  dpkg_in --purge libctgate:i386 || wrong "the last one can't be purged"
  in_root dpkg --remove-architecture i386
  echo "the entry with \$LIB stays while the native library does"
}
