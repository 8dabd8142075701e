/* SPDX-License-Identifier: MIT */
#ifndef VP_SERVER_MEMORY_STRETCHES_H
#define VP_SERVER_MEMORY_STRETCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vp_encoder;
struct vps_memory;

/* An application can look at mapped memory at any time, and a GPU can write data and then a word that says that the
 * data is there. The word must not arrive first. Which word that is nobody says; most likely it is alone, or at one end
 * of what has changed. So memory that has changed is divided into stretches, of pages next to each other; their ends
 * are read before all that is between them, and sent after it: the last
 * word, then the first one, since what has no fixed length comes behind the rest; single words at the very end. */

#define VPS_WORD ((size_t)8)
#define VPS_MAX_STRETCHES 256

struct vps_stretch {
   struct vps_memory *memory;
   size_t place[2]; /* of the first and the last word that differ; multiples of VPS_WORD, maybe the same */
   uint8_t value[2][VPS_WORD];
   uint8_t twin[2][VPS_WORD]; /* what the client had */
};

/* In the order of memory and place. */
struct vps_stretches {
   unsigned count;
   struct vps_stretch list[VPS_MAX_STRETCHES];
};

/* Adds those of the memory's marked pages. False, with nothing added, when there are too many. */
bool vps_stretches_add(struct vps_stretches *stretches, struct vps_memory *memory);

/* Reads the ends again. Whether they are as they were. With the memory's lock, as all. */
bool vps_stretch_read(struct vps_stretch *stretch);

/* Whether these are the same ones. */
bool vps_stretches_equal(const struct vps_stretches *a, const struct vps_stretches *b);

/* Of this memory, those that are a single word, or the others. */
bool vps_stretches_have(const struct vps_stretches *stretches, const struct vps_memory *memory, bool single);

/* Their ends, single words last, which are taken over into the twin. Bytes that the client has changed since they were
 * read are its own. */
void vps_stretches_collect(const struct vps_stretches *stretches, struct vps_memory *memory, struct vp_encoder *enc);

#endif
