// SPDX-License-Identifier: GPL-2.0-or-later
// A library of the right name with nothing of ours in it.
[[gnu::visibility("default")]] extern int quiet;
int quiet = 1;
