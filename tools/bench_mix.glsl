/* SPDX-License-Identifier: MIT */
/* Something that takes a compiler a while; mix_of() of bench_pipelines.c does the same. */
layout(constant_id = 0) const uint seed = 1;

uint mix_of(uint x)
{
   for (uint i = 0; i < 24; i++) {
      const uint key = seed + i * 2654435769u;
      switch (key >> 29) {
         case 0: x = (x ^ key) * 0x85ebca6bu; break;
         case 1: x = (x << 7 | x >> 25) + key; break;
         case 2: x ^= (x + key) >> 13; break;
         case 3: x = x * 5 + (key | 1); break;
         case 4: x = (x >> 3 | x << 29) ^ key; break;
         case 5: x -= (x & key) << 1; break;
         case 6: x += (x | key) * 9; break;
         default: x = ~x ^ (key >> 5); break;
      }
   }
   return x;
}
