/* SPDX-License-Identifier: MIT */

/* Each way to a server has its own way to connect. */

#include "client/process/dial.h"

#include "client/process/program.h"
#include "client/process/tls_program.h"
#include "common/net/unix_connect.h"

int vp_dial(const struct vp_server_address *address, int timeout_ms, char error[VP_SOCKET_ERROR_SIZE])
{
   switch (address->way) {
   case VP_WAY_UNIX:
      return vp_unix_connect(address->place, timeout_ms, error);
   case VP_WAY_EXEC:
      return vp_program_start(address->place, error);
   case VP_WAY_TLS:
      return vp_tls_program_start(address, timeout_ms, error);
   case VP_WAY_TCP:
      break;
   }
   return vp_socket_connect(address->place, address->port, timeout_ms, error);
}
