// SPDX-License-Identifier: GPL-2.0-or-later
// A preload library that does nothing at all.
int bench_empty;
