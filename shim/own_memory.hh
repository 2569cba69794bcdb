// SPDX-License-Identifier: GPL-2.0-or-later
// Whose memory it is that the library's state is in.
#pragma once

namespace ctgate::shim {

// Called by the constructor, and by nobody else. Makes fork(3) note each copy of the process, too.
void note_process();

// True in a process that runs in its parent's memory: between vfork(2) and exec, or as clone(2) with CLONE_VM makes it.
// What it stores, its parent has stored. Where the kernel refuses to tell, which only children can meet that libc's
// fork() did not make, the answer is false. Async-signal-safe, errno is not touched.
bool in_memory_of_another();

}  // namespace ctgate::shim
