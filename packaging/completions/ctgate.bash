# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of ctgate and ctgated for bash. Without the package bash-completion, it completes the command after
# `ctgate run` only as the name of a program. tests/cli/completion_test.cc compares it with --help.

# Subcommands of the command "$*".
_ctgate_subcommands() {
  case "$*" in
    ctgate) echo 'run status reload demo policy rules cleanup preload shim resolve' ;;
    'ctgate policy') echo 'check show match compile' ;;
    'ctgate rules') echo 'print' ;;
    'ctgate preload') echo 'enable disable status' ;;
    'ctgate shim') echo 'status' ;;
  esac
}

# Options of the command "$*", without --help.
_ctgate_options() {
  case "$*" in
    ctgate) echo '--version' ;;
    ctgated) echo '--version --policy --netns --runtime-dir --check --debug' ;;
    'ctgate run') echo '--policy --library --log' ;;
    'ctgate status') echo '--json --runtime-dir' ;;
    'ctgate reload') echo '--runtime-dir' ;;
    'ctgate demo') echo '--json --quick' ;;
    'ctgate policy show') echo '--json --image' ;;
    'ctgate policy match') echo '--policy --direction --interface --user --mark --json' ;;
    'ctgate policy compile') echo '--output' ;;
    'ctgate rules print') echo '--policy --backend --netns' ;;
    'ctgate cleanup') echo '--runtime-dir --netns' ;;
    'ctgate preload enable' | 'ctgate preload disable') echo '--file --library' ;;
    'ctgate preload status') echo '--file --library --json' ;;
    'ctgate shim status') echo '--json' ;;
    'ctgate resolve') echo '--explain --compare --json --policy --library' ;;
  esac
}

# Names that begin with $2 of what compgen calls $1 (-f files, -d directories), with a slash after directories.
_ctgate_files() {
  compopt -o filenames 2>/dev/null # fails where no completion goes on
  mapfile -t COMPREPLY < <(compgen "$1" -- "$2")
}

_ctgate_options_with_value='--policy --library --image --output --file --runtime-dir --direction --backend --interface --user --mark --netns'

# Values of the option $1 that begin with $2, into COMPREPLY.
_ctgate_value() {
  case $1 in
    --policy | --library | --image | --output | --file) _ctgate_files -f "$2" ;;
    --runtime-dir) _ctgate_files -d "$2" ;;
    --direction) mapfile -t COMPREPLY < <(compgen -W 'output forward input' -- "$2") ;;
    --backend) mapfile -t COMPREPLY < <(compgen -W 'nftables nftables-xt iptables' -- "$2") ;;
    --interface) mapfile -t COMPREPLY < <(compgen -W "$(command ls /sys/class/net 2>/dev/null)" -- "$2") ;;
    --user) mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
    --netns)
      if [[ $2 == */* ]]; then
        _ctgate_files -f "$2"
      else
        mapfile -t COMPREPLY < <(compgen -W "$(command ls /run/netns 2>/dev/null)" -- "$2")
      fi
      ;;
  esac
}

# The arguments of the command $1 that are no options; $2 is the word to complete.
_ctgate_argument() {
  case $1 in
    'ctgate policy check' | 'ctgate policy show' | 'ctgate policy compile') _ctgate_files -f "$2" ;;
    'ctgate shim status') mapfile -t COMPREPLY < <(compgen -W "$(command ls /proc | command grep '^[0-9]')" -- "$2") ;;
    'ctgate resolve') mapfile -t COMPREPLY < <(compgen -A hostname -- "$2") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(_ctgate_subcommands "$1")" -- "$2") ;;
  esac
}

# The command after `ctgate run`, which begins with the word number $1.
_ctgate_command() {
  if declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
  else
    _ctgate_files -f "${COMP_WORDS[COMP_CWORD]}"
  fi
}

_ctgate() {
  local cur=${COMP_WORDS[COMP_CWORD]} option='' command=${COMP_WORDS[0]##*/} word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ -n $option && $word != = ]]; then
      option='' # its value
    elif [[ $command == 'ctgate run' && $word == -- ]]; then
      _ctgate_command $((i + 1))
      return
    elif [[ $word == --* ]]; then
      if [[ " $_ctgate_options_with_value " == *" $word "* ]]; then option=$word; fi
    elif [[ $word != -* && $command == 'ctgate run' ]]; then
      _ctgate_command "$i"
      return
    elif [[ " $(_ctgate_subcommands "$command") " == *" $word "* ]]; then
      command+=" $word"
    fi
  done
  if [[ $cur == = ]]; then cur=''; fi # of --option=value, which readline takes for three words
  if [[ -n $option ]]; then
    _ctgate_value "$option" "$cur"
  elif [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "--help $(_ctgate_options "$command")" -- "$cur")
  elif [[ $command == 'ctgate run' ]]; then
    _ctgate_command "$COMP_CWORD"
  else
    _ctgate_argument "$command" "$cur"
  fi
}

complete -F _ctgate ctgate ctgated
