/* SPDX-License-Identifier: MIT */
#ifndef VP_CLIENT_LINK_TOKEN_H
#define VP_CLIENT_LINK_TOKEN_H

#include <stdbool.h>

#include "client/vp_client_structs.h"

/* A descriptor for the application that stands for something on the server: it holds a token. It is one end of a pair
 * of sockets, so that who has the other end knows when the last copy of it is closed, in whatever process that is. */

enum vp_token_kind { VP_TOKEN_MEMORY = 1, VP_TOKEN_SEMAPHORE, VP_TOKEN_FENCE };

/* ends[0] is for the application, ends[1] is ours; both are close-on-exec. False with errno. */
bool vp_token_open(enum vp_token_kind kind, const VkTokenVP *token, int ends[2]);

/* Reads it, which any process can as often as it likes. False: it is no such descriptor. */
bool vp_token_read(int fd, enum vp_token_kind kind, VkTokenVP *token);

#endif
