# SPDX-License-Identifier: GPL-2.0-or-later
# rsync: a tree to a daemon and back, only what changed, and an error.
# needs: rsync
. "${0%/*}/support/common.sh"
mkdir -p tree/deep module back
seq 30000 >tree/numbers && ln -s numbers tree/link && echo x >tree/deep/file
cat >rsyncd.conf <<END
address = $here
port = 8730
use chroot = no
uid = root
gid = root
[files]
path = $PWD/module
read only = no
END
serve rsync --daemon --no-detach --config=rsyncd.conf
await tcp 8730
rsync -a tree/ "rsync://$here:8730/files/"
echo 30001 >>tree/numbers && touch -d '2030-01-01 00:00:00' tree/numbers
rsync -a --no-whole-file --out-format='%i %n' tree/ "rsync://$here:8730/files/" | grep -v '/$'
rsync -a "rsync://$here:8730/files/" back/ && diff -r tree back && find back | sort
rsync -a "rsync://$here:8730/nothing/" back/ || echo "exit $?"
