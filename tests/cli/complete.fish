# SPDX-License-Identifier: GPL-2.0-or-later
# Prints what fish would offer, one per line. Arguments: the completion file, then the command line as one word.
source $argv[1]
complete -C $argv[2] | string split -f 1 \t
exit 0
