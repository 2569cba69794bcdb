// SPDX-License-Identifier: GPL-2.0-or-later
// Names of c-ares in the program itself, before every library's in symbol order. Calling them by mistake ends the
// program.
#include <stdlib.h>

#define OWN(name)   \
  void name(void);  \
  void name(void) { \
    abort();        \
  }

OWN(ares_cancel)
OWN(ares_destroy)
OWN(ares_fds)
OWN(ares_free_data)
OWN(ares_free_string)
OWN(ares_freeaddrinfo)
OWN(ares_getaddrinfo)
OWN(ares_getsock)
OWN(ares_init)
OWN(ares_init_options)
OWN(ares_library_init)
OWN(ares_process)
OWN(ares_process_fd)
OWN(ares_query)
OWN(ares_save_options)
OWN(ares_search)
OWN(ares_send)
OWN(ares_set_servers)
OWN(ares_set_servers_csv)
OWN(ares_set_servers_ports)
OWN(ares_set_servers_ports_csv)
OWN(ares_set_socket_functions)
OWN(ares_strerror)
OWN(ares_timeout)
