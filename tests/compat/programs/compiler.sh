# SPDX-License-Identifier: GPL-2.0-or-later
# gcc and make: many short processes, pipes between them, an error.
# needs: gcc make
. "${0%/*}/support/common.sh"
echo '#include <stdio.h>
int main(void) { return puts("compiled") < 0; }' >a.c
printf 'all: a b c\na b c:\n\tgcc -pipe -o $@ a.c\n' >Makefile
make -s -j 2 && ./a && ./b && ./c
echo 'int main(void) { return x; }' >wrong.c
gcc wrong.c || echo "exit $?"
