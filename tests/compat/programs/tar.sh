# SPDX-License-Identifier: GPL-2.0-or-later
# tar with compressors as children, a pipe, a damaged archive.
# needs: tar gzip xz
. "${0%/*}/support/common.sh"
mkdir -p tree/deep && seq 30000 >tree/numbers && echo x >tree/deep/file && ln tree/numbers tree/hard
options=(--sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner)
tar "${options[@]}" -czf tree.tgz tree && tar -tvzf tree.tgz | md5sum
tar "${options[@]}" -cJf - tree | tar -tJf -
mkdir out && tar -xzf tree.tgz -C out && diff -r tree out/tree && echo same
head -c 1000 tree.tgz >cut.tgz && { tar -tzf cut.tgz || echo "exit $?"; }
