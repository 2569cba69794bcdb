#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Prints what bash would offer, one per line. Arguments: the completion file, then the words of the command line; the
# last one is being completed.
set -u
# shellcheck source=/dev/null
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
COMP_LINE="$*"
COMP_POINT=${#COMP_LINE}
COMPREPLY=()
read -r _ _ _ _ function _ < <(complete -p "${1##*/}" | sed 's/.*-F \([^ ]*\).*/- - - - \1 -/')
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
