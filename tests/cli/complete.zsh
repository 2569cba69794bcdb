# SPDX-License-Identifier: GPL-2.0-or-later
# Prints what zsh would offer, one per line. Arguments: the directory of the completion file, then the command line as
# one word, and a file that keeps what zsh's set-up found out, for the next time. Runs an interactive zsh on its own
# terminal, with our own compadd, which every candidate goes through.
zmodload zsh/zpty || exit 77

inner=$(cat <<'INNER'
PROMPT='' RPROMPT=''
unsetopt zle_bracketed_paste 2>/dev/null
fpath=("$CTGATE_COMPLETIONS" $fpath)
autoload -Uz compinit
if [[ -e $CTGATE_DUMP ]]; then compinit -C -d $CTGATE_DUMP; else compinit -u -d $CTGATE_DUMP; fi
zstyle ':completion:*' verbose false
zstyle ':completion:*' menu no
compadd() {
  local -a hits
  case " $* " in *' -O '* | *' -A '* | *' -D '*) builtin compadd "$@"; return ;; esac
  builtin compadd -A hits "$@"
  local hit
  for hit in "$hits[@]"; do print -r -- "<$hit>" >>"$CTGATE_RESULT"; done
  return 1
}
report() { zle complete-word; print -r done >>"$CTGATE_RESULT"; exit }
zle -N report
bindkey '^I' report
print ready
INNER
)

export CTGATE_COMPLETIONS=$1 CTGATE_DUMP=$3 CTGATE_RESULT=$(mktemp) TERM=dumb
{
  print -r -- "$inner" >"$CTGATE_RESULT.rc"
  zpty line exec zsh -f -i
  zpty -w line "source $CTGATE_RESULT.rc"
  zpty -r line answer $'*ready\r\n*' || exit 1
  zpty -w -n line "$2"$'\t'
  # It exits when it is done.
  while zpty -r line answer 2>/dev/null; do :; done
  grep -q '^done$' "$CTGATE_RESULT" || exit 1
  sed -n 's/^<\(.*\)>$/\1/p' "$CTGATE_RESULT"
} always {
  rm -f "$CTGATE_RESULT" "$CTGATE_RESULT.rc"
}
