/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_LIMITS_H
#define VP_NET_LIMITS_H

/* Numbers on which both sides must agree, beside those of frames and pictures, which are with these. */

/* A client has said its greeting by then. */
#define VP_GREETING_MS 10000

/* A server that has nothing to say says so after this time; one that says nothing for so long is lost. */
#define VP_ALIVE_MS 2000
#define VP_SILENCE_MS 10000

/* Who stops in the middle of a frame for so long does not go on. */
#define VP_FRAME_STALL_MS 30000

/* No session is kept longer than for so many seconds while it has no connection. */
#define VP_MAX_RESUME_S 3600u

/* The slots of ids are below. */
#define VP_MAX_SLOTS (1u << 22)

/* Of a swapchain. */
#define VP_MAX_SWAPCHAIN_IMAGES 16

/* That vkGetBufferRulesVP asks about at once. */
#define VP_MAX_USAGES 32u

#endif
