# SPDX-License-Identifier: GPL-2.0-or-later
# git: commits, packs, clones by file://, git:// and ssh-less push, and a merge.
# needs: git
. "${0%/*}/support/common.sh"
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z'
git config --global user.name compat
git config --global user.email compat@compat.example
git config --global init.defaultBranch main
git init -q source
cd source
for i in 1 2 3; do seq "$((i * 1000))" >"file$i" && git add . && git commit -q -m "commit $i"; done
git checkout -q -b side HEAD~1 && seq 5 >other && git add . && git commit -q -m side && git checkout -q main
git merge -q --no-edit side && git log --graph --oneline && git gc -q && git fsck
cd ..
git clone -q "file://$PWD/source" by_file && git -C by_file log -1 --format='%H %s'
serve git daemon --listen="$here" --base-path="$PWD" --export-all --enable=receive-pack --reuseaddr "$PWD"
await tcp 9418
git clone "git://$here/source" by_net && git -C by_net log -1 --format='%H %s'
git -C by_net commit -q --allow-empty -m more && git -C by_net push -q origin HEAD:refs/heads/pushed
git -C source log -1 --format='%H %s' pushed
git clone -q "git://$here/nothing" 2>&1 || echo "exit $?"
