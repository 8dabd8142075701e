/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_READBACK_H
#define VP_SERVER_MEMORY_READBACK_H

#include <stdbool.h>
#include <vulkan/vulkan.h>

struct vp_encoder;
struct vps_device;
struct vps_memory;
struct vps_writes;

/* What the GPU has changed in memory, on its way to the client. */

/* What is known of a new device's memory types. */
void vps_readback_init(struct vps_device *device);

/* Sends what differs in memory that the GPU may have written to, or notes that it does. False without memory, and then
 * the client's copy may be wrong. For one thread of a device at a time (its report_lock).
 *
 * `running`: NULL, or what is being written to all the while, by what may write to the same memory. Of memory that the
 * application can look at that is sent too, in an order that it can rely on: see stretches.h. */
bool vps_readback_report(struct vps_device *device, const struct vps_writes *writes, const struct vps_writes *running);

/* The same for what is being written to alone. Nothing is sent when there is no such order, since it is being written
 * to too fast. */
bool vps_readback_look(struct vps_device *device, const struct vps_writes *running);

/* Whether the application can look at memory that may be written to so. */
bool vps_readback_is_visible(struct vps_device *device, const struct vps_writes *writes);

/* The rest is with the memory's lock. */

/* Whether it is likely that the application will want to see what the GPU writes to it, so that it pays to make it
 * known from the start. */
bool vps_readback_is_likely(const struct vps_memory *memory, bool copies);

/* Notes that pages may differ from the twin: all of them, or those that the GPU can write to at all. */
void vps_readback_mark_all(struct vps_memory *memory);
void vps_readback_mark_exposed(struct vps_memory *memory);

/* The application maps it: sends what the client lacks, and learns from what it had; `asked`: it had nothing, though
 * the GPU can have written there. False without memory. */
bool vps_readback_open(struct vps_memory *memory, bool asked, struct vp_encoder *enc);

/* It is freed; learns from that. */
void vps_readback_close(struct vps_memory *memory);

#endif
