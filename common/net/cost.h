/* SPDX-License-Identifier: MIT */
#ifndef VP_NET_COST_H
#define VP_NET_COST_H

#include <stdint.h>

/* What commands cost the server, which it tells the client: EXECUTED frames hold pairs of u32 command and u32
 * nanoseconds. */
#define VP_COST_PAIR_SIZE 8

/* In place of a command: 1024 bytes of recorded ones, which nobody looks at one by one. */
#define VP_COST_RECORDED UINT32_MAX
#define VP_COST_RECORDED_BYTES 1024

/* And 1024 bytes that the server waits for. */
#define VP_COST_ARRIVAL (UINT32_MAX - 1)

/* Places for all commands: those of Venus, then ours, which have numbers from VP_FIRST_OWN_COMMAND on. */
#define VP_FIRST_OWN_COMMAND 0x10000u
#define VP_COST_VENUS_KINDS 512u
#define VP_COST_OWN_KINDS 1024u
#define VP_COST_KINDS (VP_COST_VENUS_KINDS + VP_COST_OWN_KINDS)

/* The place of any number. */
static inline uint32_t vp_cost_kind(uint32_t command)
{
   return command < VP_COST_VENUS_KINDS ? command : VP_COST_VENUS_KINDS + command % VP_COST_OWN_KINDS;
}

/* The number that has a place. */
static inline uint32_t vp_cost_command(uint32_t kind)
{
   return kind < VP_COST_VENUS_KINDS ? kind : VP_FIRST_OWN_COMMAND + kind - VP_COST_VENUS_KINDS;
}

#endif
