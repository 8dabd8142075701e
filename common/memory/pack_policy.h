/* SPDX-License-Identifier: MIT */
#ifndef VP_MEMORY_PACK_POLICY_H
#define VP_MEMORY_PACK_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decides from measurements whether compressing pays, and with which codec.
 * Numbers in, decision out: no clock, no data, no memory of its own. Speeds are
 * in bytes per nanosecond, which is GB/s. */

/* What a payload can be packed with, as it is called on the wire. */
enum vp_codec {
   VP_CODEC_NONE = 0, /* not packed */
   VP_CODEC_LZ4 = 1,
   VP_CODEC_ZSTD = 2,
};
#define VP_CODECS 3

struct vp_pack_policy {
   double link; /* how fast the link is; infinite as long as it has never made us wait */
   struct {
      size_t bytes;
      uint64_t blocked_ns;
      int64_t start_ns;
      bool was_full; /* at its start, something was still waiting to be sent */
   } window;         /* what was sent since the link's speed was looked at */
   struct vp_codec_rate {
      double ns_per_byte; /* of raw data; 0: not measured yet */
      double size;        /* packed size of a raw byte, at most 1 */
   } codecs[VP_CODECS];
   size_t until_sample, sample_distance; /* bytes */
};

void vp_pack_policy_init(struct vp_pack_policy *policy, int64_t now_ns);

/* That many bytes went out until now, and the sender had to wait for the link for so long. */
void vp_pack_policy_sent(struct vp_pack_policy *policy, size_t bytes, uint64_t blocked_ns, int64_t now_ns);

/* A codec has made `packed` bytes of `raw` ones, both > 0, in `ns`. packed == raw: it could not make less of them. */
void vp_pack_policy_measured(struct vp_pack_policy *policy, enum vp_codec codec, size_t raw, size_t packed,
                             uint64_t ns);

/* Whether each codec should be tried on a sample of the payload of `size` bytes that is to be sent now. Asked once
 * for each payload. */
bool vp_pack_policy_wants_sample(struct vp_pack_policy *policy, size_t size);

enum vp_codec vp_pack_policy_choose(const struct vp_pack_policy *policy);

#endif
