/* SPDX-License-Identifier: MIT */
/* Writes the push constants, as they are, to words[slot * 8 ...]. */
#version 450
layout(local_size_x = 1) in;
layout(set = 0, binding = 0) buffer Words { uint words[]; };
layout(push_constant) uniform Push { uint slot; uint values[7]; };
void main()
{
   words[slot * 8] = slot;
   for (uint i = 0; i < 7; i++)
      words[slot * 8 + 1 + i] = values[i];
}
