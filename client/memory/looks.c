/* SPDX-License-Identifier: MIT */

/* What the sender of the stream does when it gets to where mapped memory has to be looked at. */

#include "client/link/stream.h"
#include "client/mapping/mapping.h"
#include "client/memory/device_memory.h"

static void hold_for_batch(struct vp_mapping *mapping, uint64_t batch)
{
   vp_mapping_set_batch(vp_mapping_ref(mapping), batch);
}

const struct vp_looks vp_looks = {
   .look = vp_device_send_memory,
   .batch = vp_mapping_batch,
   .hold = hold_for_batch,
   .release = vp_mapping_unref,
};
