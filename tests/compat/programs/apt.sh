# SPDX-License-Identifier: GPL-2.0-or-later
# apt: what it says of itself and of a package, and an update from a repository by HTTP, where its method runs as
# another user and with a seccomp filter.
# needs: apt-get apt-cache python3
. "${0%/*}/support/common.sh"
apt-get --version
apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy bash
mkdir -p repository state/lists/partial cache/archives/partial etc/preferences.d
cat >repository/Packages <<'END'
Package: compat-sample
Version: 1.0
Architecture: all
Maintainer: Nobody <nobody@compat.example>
Filename: ./compat-sample_1.0_all.deb
Size: 1
Description: sample

END
echo "deb [trusted=yes] http://$here:8000/ ./" >etc/sources.list
chown -R _apt state cache 2>/dev/null || true
serve python3 -m http.server --bind "$here" --directory repository 8000
await tcp 8000
options=(-q -o Dir::Etc="$PWD/etc" -o Dir::State="$PWD/state" -o Dir::State::status=/dev/null -o Dir::Cache="$PWD/cache"
  -o APT::Sandbox::Seccomp=true)
apt-get "${options[@]}" update 2>&1 | sed -E 's/ in [0-9]+s .*//'
apt-cache "${options[@]}" policy compat-sample
apt-get "${options[@]}" -s install compat-sample 2>&1
apt-get "${options[@]}" install no-such-package 2>&1 || echo "exit $?"
