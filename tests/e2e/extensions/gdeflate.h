/* SPDX-License-Identifier: MIT */
#ifndef VP_TESTS_E2E_EXTENSIONS_GDEFLATE_H
#define VP_TESTS_E2E_EXTENSIONS_GDEFLATE_H

#include <stdint.h>
#include <string.h>

/* Packs bytes as one tile of GDeflate 1.0: a block of deflate with the fixed codes, without repetitions, whose bytes
 * take turns in 32 streams. The streams lie in words: first one of each; then, of the streams that were read from, a
 * further one as soon as less than 32 bits of it are there. */

#define GDEFLATE_STREAMS 32
#define GDEFLATE_MOST 4096 /* bytes in a tile of ours */

/* Room for a packed tile: 9 bits for a byte, what was begun of each stream, and as much that is read in vain. */
#define GDEFLATE_ROOM (GDEFLATE_MOST * 9 / 8 + 3 * GDEFLATE_STREAMS * 4)

struct gdeflate {
   uint32_t *words;
   uint32_t count;                                                            /* of the words */
   uint8_t bits[GDEFLATE_STREAMS][GDEFLATE_MOST / GDEFLATE_STREAMS * 9 + 64]; /* of each stream */
   uint32_t said[GDEFLATE_STREAMS], taken[GDEFLATE_STREAMS]; /* how many there are; how many are in words */
   int32_t left[GDEFLATE_STREAMS];                           /* that a reader has of a stream */
};

static inline void gdeflate_take(struct gdeflate *packer, unsigned stream)
{
   uint32_t word = 0;
   for (unsigned i = 0; i < 32; i++)
      word |= (uint32_t)packer->bits[stream][packer->taken[stream] + i] << i;
   packer->taken[stream] += 32;
   packer->left[stream] += 32;
   packer->words[packer->count++] = word;
}

/* The fixed code of a byte, most significant bit first: its length. */
static inline unsigned gdeflate_code(uint8_t byte, uint32_t *code)
{
   *code = byte < 144 ? 0x30u + byte : 0x190u + byte - 144;
   return byte < 144 ? 8 : 9;
}

static inline void gdeflate_read(struct gdeflate *packer, unsigned stream, int32_t bits)
{
   packer->left[stream] -= bits;
   if (packer->left[stream] < 32)
      gdeflate_take(packer, stream);
}

/* The size of the packed tile. The number of bytes must be one of whole turns. So that a reader never has exactly 32
 * bits, of which descriptions differ whether it reads on, each first byte but that of the first stream is 144 or more,
 * all others are less. */
static inline uint32_t gdeflate_pack(struct gdeflate *packer, const uint8_t *bytes, uint32_t count, uint32_t *words)
{
   uint32_t code;
   memset(packer, 0, sizeof(*packer));
   packer->words = words;
   memcpy(packer->bits[0], (const uint8_t[]){1, 1, 0}, 3); /* the last block, with the fixed codes */
   packer->said[0] = 3;
   for (uint32_t i = 0; i < count; i++) {
      const unsigned stream = i % GDEFLATE_STREAMS;
      for (unsigned bit = gdeflate_code(bytes[i], &code); bit-- > 0;)
         packer->bits[stream][packer->said[stream]++] = code >> bit & 1;
   }
   /* Then the end: seven zeros, which are there. */
   for (unsigned stream = 0; stream < GDEFLATE_STREAMS; stream++)
      gdeflate_take(packer, stream);
   gdeflate_read(packer, 0, 3);
   for (uint32_t i = 0; i < count; i++)
      gdeflate_read(packer, i % GDEFLATE_STREAMS, (int32_t)gdeflate_code(bytes[i], &code));
   memset(words + packer->count, 0, (size_t)GDEFLATE_STREAMS * 4);
   return (packer->count + GDEFLATE_STREAMS) * 4;
}

#endif
