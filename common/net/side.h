/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_SIDE_H
#define VP_NET_SIDE_H

/* The two ends of a connection. What is said about one names it by its role, so that it means the same wherever it is
 * read. */
enum vp_side {
   VP_CLIENT,
   VP_SERVER,
};

static inline const char *vp_side_name(enum vp_side side)
{
   return side == VP_CLIENT ? "client" : "server";
}

static inline enum vp_side vp_side_opposite(enum vp_side side)
{
   return side == VP_CLIENT ? VP_SERVER : VP_CLIENT;
}

#endif
