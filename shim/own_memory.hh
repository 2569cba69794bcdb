// SPDX-License-Identifier: GPL-2.0-or-later
// Whose memory the library's state is in.
#pragma once

namespace ctgate::shim {

// Called by the constructor only. Also makes fork(3) note each copy of the process.
void note_process();

// True in a process that runs in its parent's memory: between vfork(2) and exec, or as clone(2) with CLONE_VM makes it.
// Whatever it stores changes its parent's memory. If the kernel refuses to tell, which happens only to children that
// libc's fork() did not make, the answer is false. Async-signal-safe, errno is not touched.
bool in_memory_of_another();

}  // namespace ctgate::shim
